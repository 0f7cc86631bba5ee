package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// programs are those that are started, by the name under which a record carries their hash.
func (o *options) programs() map[string]string {
	out := map[string]string{"flashstore": o.server}
	if !o.withoutWarp {
		out["warp"] = o.warp
	}
	maps.Copy(out, o.others)
	return out
}

// checkPrograms refuses what cannot be started, before anything is measured.
func (o *options) checkPrograms() error {
	programs := o.programs()
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		if err := checkProgram(programs[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkProgram(path string) error {
	err := isProgram(path)
	switch {
	case errors.Is(err, errNoProgram):
		return fmt.Errorf("%w: %w; make build warp makes ours", errUsage, err)
	case err != nil:
		return fmt.Errorf("%w: %w; make build warp", errUsage, err)
	}
	return nil
}

// errNoProgram is wrapped where there is a file that cannot be started.
var errNoProgram = errors.New("is no program, which is a file that may be executed")

// isProgram says why a path cannot be started.
func isProgram(path string) error {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Mode()&0o111 == 0) {
		return fmt.Errorf("%s %w", path, errNoProgram)
	}
	return err
}

// program is a file that legs start, as it was when its hash was taken.
type program struct {
	path string
	info fs.FileInfo
}

// hashPrograms returns the hashes of what legs start and of the harness, by name.
func (s *session) hashPrograms() (hashes map[string]string, err error) {
	hashes = map[string]string{}
	for name, path := range s.programs() {
		info, err := os.Stat(path) // before it is read, so that no change falls between
		if err != nil {
			return nil, err
		}
		if hashes[name], err = hashFile(path); err != nil {
			return nil, err
		}
		s.hashed = append(s.hashed, program{path, info})
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	hashes["flashbench"], err = hashFile(self)
	return hashes, err
}

// unchanged refuses to go on once a program is another one than that whose hash the session has:
// its legs would be of two, under one name.
//
// Note: a copy in the workspace could not change, but what looks for files beside itself, as other
// servers and scripts do, would not find them there.
func (s *session) unchanged() error {
	for _, p := range s.hashed {
		now, err := os.Stat(p.path)
		if err == nil && os.SameFile(now, p.info) && now.Size() == p.info.Size() &&
			now.ModTime().Equal(p.info.ModTime()) {
			continue
		}
		return fmt.Errorf("%s has changed since session %s began, all of whose legs are of one program: "+
			"put that one back to go on; %s", p.path, s.id, startAnew)
	}
	return nil
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
