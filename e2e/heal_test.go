package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// healDocument is what admin heal prints.
type healDocument struct {
	Whole bool
	Sets  []struct {
		Short      int     `json:"objects_short_of_parity"`
		Incomplete []int   `json:"drives_incomplete"`
		Coverage   float64 `json:"scan_coverage_ratio"`
		Bytes      int64   `json:"heal_bytes"`
	}
}

// healWait is flashstore admin heal --wait.
func (s *server) healWait(t *testing.T, wantCode int, more ...string) (doc healDocument) {
	t.Helper()
	args := append([]string{"admin", "heal", "--wait", "--server", s.base}, more...)
	code, said := flashstore(t, s.env, args...)
	if code != wantCode {
		t.Fatalf("admin heal --wait: exit %d, want %d\n%s", code, wantCode, said)
	}
	begin, end := strings.Index(said, "{"), strings.LastIndex(said, "}")
	if begin < 0 || json.Unmarshal([]byte(said[begin:end+1]), &doc) != nil {
		t.Fatalf("admin heal --wait printed no document:\n%s", said)
	}
	if doc.Whole != (wantCode == 0) {
		t.Fatalf("exit %d, and %+v", code, doc)
	}
	return doc
}

// wantChecked stops the server and wants its drives to have no findings.
func (s *server) wantChecked(t *testing.T) {
	t.Helper()
	s.stop()
	if code, said := flashstore(t, nil, append([]string{"check"}, s.drives...)...); code != 0 {
		t.Fatalf("check: exit %d\n%s", code, said)
	}
}

// TestReplacedDrive: an empty directory in the place of a drive is never a drive by itself; it is on
// command, gets everything, and then carries what the other drives lose.
func TestReplacedDrive(t *testing.T) {
	t.Parallel()
	for _, auto := range []bool{false, true} {
		s := newServer(t, 4, "--metrics-public").start()
		all := s.fill(4, 2)
		s.stop()
		if err := os.Rename(s.drives[2], s.drives[2]+".broken"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(s.drives[2], 0o700); err != nil {
			t.Fatal(err)
		}
		if auto {
			s.args = append(s.args, "--auto-adopt")
		}
		s.start()
		if !auto {
			if n := s.status().Sets[0].DrivesOnline; n != 3 {
				t.Fatalf("%d drives online", n)
			}
			doc := s.healWait(t, 1)
			if doc.Sets[0].Short == 0 || len(doc.Sets[0].Incomplete) != 1 {
				t.Errorf("with a drive away: %+v", doc)
			}
			code, said := flashstore(t, s.env, "admin", "adopt", s.drives[0], "--server", s.base)
			if code != 1 || !strings.Contains(said, "takes writes") {
				t.Errorf("adopting a drive that is there: exit %d, %s", code, said)
			}
			code, said = flashstore(t, s.env, "admin", "adopt", "--server", s.base)
			if code != 0 || !strings.Contains(said, s.drives[2]) {
				t.Fatalf("adopt: exit %d, %s", code, said)
			}
		}
		doc := s.healWait(t, 0)
		if h := doc.Sets[0]; h.Short != 0 || h.Coverage != 1 || h.Bytes == 0 {
			t.Errorf("healed: %+v", doc)
		}
		a, err := s.plain("GET", "/flashstore/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`flashstore_objects_short_of_parity{set="0"} 0`,
			`flashstore_scan_coverage_ratio{set="0"} 1`, `flashstore_heal_whole{set="0"} 1`,
			`flashstore_heal_bytes_total{set="0"}`, "flashstore_acked_below_full_total"} {
			if !strings.Contains(string(a.body), want) {
				t.Errorf("no %s in the metrics", want)
			}
		}
		s.wantChecked(t)
		s.hide([]int{0, 1})
		s.start()
		s.readAll(all, 0, 2)
		s.stop()
	}
}

// TestDriveReturns: a drive that comes back while the server runs takes part again and is healed.
func TestDriveReturns(t *testing.T) {
	t.Parallel() // it waits for intervals
	s := newServer(t, 4).start()
	all := s.fill(4, 2)
	s.stop()
	s.hide([]int{1})
	s.start()
	all = append(all, s.put("/round-trip/meanwhile", content{1, 300_000}, http.StatusOK))
	s.must(t, http.StatusNoContent, request{method: "DELETE", path: all[0].path})
	s.unhide([]int{1})
	deadline := time.Now().Add(time.Minute)
	for s.status().Sets[0].DrivesOnline != 4 {
		if time.Now().After(deadline) {
			t.Fatal("the drive stays away")
		}
		time.Sleep(50 * time.Millisecond) // it is looked for in intervals
	}
	s.healWait(t, 0)
	s.wantChecked(t)
	s.hide([]int{0, 3})
	s.start()
	s.readAll(all[1:], 0, 2)
	if a, err := s.do(request{method: "GET", path: all[0].path}); err != nil || a.status != 404 {
		t.Errorf("what was deleted meanwhile: %+v, %v", a, err)
	}
	s.stop()
}

// TestFailedDriveIsStartedAgain: a drive that fails while the server runs stays out of service, also
// when its device is back, until somebody says that it has been seen to.
func TestFailedDriveIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	all := s.fill(4, 2)
	s.hide([]int{1})
	for i := 0; s.status().Sets[0].DrivesOnline == 4; i++ { // its next segments cannot be made
		if i == 500 {
			t.Fatal("a drive without a directory goes on")
		}
		all = append(all, s.put(fmt.Sprint("/round-trip/more-", i), content{uint64(i), 100_000},
			http.StatusOK))
	}
	s.unhide([]int{1})
	s.healWait(t, 1)
	code, said := flashstore(t, s.env, "admin", "adopt", s.drives[1], "--server", s.base)
	if code != 0 || !strings.Contains(said, s.drives[1]) {
		t.Fatalf("adopt: exit %d, %s", code, said)
	}
	s.healWait(t, 0)
	s.wantChecked(t)
	s.hide([]int{0, 2})
	s.start()
	s.readAll(all, 0, 2)
	s.stop()
}
