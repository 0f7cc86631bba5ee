package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Index is the file of all records.
type Index struct{ path string }

// Open returns the index at path. Nothing is made: the first Append makes the file and its folder.
// An error says why nothing can be there.
func Open(path string) (*Index, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("record: %s is a folder", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return &Index{path: path}, nil
}

// Path is where the index lies.
func (x *Index) Path() string { return x.path }

// Raw is the folder beside the index for what a session keeps besides its lines. Whoever makes it
// has a Claim, which refuses what is no ID.
func (x *Index) Raw(session string) string {
	return filepath.Join(filepath.Dir(x.path), "raw", session)
}

// Append adds lines, in one write, so that a kill leaves all of them or none. On return they are on
// disk.
func (x *Index) Append(lines ...Line) (err error) {
	var text []byte
	for _, line := range lines {
		line.Schema = Schema
		one, err := json.Marshal(line)
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		text = append(append(text, one...), '\n')
	}
	if err := os.MkdirAll(filepath.Dir(x.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(x.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", x.path, err)
	}
	torn, err := endsTorn(f)
	if err != nil {
		return err
	}
	if torn {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

func endsTorn(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// Read returns all lines in order and how many could not be read: torn by a crash, or written by a
// later version. Legs that are withdrawn, by whatever line, have the reason and no figures.
func (x *Index) Read() (lines []Line, skipped int, err error) {
	text, err := os.ReadFile(x.path)
	if err != nil {
		return nil, 0, err
	}
	for one := range bytes.Lines(text) {
		if len(bytes.TrimSpace(one)) == 0 {
			continue
		}
		var line Line
		if json.Unmarshal(one, &line) != nil || line.Schema != Schema {
			skipped++
			continue
		}
		lines = append(lines, line)
	}
	withdraw(lines)
	return lines, skipped, nil
}

// withdraw takes the figures from legs that a line takes back.
func withdraw(lines []Line) {
	type measured struct{ session, scenario string }
	reasons := map[measured]string{}
	for _, line := range lines {
		if w := line.Withdrawn; w != nil {
			reasons[measured{w.Session, w.Scenario}] = w.Reason
		}
	}
	for _, line := range lines {
		if leg := line.Leg; leg != nil {
			if reason, ok := reasons[measured{leg.Session, leg.Scenario}]; ok {
				leg.Outcome, leg.Reason = Withdrawn, reason
				leg.Operations, leg.Metrics, leg.Quantiles, leg.Cost = 0, nil, nil, nil
			}
		}
	}
}
