package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local/indexfs"
)

// manifestRecordsMin is how many records the MANIFEST of an index with tables has at least: the
// first lists the tables, the next has the sequence number of their newest row. Pebble makes both
// durable before it uses the file (versionSet.createManifest), but takes a damaged record
// for the file's end.
const manifestRecordsMin = 2

// checkManifest is drive.ErrCorrupt for an index whose MANIFEST has lost the sequence number that
// Pebble goes on from. It would give numbers again: old rows would hide new ones, and a
// compaction that meets two of one number ends the process. Whatever else is damaged is told by
// Pebble, or leaves an older index whose tables are all there.
func checkManifest(files *indexfs.FS, path string) error {
	names, err := files.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	tables := false
	for _, n := range names {
		tables = tables || strings.HasSuffix(n, ".sst")
	}
	desc, err := pebble.Peek(path, files)
	if err != nil || !desc.Exists || !tables {
		return err
	}
	f, err := files.Open(desc.ManifestFilename)
	if err != nil {
		return err
	}
	defer f.Close() // it was read only
	r := record.NewReader(f, 0)
	for n := range manifestRecordsMin {
		var p io.Reader
		if p, err = r.Next(); err == nil {
			_, err = io.Copy(io.Discard, p)
		}
		if err != nil {
			return fmt.Errorf("%w: record %d of %s: %w", drive.ErrCorrupt, n+1,
				desc.ManifestFilename, err)
		}
	}
	return nil
}
