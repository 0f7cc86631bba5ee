package local

import (
	"fmt"

	"flashstore/engine/drive"
)

// layoutVersions is the first layout that has registers of versions, heads and attributes. The log
// does not differ for them, but an older version would heal and list what it does not know as if it
// were not there. A drive is raised to it with the first one.
const layoutVersions = 4

// layoutOf is the first layout that has registers of a space.
func layoutOf(space drive.Space) int {
	switch space {
	case drive.SpaceVersion, drive.SpaceHead, drive.SpaceAttributes:
		return layoutVersions
	}
	return layoutFirst
}

// raiseFor makes the drive one that may hold registers of a space, durably, before it does.
func (d *Drive) raiseFor(space drive.Space) error {
	layout := layoutOf(space)
	if int(d.layout.Load()) >= layout {
		return nil
	}
	format, err := readFormat(d.config.Engine, d.config.Path)
	if err == nil {
		err = format.raise(d.config.Engine, d.config.Path, layout)
	}
	if err != nil {
		return fmt.Errorf("raising the drive to layout %d: %w", layout, err)
	}
	d.layout.Store(int32(format.Layout))
	return nil
}
