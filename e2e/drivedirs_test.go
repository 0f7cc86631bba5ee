package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// treeBytes is every file below a directory with its content.
func treeBytes(t *testing.T, root string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			all[path] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantUnchanged expects that treeBytes of a directory are what they were.
func wantUnchanged(t *testing.T, root string, was map[string]string) {
	t.Helper()
	is := treeBytes(t, root)
	for path, text := range was {
		if is[path] != text {
			t.Errorf("%s was changed", path)
		}
		delete(is, path)
	}
	for path := range is {
		t.Errorf("%s was made", path)
	}
}

// wantAway expects that the drives in these directories, and no others, are away: in the status,
// in the metrics and, with all of these words, in the log.
func (s *server) wantAway(fault string, dirs []string, words ...string) {
	s.t.Helper()
	away := make(map[string]bool)
	for _, dir := range dirs {
		away[dir] = true
	}
	metrics, err := s.plain("GET", "/flashstore/metrics", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range s.status().Drives {
		if (d.Health != "online") != away[d.Path] {
			s.t.Errorf("status: %+v", d)
		}
		if d.Health == "online" {
			continue
		}
		for _, w := range append(words, d.Path) {
			if !strings.Contains(d.Reason, w) || !strings.Contains(s.log(), w) {
				s.t.Errorf("no %q in %q, or not in the log", w, d.Reason)
			}
		}
		figure := `flashstore_drive_away{drive="` + d.Path + `",fault="` + fault + `"} 1`
		if !strings.Contains(string(metrics.body), figure) {
			s.t.Errorf("no %s in the metrics", figure)
		}
	}
}

// TestDriveOfAnotherDeployment: it is refused, not the server, which writes on without it.
func TestDriveOfAnotherDeployment(t *testing.T) {
	s, other := formatted(t, 4), formatted(t, 4)
	s.args = append(s.args, "--metrics-public")
	s.drives[2] = other.drives[2]
	before := treeBytes(t, s.drives[2])
	s.start()
	s.wantAway("foreign", s.drives[2:3], "number 3", "put the drive that belongs here")
	s.wantKept()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/kept/new", body: []byte("new")})
	s.stop()
	s.drives[3] = other.drives[3]
	s.wantRefusal(append(s.drives, "cannot be told")...)
	wantUnchanged(t, s.drives[2], before)
}

// TestDriveTwice: neither of two copies of a drive is used, whichever of them is up to date.
func TestDriveTwice(t *testing.T) {
	s := formatted(t, 4)
	s.args = append(s.args, "--metrics-public")
	if err := os.RemoveAll(s.drives[3]); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(s.drives[3], os.DirFS(s.drives[0])); err != nil {
		t.Fatal(err)
	}
	before, copied := treeBytes(t, s.drives[0]), treeBytes(t, s.drives[3])
	s.start()
	s.wantAway("copy", []string{s.drives[0], s.drives[3]}, s.drives[0], s.drives[3], "is a copy")
	s.wantKept()
	s.stop()
	s.hide([]int{1})
	s.wantRefusal(s.drives[0], s.drives[1], s.drives[3], "is a copy", "does not exist")
	wantUnchanged(t, s.drives[0], before)
	wantUnchanged(t, s.drives[3], copied)
}

// TestAddressInUseFormatsNothing: a start that fails for its address leaves no drive behind.
func TestAddressInUseFormatsNothing(t *testing.T) {
	s := newServer(t, 1).start()
	second := newServer(t, 2)
	second.address = s.host()
	second.wantRefusal(second.address, "--address")
	for _, dir := range second.drives {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s was made", dir)
		}
	}
	s.stop()
}
