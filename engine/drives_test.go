package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/zeebo/xxh3"

	"flashstore/engine/config"
	"flashstore/engine/object"
)

// deployment is a server's configuration over directories of a test.
type deployment struct {
	t      *testing.T
	config config.Config
	log    *logText // of the last start
}

// logText collects a log from any goroutine.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newDirs is a deployment over n directories that do not exist yet.
func newDirs(t *testing.T, n int) *deployment {
	t.Helper()
	c := config.Defaults()
	c.Address, c.IOEngine, c.LogSegment = "127.0.0.1:0", "threadpool", 1<<20
	c.RootUser, c.RootPassword, c.Durability = "someone", "a password", "relaxed"
	dir := t.TempDir()
	for i := range n {
		c.Drives = append(c.Drives, filepath.Join(dir, fmt.Sprintf("d%d", i+1)))
	}
	return &deployment{t: t, config: c}
}

// used is a deployment of n drives that holds objects in several log segments.
func used(t *testing.T, n, parity int) *deployment {
	t.Helper()
	d := newDirs(t, n)
	d.config.Parity = parity
	e := d.start()
	if err := e.store.CreateBucket(t.Context(), "kept", object.BucketSettings{}); err != nil {
		t.Fatal(err)
	}
	for i := range keptObjects {
		if err := put(t.Context(), e, keptKey(i), keptBytes(i)); err != nil {
			t.Fatal(err)
		}
	}
	d.stop(e)
	return d
}

// keptObjects fill more than two log segments of 1 MiB on each of 4+1 drives, and none in bulk.
const keptObjects = 24

func keptKey(i int) object.Key { return object.Key(fmt.Sprintf("object-%02d", i)) }

func keptBytes(i int) []byte {
	return bytes.Repeat([]byte{byte(i), byte(i >> 8), 0x5A, 0xA5}, 180<<10/4)
}

func put(ctx context.Context, e *Engine, key object.Key, body []byte) error {
	_, err := e.store.PutObject(ctx, &object.Put{Bucket: "kept", Key: key,
		Body: bytes.NewReader(body), SizeBytes: int64(len(body))})
	return err
}

// read compares every object that used put.
func (d *deployment) read(e *Engine) {
	d.t.Helper()
	for i := range keptObjects {
		h, err := e.store.Open(d.t.Context(), object.Ref{Bucket: "kept", Key: keptKey(i)})
		if err != nil {
			d.t.Fatalf("%s: %v", keptKey(i), err)
		}
		var got bytes.Buffer
		for {
			bufs, err := h.Next(d.t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				d.t.Fatalf("%s: %v", keptKey(i), err)
			}
			for _, b := range bufs {
				got.Write(b)
			}
		}
		h.Close()
		if !bytes.Equal(got.Bytes(), keptBytes(i)) {
			d.t.Errorf("%s: other bytes", keptKey(i))
		}
	}
}

// try starts a server.
func (d *deployment) try() (*Engine, error) {
	d.log = &logText{}
	return New(d.t.Context(), d.config, slog.New(slog.NewTextHandler(d.log, nil)))
}

func (d *deployment) start() *Engine {
	d.t.Helper()
	e, err := d.try()
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

func (d *deployment) stop(e *Engine) {
	d.t.Helper()
	if err := e.Shutdown(context.WithoutCancel(d.t.Context())); err != nil {
		d.t.Error(err)
	}
}

// refused expects a start that fails and says all of these words.
func (d *deployment) refused(words ...string) {
	d.t.Helper()
	e, err := d.try()
	if err == nil {
		d.stop(e)
		d.t.Fatalf("it starts; want %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			d.t.Errorf("no %q in:\n%v", w, err)
		}
	}
}

// copyOf copies all drives to another place.
func (d *deployment) copyOf(t *testing.T) *deployment {
	t.Helper()
	c := newDirs(t, len(d.config.Drives))
	for i, from := range d.config.Drives {
		copyDir(t, from, c.config.Drives[i])
	}
	return c
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(to, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
}

// treeHash is a digest of every name, mode and byte below a path.
func treeHash(t *testing.T, root string) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && path == root {
				return nil
			}
			return err
		}
		fmt.Fprintln(h, path, e.Type())
		if e.IsDir() {
			return nil
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(h, "%d %x\n", len(text), sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// badDirectory is something that may be found in the place of a drive.
type badDirectory struct {
	name  string
	fault fault
	says  []string // what was found and what to do
	make  func(t *testing.T, dir string)
}

// badDirectories are what a test can make of a drive; other is a drive of another deployment.
func badDirectories(other string) []badDirectory {
	must := func(f func(dir string) error) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			if err := f(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
	format := func(edit func(text []byte) []byte) func(*testing.T, string) {
		return must(func(dir string) error {
			name := filepath.Join(dir, "format.json")
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			return os.WriteFile(name, edit(text), 0o600)
		})
	}
	replace := func(field, value string) func(*testing.T, string) {
		at := regexp.MustCompile(`"` + field + `": [^,\n]*`)
		return format(func(text []byte) []byte {
			return resealed(at.ReplaceAll(text, []byte(`"`+field+`": `+value)))
		})
	}
	return []badDirectory{
		{"missing", faultMissing, []string{"does not exist", "mount the drive"},
			must(os.RemoveAll)},
		{"empty", faultMissing, []string{"is empty", "mount the drive"},
			must(func(dir string) error {
				return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700))
			})},
		{"a plain file", faultForeign, []string{"not a directory", "move it away"},
			must(func(dir string) error {
				return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, []byte("mine"), 0o600))
			})},
		{"somebody's files", faultForeign, []string{"photo.jpg", "no format.json"},
			must(func(dir string) error {
				return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700),
					os.WriteFile(filepath.Join(dir, "photo.jpg"), []byte("mine"), 0o600))
			})},
		{"no format.json", faultDamaged, []string{"no format.json", "restore the file"},
			must(func(dir string) error { return os.Remove(filepath.Join(dir, "format.json")) })},
		{"half a format.json", faultDamaged, []string{"format.json", "restore"},
			format(func(text []byte) []byte { return text[:len(text)/2] })},
		{"a format.json of zeros", faultDamaged, []string{"format.json", "restore"},
			format(func(text []byte) []byte { return make([]byte, len(text)) })},
		{"one character of format.json changed", faultDamaged, []string{"format.json: its checksum",
			"restore the file"},
			format(func(text []byte) []byte {
				return bytes.Replace(text, []byte(`"drives": 5`),
					[]byte(`"drives": 4`), 1)
			})},
		{"a newer layout", faultNewer, []string{"layout 99", "start the newer version"},
			replace("layout", "99")},
		{"an impossible place", faultDamaged, []string{"number 10 of 5", "restore"},
			replace("position", "9")},
		{"no drives at all", faultDamaged, []string{"of 0", "restore"}, replace("drives", "0")},
		{"another number of drives", faultForeign, []string{"of 8 drives", "restore"},
			replace("drives", "8")},
		{"another deployment", faultForeign, []string{"put the drive that belongs here"},
			func(t *testing.T, dir string) { copyDir(t, other, dir) }},
		{"a log segment missing in the middle", faultDamaged,
			[]string{".log is missing", "bring it back"},
			must(func(dir string) error {
				names, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
				if err != nil || len(names) < 3 {
					return fmt.Errorf("%d segments, %w", len(names), err)
				}
				return os.Remove(names[1])
			})},
		{"an empty format.json", faultDamaged, []string{"format.json", "0 bytes"},
			format(func([]byte) []byte { return nil })},
		{"the index of another drive", faultForeign, []string{"index belongs to another drive",
			"remove "},
			func(t *testing.T, dir string) {
				copyDir(t, filepath.Join(other, "index"), filepath.Join(dir, "index"))
			}},
		{"no format.json and no index", faultDamaged, []string{"no format.json", "restore the file"},
			must(func(dir string) error {
				return errors.Join(os.Remove(filepath.Join(dir, "format.json")),
					os.RemoveAll(filepath.Join(dir, "index")))
			})},
		{"half of the last log segment", faultDamaged, []string{"the end of ", "bring it back"},
			must(func(dir string) error {
				names, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
				for _, name := range names {
					err = errors.Join(err, os.Truncate(name, 4<<10))
				}
				return err
			})},
		{"an empty log", faultDamaged, []string{".log is missing", "bring it back"},
			must(func(dir string) error {
				log := filepath.Join(dir, "log")
				return errors.Join(os.RemoveAll(log), os.Mkdir(log, 0o700))
			})},
		{"no log", faultDamaged, []string{"log: no such file", "bring it back"},
			must(func(dir string) error { return os.RemoveAll(filepath.Join(dir, "log")) })},
		{"no bulk", faultDamaged, []string{"bulk: no such file", "bring it back"},
			must(func(dir string) error { return os.RemoveAll(filepath.Join(dir, "bulk")) })},
		{"somebody's file among the segments", faultForeign, []string{"notes.txt is no segment",
			"move it away"},
			must(func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "bulk", "notes.txt"), []byte("mine"), 0o600)
			})},
		{"a garbled list of retired segments", faultDamaged, []string{"retired is damaged",
			"bring it back"},
			must(func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "log", "retired"), make([]byte, 80), 0o600)
			})},
		{"an empty log and no index", faultDamaged, []string{"which log.newest tells of", "bring it"},
			must(func(dir string) error {
				log := filepath.Join(dir, "log")
				return errors.Join(os.RemoveAll(log), os.Mkdir(log, 0o700),
					os.RemoveAll(filepath.Join(dir, "index")))
			})},
		{"nothing but format.json", faultDamaged, []string{"is blank", "bring its log"},
			must(func(dir string) error {
				log := filepath.Join(dir, "log")
				return errors.Join(os.RemoveAll(log), os.Mkdir(log, 0o700),
					os.RemoveAll(filepath.Join(dir, "index")), os.Remove(filepath.Join(dir, "log.newest")))
			})},
		{"a damaged note of the newest segments", faultDamaged, []string{"log.newest is damaged",
			"remove it"},
			must(func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "log.newest"), make([]byte, 72), 0o600)
			})},
	}
}

// resealed makes the checksum of a format.json match again.
func resealed(text []byte) []byte {
	text, _, _ = bytes.Cut(text, []byte(`  "checksum"`))
	sum := xxh3.Hash128(text)
	b := binary.LittleEndian.AppendUint64(nil, sum.Lo)
	b = binary.LittleEndian.AppendUint64(b, sum.Hi)
	return fmt.Appendf(text, "  \"checksum\": \"%x\"\n}\n", b)
}

// TestBadDirectories: a directory that is not the drive that belongs there is refused by itself,
// and said to be; beside one of them the server reads and writes, beside more than its parity it
// does not start, and not a byte in them is changed.
func TestBadDirectories(t *testing.T) {
	healthy, other := used(t, 5, 1), newDirs(t, 1)
	other.stop(other.start())
	for _, bad := range badDirectories(other.config.Drives[0]) {
		t.Run(bad.name, func(t *testing.T) {
			t.Parallel()
			d := healthy.copyOf(t)
			first, second := d.config.Drives[1], d.config.Drives[3]
			bad.make(t, first)
			before := treeHash(t, first)
			e := d.start()
			d.wantAway(e, first, &bad)
			d.read(e)
			if err := put(t.Context(), e, "new", []byte("new")); err != nil {
				t.Error(err)
			}
			d.stop(e)
			bad.make(t, second)
			before += treeHash(t, second)
			d.refused(append(bad.says, first, second, "3 of the 4 drives")...)
			if treeHash(t, first)+treeHash(t, second) != before {
				t.Error("something in them was changed")
			}
		})
	}
}

// wantAway expects that only the drive in dir is away, in the status and in the log.
func (d *deployment) wantAway(e *Engine, dir string, bad *badDirectory) {
	d.t.Helper()
	drives := e.status().Drives
	if len(drives) != len(d.config.Drives) {
		d.t.Fatalf("%d drives in the status: %+v", len(drives), drives)
	}
	for i := range drives {
		s := &drives[i]
		if s.Path != d.config.Drives[i] || s.Position != i ||
			(s.Health == "offline") != (s.Path == dir) {
			d.t.Errorf("status: %+v", s)
		}
		if s.Path != dir {
			continue
		}
		for _, w := range append(bad.says, dir) {
			if !strings.Contains(s.Reason, w) || !strings.Contains(d.log.String(), w) {
				d.t.Errorf("no %q in %q, or not in the log", w, s.Reason)
			}
		}
		if s.Fault != string(bad.fault) {
			d.t.Errorf("fault %q, want %q: %s", s.Fault, bad.fault, s.Reason)
		}
	}
}

// TestDriveOfAnotherUser: a drive that the user may not use is refused with the line that mends
// it. Root may use everything, so root runs this as somebody else.
func TestDriveOfAnotherUser(t *testing.T) {
	const somebody = 65534
	if os.Geteuid() == 0 {
		rerunAs(t, somebody)
		return
	}
	bad := badDirectory{fault: faultPermission, says: []string{"permission denied",
		fmt.Sprintf("chown -R %d:%d ", os.Getuid(), os.Getgid())}}
	for _, locked := range []string{"", "log", "lock", "format.json"} {
		d := used(t, 4, 1)
		dir := d.config.Drives[1]
		path := filepath.Join(dir, locked)
		info, err := os.Stat(path)
		if err == nil {
			err = os.Chmod(path, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		e := d.start()
		d.wantAway(e, dir, &bad)
		d.read(e)
		d.stop(e)
		if err := os.Chmod(path, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
		e = d.start()
		d.online(e, "++++")
		d.stop(e)
	}
}

// rerunAs runs the test t in a process of another user.
func rerunAs(t *testing.T, user uint32) {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("flashstore-user-%d", os.Getpid()))
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, int(user), int(user))); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$")
	cmd.Env, cmd.Dir = append(os.Environ(), "TMPDIR="+dir), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	if text, err := cmd.CombinedOutput(); errors.Is(err, fs.ErrPermission) {
		t.Skipf("cannot become another user here: %v", err)
	} else if err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
