package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// checkReport is what these tests read of the report of flashstore check.
type checkReport struct {
	text     string // all of it, and what was said besides
	Clean    bool
	Findings int
	Error    string
	Drives   []struct {
		Path, Refused string
		IndexRebuilt  bool `json:"index_rebuilt"`
		Findings      []struct{ Kind, File, Key, Detail string }
	}
	Sets []struct {
		Objects, Uploads, Parts, Tombstones, Unsettled int
		Findings                                       []struct {
			Kind, Bucket, Key, Detail string
			Positions                 []int
		}
	}
}

// indexesRebuilt is how many drives say so of their index.
func (r *checkReport) indexesRebuilt() (n int) {
	for i := range r.Drives {
		if r.Drives[i].IndexRebuilt {
			n++
		}
	}
	return n
}

// check runs flashstore check --json and expects an exit code and these findings, each kind once:
// of a drive "number kind", of the set "set kind positions".
func check(t *testing.T, dirs []string, wantCode int, want ...string) checkReport {
	t.Helper()
	r, code := examine(t, dirs)
	got := r.kinds()
	slices.Sort(want)
	if code != wantCode || !slices.Equal(got, want) {
		t.Errorf("exit %d, %q; want %d, %q\n%s", code, got, wantCode, want, r.text)
	}
	return r
}

// examine runs flashstore check --json and returns its report and exit code. Of dirs the first
// may be flags.
func examine(t *testing.T, dirs []string) (r checkReport, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, serverBinary, append([]string{"check", "--json"}, dirs...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil { // one document, nothing else
		t.Fatalf("%v\n%s\n%s", err, text, &said)
	}
	code = cmd.ProcessState.ExitCode()
	r.text = fmt.Sprintf("%s\n%s", text, &said)
	if r.Clean != (code == 0) || r.Clean != (r.Findings == 0 && r.Error == "") {
		t.Errorf("exit %d contradicts the report:\n%s", code, r.text)
	}
	return r, code
}

// kinds are the findings in short, sorted, each kind once.
func (r *checkReport) kinds() (got []string) {
	for i, d := range r.Drives {
		if d.Refused != "" {
			got = append(got, fmt.Sprint(i+1, " refused"))
		}
		for _, f := range d.Findings {
			got = append(got, fmt.Sprint(i+1, " ", f.Kind))
		}
	}
	for _, s := range r.Sets {
		for _, f := range s.Findings {
			words := []string{"set", f.Kind}
			for _, p := range f.Positions {
				words = append(words, fmt.Sprint(p+1))
			}
			got = append(got, strings.Join(words, " "))
		}
	}
	slices.Sort(got)
	return slices.Compact(got)
}

// churn puts, overwrites, deletes, uploads in parts, completes and aborts until the server does
// not answer any more; done counts what was answered.
func (s *server) churn(seed uint64, worker int, done *atomic.Int64) {
	r := rand.New(rand.NewPCG(seed, uint64(worker)))
	for {
		path := fmt.Sprintf("/churn/%d-%d", worker, r.IntN(8))
		body := content{r.Uint64(), []int64{0, 100, 70_000, 300_000, 2_000_000}[r.IntN(5)]}.bytes()
		var err error
		switch r.IntN(6) {
		case 0:
			_, err = s.do(request{method: "DELETE", path: path})
		case 1, 2:
			err = s.churnParts(path, body, r.IntN(3) == 0)
		default:
			_, err = s.do(request{method: "PUT", path: path, body: body})
		}
		if err != nil {
			return
		}
		done.Add(1)
	}
}

// churnParts uploads an object in one part, or aborts.
func (s *server) churnParts(path string, body []byte, abort bool) error {
	a, err := s.do(request{method: "POST", path: path, query: url.Values{"uploads": {""}}})
	if err != nil || a.status != http.StatusOK {
		return err
	}
	id := uploadID(a)
	part, err := s.do(request{method: "PUT", path: path, body: body,
		query: url.Values{"uploadId": {id}, "partNumber": {"1"}}})
	if err != nil || part.status != http.StatusOK {
		return err
	}
	end := request{method: "POST", path: path, query: url.Values{"uploadId": {id}},
		body: completeXML([]string{part.etag()})}
	if abort {
		end.method, end.body = "DELETE", nil
	}
	_, err = s.do(end)
	return err
}

// TestCheckAfterACleanStop finds nothing, though the stop came in the middle of everything, and
// in the last round gave no request the time to end.
func TestCheckAfterACleanStop(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	s := newServer(t, 4).start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/churn"})
	const rounds, workers, before = 2, 16, 200
	for round := range rounds {
		if round == rounds-1 {
			s.args = append(s.args, "--shutdown-grace", "0s")
		}
		if round > 0 {
			s.start()
		}
		var done atomic.Int64
		var wg sync.WaitGroup
		seed := r.Uint64()
		for w := range workers {
			wg.Go(func() { s.churn(seed, w, &done) })
		}
		for done.Load() < before {
			select {
			case <-s.proc.Done():
				t.Fatal(s.proc.Wait())
			default:
				if _, err := s.do(request{method: "HEAD", path: "/churn"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.stop()
		wg.Wait()
		report := check(t, s.drives, 0)
		if len(report.Sets) != 1 || report.Sets[0].Objects == 0 || report.Sets[0].Parts == 0 {
			t.Errorf("%+v", report)
		}
		t.Logf("round %d: %d answers, %+v", round, done.Load(), report.Sets)
		for _, dir := range s.drives { // and alone
			check(t, []string{dir}, 0)
		}
	}
}

// flip changes one byte of a file.
func flip(t *testing.T, name string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

// find looks for some bytes near the beginning of the files of a drive.
func find(t *testing.T, pattern string, what []byte) (name string, offset int64, found bool) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 4<<20)
		n, _ := f.ReadAt(text, 0) // the file may be shorter
		_ = f.Close()
		if at := bytes.Index(text[:n], what); at >= 0 {
			return name, int64(at), true
		}
	}
	return "", 0, false
}

// TestCheckFindsDamage: a byte in each kind of place, named by what it does.
func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/damage"})
	small, large := content{1, 1000}, content{2, 400_000}
	s.put("/damage/small", small, http.StatusOK)
	s.put("/damage/large", large, http.StatusOK)
	s.put("/damage/other", content{3, 1000}, http.StatusOK)
	s.stop()
	check(t, s.drives, 0)

	// Of each object some drive holds the beginning as it is.
	number := func(what content, below string) (int, string, int64) {
		for i, dir := range s.drives {
			if name, at, found := find(t, filepath.Join(dir, below), what.slice(0, 64)); found {
				return i + 1, name, at
			}
		}
		t.Fatalf("%v is nowhere", what)
		return 0, "", 0
	}
	n, name, at := number(large, "bulk/*")
	flip(t, name, at+100)
	r := check(t, s.drives, 1, fmt.Sprint(n, " bulk-shard"))
	if f := r.Drives[n-1].Findings[0]; f.File != name || !strings.Contains(f.Key, "large") {
		t.Errorf("%+v", f)
	}
	flip(t, name, at+100)

	n, name, at = number(small, "log/*.log")
	flip(t, name, at+100)
	check(t, s.drives, 1, fmt.Sprint(n, " log-damage"))
	flip(t, name, at+100)

	// The header of the batch it is in: the last magic before it.
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	header := int64(bytes.LastIndex(text[:at], []byte("FSLOGB01")))
	flip(t, name, header+57)
	check(t, s.drives, 1, fmt.Sprint(n, " log-damage"))
	flip(t, name, header+57)
	check(t, s.drives, 0)

	// One shard too many: the object cannot be read any more, which only the set can tell.
	var want []string
	for i, dir := range s.drives[:3] {
		names, err := filepath.Glob(filepath.Join(dir, "bulk", "*"))
		if err != nil || len(names) != 1 {
			t.Fatalf("%d bulk segments, %v", len(names), err)
		}
		flip(t, names[0], 100)
		want = append(want, fmt.Sprint(i+1, " bulk-shard"))
	}
	check(t, s.drives, 1, append(want, "set unreadable 1 2 3")...)
}

// TestCheckOfAnIncompleteSet: which drive is missing, and that the others are fine.
func TestCheckOfAnIncompleteSet(t *testing.T) {
	s := formatted(t, 4)
	if err := os.RemoveAll(s.drives[2]); err != nil {
		t.Fatal(err)
	}
	r := check(t, s.drives, 1, "3 refused", "set absent-drive 3")
	if !strings.Contains(r.Drives[2].Refused, s.drives[2]) ||
		!strings.Contains(r.Sets[0].Findings[0].Detail, "number 3 of 4") {
		t.Errorf("%+v", r)
	}
	code, said := flashstore(t, nil, append([]string{"check"}, s.drives...)...)
	for _, want := range []string{"not examined", "number 3 of 4", "2 findings", s.drives[2],
		"2+2 drives"} {
		if code != 1 || !strings.Contains(said, want) {
			t.Errorf("exit %d, no %q in\n%s", code, want, said)
		}
	}
}

// TestCheckThatIsRefused: one directory twice, or a server that runs, is exit code 2.
func TestCheckThatIsRefused(t *testing.T) {
	s := formatted(t, 2)
	code, said := flashstore(t, nil, "check", s.drives[0], s.drives[1], s.drives[0]+"/")
	if code != 2 || !strings.Contains(said, "same directory") {
		t.Errorf("exit %d\n%s", code, said)
	}
	s.start()
	code, said = flashstore(t, nil, append([]string{"check"}, s.drives...)...)
	if code != 2 || !strings.Contains(said, "stop the other server") {
		t.Errorf("beside a server: exit %d\n%s", code, said)
	}
	s.wantKept()
	s.stop()
	check(t, s.drives, 0)
}

// TestCheckOfAnEllipsis: the directories are named as for a server.
func TestCheckOfAnEllipsis(t *testing.T) {
	s := formatted(t, 4)
	dir := strings.TrimSuffix(s.drives[0], "1")
	if r := check(t, []string{dir + "{1...4}"}, 0); len(r.Drives) != 4 {
		t.Errorf("%d drives of %s", len(r.Drives), dir)
	}
}

// TestCheckThatCannotReport: a report that was not written is no clean check.
func TestCheckThatCannotReport(t *testing.T) {
	s := formatted(t, 1)
	for _, args := range [][]string{{"check"}, {"check", "--json"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skipf("no file here refuses what is written to it: %v", err)
		}
		cmd := exec.Command(serverBinary, append(args, s.drives...)...)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &said
		_ = cmd.Run() // judged by its exit code
		if code := cmd.ProcessState.ExitCode(); code != 2 ||
			!strings.Contains(said.String(), "the report could not be written") {
			t.Errorf("%q: exit %d: %s", args, code, &said)
		}
		_ = full.Close()
	}
}

// TestCheckRebuildsTheIndex of a drive whose index is damaged in the middle: what is found names
// it, without pages of stack traces, --rebuild-index makes it anew, and says so.
func TestCheckRebuildsTheIndex(t *testing.T) {
	t.Parallel()
	s := formatted(t, 4)
	tables, err := filepath.Glob(filepath.Join(s.drives[1], "index", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("%q, %v", tables, err)
	}
	for _, table := range tables {
		flip(t, table, 50)
	}
	r := check(t, s.drives, 1, "2 index", "set uncompared 2")
	if strings.Contains(r.text, "stack trace") || strings.Contains(r.text, "carrier") ||
		r.indexesRebuilt() > 0 {
		t.Errorf("%s", r.text)
	}
	r, code := examine(t, append([]string{"--rebuild-index"}, s.drives...))
	if code != 0 || r.indexesRebuilt() != 4 {
		t.Errorf("exit %d\n%s", code, r.text)
	}
	code, said := flashstore(t, nil, append([]string{"check", "--rebuild-index"}, s.drives...)...)
	if code != 0 || strings.Count(said, "made anew from the log") != 4 ||
		!strings.HasSuffix(said, "clean\n") {
		t.Errorf("exit %d\n%s", code, said)
	}
	check(t, s.drives, 0)
	s.start()
	s.wantKept()
	s.stop()
}

// TestCheckIsInterrupted: it ends at once, with exit code 2, and leaves the drives as they were.
func TestCheckIsInterrupted(t *testing.T) {
	s := newServer(t, 1).start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/bucket"})
	s.put("/bucket/large", content{1, 64 << 20}, http.StatusOK)
	s.stop()
	before := treeBytes(t, filepath.Join(s.drives[0], "log"))
	const tries = 20 // one may end before the signal
	for try := range tries {
		code, said := s.interruptCheck()
		if code == 0 && try < tries-1 {
			continue
		}
		if code != 2 || !strings.Contains(said, "interrupted") || !strings.Contains(said,
			"not finished") {
			t.Errorf("exit %d\n%s", code, said)
		}
		break
	}
	if _, err := os.Stat(filepath.Join(s.drives[0], "index.check")); err == nil {
		t.Error("index.check is left")
	}
	wantUnchanged(t, filepath.Join(s.drives[0], "log"), before)
	check(t, s.drives, 0)
}

// interruptCheck sends SIGINT to a check that has begun, which shows by the index it makes for
// itself.
func (s *server) interruptCheck() (code int, said string) {
	s.t.Helper()
	cmd := exec.Command(serverBinary, "check", s.drives[0])
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // the exit code tells
	}()
	tick := time.NewTicker(pollWait)
	defer tick.Stop()
	for begun := false; !begun; {
		select {
		case <-ended:
			begun = true
		case <-tick.C:
			_, err := os.Stat(filepath.Join(s.drives[0], "index.check"))
			begun = err == nil
		}
	}
	_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended meanwhile
	<-ended
	return cmd.ProcessState.ExitCode(), text.String()
}
