package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Index is the file of all records.
type Index struct{ path string }

// Open returns the index at path; its folder is created, the file with the first line.
func Open(path string) (*Index, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return &Index{path: path}, nil
}

// Path is where the index lies.
func (x *Index) Path() string { return x.path }

// Append adds one line. On return it is on disk.
func (x *Index) Append(line Line) (err error) {
	line.Schema = Schema
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("record: %w", err)
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
	if _, err := f.Write(append(text, '\n')); err != nil {
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

// lineBytesMax is far above the largest line.
const lineBytesMax = 1 << 20

// Read returns all lines in order and how many could not be read: torn by a crash, or written by a
// later version.
func (x *Index) Read() (lines []Line, skipped int, err error) {
	f, err := os.Open(x.path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(make([]byte, 0, 64<<10), lineBytesMax)
	for scanner.Scan() {
		if len(scanner.Bytes()) == 0 {
			continue
		}
		var line Line
		if json.Unmarshal(scanner.Bytes(), &line) != nil || line.Schema != Schema {
			skipped++
			continue
		}
		lines = append(lines, line)
	}
	if err := scanner.Err(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", x.path, err)
	}
	return lines, skipped, nil
}
