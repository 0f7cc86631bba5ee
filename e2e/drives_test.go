package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// wantRefusal expects exit code 1 and all of these words in what was said.
func (s *server) wantRefusal(words ...string) {
	s.t.Helper()
	code, said := s.refused()
	if code != 1 {
		s.t.Errorf("exit %d, want 1\n%s", code, said)
	}
	for _, w := range words {
		if !strings.Contains(said, w) {
			s.t.Errorf("%q is not in:\n%s", w, said)
		}
	}
}

// formatted is a deployment that was used once and stopped.
func formatted(t *testing.T, drives int) *server {
	t.Helper()
	s := newServer(t, drives).start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/kept"})
	s.must(t, http.StatusOK, request{method: "PUT", path: "/kept/object", body: []byte("kept")})
	s.stop()
	return s
}

// wantKept expects what formatted stored.
func (s *server) wantKept() {
	s.t.Helper()
	a := s.must(s.t, http.StatusOK, request{method: "GET", path: "/kept/object"})
	if string(a.body) != "kept" {
		s.t.Errorf("the object is %q", a.body)
	}
}

func TestSameDirectoryTwice(t *testing.T) {
	s := newServer(t, 2)
	s.drives[1] = s.drives[0]
	s.wantRefusal(s.drives[0], "same directory", "directory of its own")

	s = newServer(t, 2)
	if err := os.Mkdir(s.drives[0], 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(s.drives[0], s.drives[1]); err != nil {
		t.Fatal(err)
	}
	s.wantRefusal(s.drives[0], s.drives[1], "same directory")

	// The same again before the target exists.
	s = newServer(t, 2)
	if err := os.Symlink(s.drives[0], s.drives[1]); err != nil {
		t.Fatal(err)
	}
	s.wantRefusal(s.drives[0], s.drives[1], "same directory")
}

func TestForeignDirectory(t *testing.T) {
	s := newServer(t, 2)
	if err := os.Mkdir(s.drives[0], 0o700); err != nil {
		t.Fatal(err)
	}
	photo := filepath.Join(s.drives[0], "photo.jpg")
	if err := os.WriteFile(photo, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.wantRefusal(s.drives[0], "photo.jpg", "empty directory")
	if text, err := os.ReadFile(photo); err != nil || string(text) != "mine" {
		t.Errorf("somebody's file: %q, %v", text, err)
	}
	if _, err := os.Stat(s.drives[1]); err == nil {
		t.Error("the other drive was formatted all the same")
	}
}

// TestPlainFile: a file where a directory should be is said to be one, and is not touched.
func TestPlainFile(t *testing.T) {
	s := newServer(t, 2)
	if err := os.WriteFile(s.drives[0], []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.wantRefusal(s.drives[0], "not a directory", "give a directory")
	if strings.Contains(s.log(), "uring-probe") {
		t.Errorf("io_uring was probed in a file:\n%s", s.log())
	}
	if text, err := os.ReadFile(s.drives[0]); err != nil || string(text) != "mine" {
		t.Errorf("somebody's file: %q, %v", text, err)
	}
}

// TestMissingLog: the first thing said of a drive without its log is what is missing.
func TestMissingLog(t *testing.T) {
	s := formatted(t, 1)
	segments, err := filepath.Glob(filepath.Join(s.drives[0], "log", "*"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("%d segments, %v", len(segments), err)
	}
	for _, name := range segments {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	s.wantRefusal("00000001.log is missing", "bring it back")
	if strings.Contains(s.log(), "checksum") {
		t.Errorf("no checksum was involved:\n%s", s.log())
	}
}

// TestSecondProcess: two processes never write one drive (SeaweedFS #6857).
func TestSecondProcess(t *testing.T) {
	s := formatted(t, 2)
	s.start()
	second := newServer(t, 0)
	second.drives = s.drives
	second.wantRefusal(s.drives[0], "stop the other server")
	s.wantKept()
	s.stop()
}

// TestAddressInUse: the message says how to choose another.
func TestAddressInUse(t *testing.T) {
	s := newServer(t, 1).start()
	second := newServer(t, 1)
	second.address = s.host()
	second.wantRefusal(s.host(), "--address")
	s.stop()
}

// TestReadOnlyDrive mounts a drive read-only, as an ext4 does to itself after an error.
func TestReadOnlyDrive(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount")
	}
	for _, s := range []*server{newServer(t, 1), formatted(t, 1)} {
		if err := os.MkdirAll(s.drives[0], 0o700); err != nil {
			t.Fatal(err)
		}
		s.drives[0] = readOnly(t, s.drives[0])
		s.wantRefusal(s.drives[0], "not writable", "read-write")
	}
}

// readOnly returns a path at which dir is mounted read-only. The mount is detached from the
// tree as soon as it is open and lives as long as this process: not even a test that is killed
// leaves it behind.
func readOnly(t *testing.T, dir string) string {
	t.Helper()
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	remounted := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|
		syscall.MS_RDONLY, "")
	f, err := os.Open(dir)
	if unmounted := syscall.Unmount(dir, syscall.MNT_DETACH); unmounted != nil {
		t.Errorf("%s stays mounted: %v", dir, unmounted)
	}
	if remounted != nil {
		t.Skipf("cannot mount read-only here: %v", remounted)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
}

// TestDrivesAway: up to the parity of missing, empty or damaged drives the server starts, says
// which, and serves; an empty directory in an old slot is never formatted (MinIO #14053).
func TestDrivesAway(t *testing.T) {
	s := formatted(t, 4)
	s.hide([]int{1})
	s.start() // ready within readyMax
	s.wantKept()
	if said := s.log(); !strings.Contains(said, s.drives[1]) {
		t.Errorf("the missing drive is not named\n%s", said)
	}
	if _, err := os.Stat(s.drives[1]); err == nil {
		t.Error("the missing drive was created")
	}
	s.stop()

	for _, p := range []int{1, 2} { // an unplugged disk leaves its empty mount point
		if p == 2 {
			s.hide([]int{2})
		}
		if err := os.Mkdir(s.drives[p], 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.start()
	s.wantKept()
	for _, p := range []int{1, 2} {
		if !strings.Contains(s.log(), s.drives[p]) {
			t.Errorf("%s is not named\n%s", s.drives[p], s.log())
		}
		if left, err := os.ReadDir(s.drives[p]); err != nil || len(left) > 0 {
			t.Errorf("%s was formatted: %v, %v", s.drives[p], left, err)
		}
		_ = os.Remove(s.drives[p])
	}
	s.stop()

	s.hide([]int{3})
	s.wantRefusal(s.drives[1], s.drives[2], s.drives[3], "bring back")
	s.unhide([]int{1, 2, 3})
	s.start()
	s.wantKept()
	s.stop()
}

// TestDamagedDrives: format.json and index that cannot be read are a drive away, or are rebuilt;
// the server serves, and names a drive it does not use.
func TestDamagedDrives(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(dir string) error{
		"empty format.json": func(dir string) error { return os.Truncate(dir+"/format.json", 0) },
		"garbled format.json": func(dir string) error {
			return os.WriteFile(dir+"/format.json", []byte("{garbled"), 0o600)
		},
		"no index": func(dir string) error { return os.RemoveAll(dir + "/index") },
		"garbled index": func(dir string) error {
			names, err := filepath.Glob(dir + "/index/*")
			for _, n := range names {
				_ = os.WriteFile(n, []byte("garbled"), 0o600)
			}
			return err
		},
		"no log": func(dir string) error { return os.RemoveAll(dir + "/log") },
		"a file": func(dir string) error {
			_ = os.RemoveAll(dir)
			return os.WriteFile(dir, nil, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := formatted(t, 4)
			for _, p := range []int{0, 2} {
				if err := damage(s.drives[p]); err != nil {
					t.Fatal(err)
				}
			}
			s.start()
			s.wantKept()
			if name != "no index" && name != "garbled index" {
				for _, p := range []int{0, 2} {
					if !strings.Contains(s.log(), s.drives[p]) {
						t.Errorf("%s is not named\n%s", s.drives[p], s.log())
					}
				}
			}
			s.stop()
		})
	}
}
