package bench

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkOutputs refuses files that cannot be written, before hours are spent on what is to stand in
// them, and two that are one, of which the later would replace the former. Empty paths are none.
// What is there is left as it is, and what is not there is not made.
func checkOutputs(paths ...string) (err error) {
	var tried []output
	defer func() { // only now, so that two names of what is not there meet in one file
		for _, o := range tried {
			if o.made {
				err = errors.Join(err, removeMade(o.path))
			}
		}
	}()
	for _, path := range paths {
		if path == "" {
			continue
		}
		o, err := tryOutput(path)
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		for _, other := range tried {
			if os.SameFile(o.info, other.info) {
				return fmt.Errorf("%w: %s and %s are one file", errUsage, other.path, path)
			}
		}
		tried = append(tried, o)
	}
	return nil
}

// output is a file that can be written.
type output struct {
	path string
	info fs.FileInfo // nil: a device, which takes what all write to it
	made bool        // it was not there
}

func tryOutput(path string) (o output, err error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return output{path: path}, nil // a terminal or a pipe, whose reader would see it close
	}
	absent := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return o, err
	}
	info, err = f.Stat()
	return output{path, info, absent}, errors.Join(err, f.Close())
}

// removeMade removes a file, and none of the links that lead to it.
func removeMade(path string) error {
	made, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return os.Remove(made)
}

// writeFile replaces what a file holds.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// appendFile adds to a file: a summary of continuous integration may hold more.
func appendFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
