package local

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// The names in a drive's directory.
const (
	formatName    = "format.json"
	lockName      = "lock"
	logDir        = "log"
	bulkDir       = "bulk"
	indexDir      = "index"
	lostFound     = "lost+found" // mkfs.ext4 makes it
	newSuffix     = ".new"       // a file that is not finished
	formatByteMax = 64 << 10
)

// formatFile is the content of format.json.
type formatFile struct {
	drive.Identity
	// Incarnation is random and in every batch of the log: files of two drives cannot be
	// mixed up.
	Incarnation string `json:"incarnation"`
	// Joining: the drive was added to a deployment that had data, so its "not here" counts
	// for nothing before the first term it sees.
	Joining bool `json:"joining,omitempty"`
	// Forgot is the highest term whose tombstones the drive may have forgotten. A drive that has
	// seen no later one may hold what they deleted.
	Forgot uint64 `json:"forgot,omitempty"`
}

// formatSumField begins the last field of format.json, in every layout: the checksum of all
// that stands before it. So a file of a newer layout is told from a damaged one.
const formatSumField = `  "checksum": "`

// encode returns the text of format.json.
func (f *formatFile) encode() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, err
	}
	text = append(bytes.TrimSuffix(text, []byte("\n}")), ",\n"...)
	return append(text, formatEnd(text)...), nil
}

// formatEnd is what follows the text of format.json up to its checksum.
func formatEnd(text []byte) string {
	return fmt.Sprintf("%s%x\"\n}\n", formatSumField, appendSum(nil, text))
}

// formatIntact reports whether no byte of a format.json has changed.
func formatIntact(text []byte) bool {
	at := bytes.LastIndex(text, []byte(formatSumField))
	return at >= 0 && string(text[at:]) == formatEnd(text[:at])
}

// raise makes the drive one of a later layout, durably, before anything of that is written. One
// that needs no more than it has stays as it is, so that older versions can still read it.
func (f *formatFile) raise(e ioengine.Engine, path string, layout int) error {
	if layout <= f.Layout {
		return nil
	}
	f.Layout = layout
	return f.write(e, path)
}

func (f *formatFile) write(e ioengine.Engine, path string) error {
	text, err := f.encode()
	if err != nil {
		return err
	}
	return writeWhole(e, filepath.Join(path, formatName), text)
}

func (f *formatFile) incarnation() (id [16]byte, err error) {
	b, err := hex.DecodeString(f.Incarnation)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("incarnation %q is not 32 hexadecimal digits", f.Incarnation)
	}
	return [16]byte(b), nil
}

// Format makes path, an empty or missing directory, a drive of a deployment without data.
// It is durable on return. Errors: drive.ErrForeign if the directory is not empty.
func Format(e ioengine.Engine, path string, id drive.Identity) error {
	return format(e, path, id, false)
}

// FormatJoining is Format for a drive that joins a deployment that may have data: until a
// term is committed to it, its "not here" counts for nothing.
func FormatJoining(e ioengine.Engine, path string, id drive.Identity) error {
	return format(e, path, id, true)
}

func format(e ioengine.Engine, path string, id drive.Identity, joining bool) error {
	files := e.Files()
	if _, err := Inspect(e, path); !errors.Is(err, drive.ErrUnformatted) {
		if err == nil {
			err = fmt.Errorf("%w: %s is formatted already", drive.ErrForeign, path)
		}
		return err
	}
	if err := makeDirs(files, path, filepath.Join(path, logDir),
		filepath.Join(path, bulkDir)); err != nil {
		return err
	}
	id.Layout = layoutFirst // raised once something asks for more
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails, crypto/rand
	f := formatFile{Identity: id, Incarnation: hex.EncodeToString(random), Joining: joining}
	if err := f.write(e, path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}

// makeDirs makes directories that may exist already.
func makeDirs(files ioengine.FileSystem, paths ...string) error {
	for _, p := range paths {
		if err := files.MakeDir(p); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// writeWhole replaces a small file atomically and durably.
func writeWhole(e ioengine.Engine, path string, text []byte) error {
	files := e.Files()
	f, err := files.Open(path+newSuffix, ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		return err
	}
	err = f.Truncate(int64(len(text)))
	if err == nil {
		err = ioengine.Run(e, ioengine.Foreground,
			ioengine.Op{Kind: ioengine.Write, File: f, Bufs: [][]byte{text}})
	}
	if err == nil {
		err = ioengine.Run(e, ioengine.Foreground, ioengine.Op{Kind: ioengine.DataSync, File: f})
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := files.Rename(path+newSuffix, path); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(path))
}

// Inspect reads the identity of the drive in path without opening it. Errors:
// drive.ErrUnformatted for an empty or missing directory, drive.ErrForeign for one with
// other content, drive.ErrNewer, drive.ErrCorrupt for an unreadable format.json.
func Inspect(e ioengine.Engine, path string) (drive.Identity, error) {
	f, err := readFormat(e, path)
	return f.Identity, err
}

func readFormat(e ioengine.Engine, path string) (f formatFile, err error) {
	names, err := e.Files().List(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("%w: %s does not exist", drive.ErrUnformatted, path)
	}
	if err != nil {
		return f, fmt.Errorf("%w: %s: %w", drive.ErrOffline, path, err)
	}
	if !slices.Contains(names, formatName) {
		return f, withoutFormat(path, names)
	}
	name := filepath.Join(path, formatName)
	text, err := readWhole(e, name, formatByteMax)
	if err != nil {
		return f, fmt.Errorf("%w: %s: %w", drive.ErrCorrupt, name, err)
	}
	return parseFormat(name, text)
}

// parseFormat decodes the text of the format.json of that name. Errors: drive.ErrNewer,
// drive.ErrCorrupt.
func parseFormat(name string, text []byte) (f formatFile, err error) {
	var any struct {
		Layout int `json:"layout"`
	}
	if err = json.Unmarshal(text, &any); err == nil && !formatIntact(text) {
		err = errors.New("its checksum does not match")
	}
	if err == nil && any.Layout > layoutVersion {
		return f, fmt.Errorf("%w: %s has layout %d, this version knows %d: start the newer "+
			"version", drive.ErrNewer, name, any.Layout, layoutVersion)
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err == nil {
		_, err = f.incarnation()
	}
	if err == nil && (f.Layout < 1 || f.Deployment == "") {
		err = fmt.Errorf("it is incomplete: layout %d, deployment %q", f.Layout, f.Deployment)
	}
	if err != nil {
		return formatFile{}, fmt.Errorf("%w: %s: %w: restore the file, or replace the drive by an "+
			"empty directory and heal", drive.ErrCorrupt, name, err)
	}
	return f, nil
}

// withoutFormat tells an empty directory, or one that a crash left in the middle of Format,
// from somebody else's.
func withoutFormat(path string, names []string) error {
	own := []string{lostFound, logDir, bulkDir, lockName, formatName + newSuffix}
	if slices.Contains(names, logDir) && slices.Contains(names, bulkDir) {
		own = append(own, newestName, stopMarkName, indexDir, checkDir) // see Identify
	}
	for _, n := range names {
		if !slices.Contains(own, n) {
			return fmt.Errorf("%w: %s has no %s but holds %q", drive.ErrForeign, path,
				formatName, n)
		}
	}
	return fmt.Errorf("%w: %s is empty", drive.ErrUnformatted, path)
}

func readWhole(e ioengine.Engine, path string, bytesMax int64) ([]byte, error) {
	f, err := e.Files().Open(path, ioengine.OpenFlags{})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size == 0 || size > bytesMax {
		return nil, fmt.Errorf("%d bytes long", size)
	}
	text := make([]byte, size)
	return text, ioengine.Run(e, ioengine.Foreground,
		ioengine.Op{Kind: ioengine.Read, File: f, Bufs: [][]byte{text}})
}

// checkExpect compares the identity found with the one asked for.
func checkExpect(path string, have, want drive.Identity) error {
	want.Layout = have.Layout
	if want.DriveID == "" {
		want.DriveID = have.DriveID
	}
	if want.Deployment == "" || have == want {
		return nil
	}
	return fmt.Errorf("%w: %s is drive %s, set %d, position %d of %d+%d of deployment %s; "+
		"expected drive %s, set %d, position %d of %d+%d of deployment %s", drive.ErrForeign,
		path, have.DriveID, have.Set, have.Position, have.Drives-have.Parity, have.Parity,
		have.Deployment, want.DriveID, want.Set, want.Position, want.Drives-want.Parity,
		want.Parity, want.Deployment)
}

// lock makes this process the only one that uses the drive.
func lock(files ioengine.FileSystem, path string) (ioengine.File, error) {
	f, err := files.Lock(filepath.Join(path, lockName))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%w: %s", drive.ErrInUse, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: lock %s: %w", drive.ErrOffline, path, err)
	}
	return f, nil
}
