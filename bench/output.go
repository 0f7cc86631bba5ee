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
// them. Empty paths are none. What is there is left as it is, and what is not there is not made.
func checkOutputs(paths ...string) error {
	for _, path := range paths {
		if path == "" {
			continue
		}
		if err := checkOutput(path); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	return nil
}

func checkOutput(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil // a terminal or a pipe, whose reader would see it close
	}
	absent := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if absent {
		err = removeMade(path)
	}
	return errors.Join(err, f.Close())
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
