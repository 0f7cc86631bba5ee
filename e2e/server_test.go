package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"flashstore/bench/process"
)

const (
	rootUser     = "e2e-root"
	rootPassword = "e2e correct horse"

	readyMax = 10 * time.Second // the promise of any start on small data
	pollWait = 2 * time.Millisecond
	// stopMax is for a stop without requests in flight: less than --shutdown-grace, so that one
	// that waits for it is seen, and more than the 5 s net/http gives an unused connection.
	stopMax = 8 * time.Second
)

// axes is a combination of parts; empty fields are the server's defaults.
type axes struct{ netloop, allocator, ioengine string }

// String names the combination as a sub-test.
func (a axes) String() string { return a.netloop + "-" + a.allocator + "-" + a.ioengine }

func (a axes) args() (args []string) {
	for _, f := range [][2]string{{"--netloop", a.netloop}, {"--allocator", a.allocator},
		{"--ioengine", a.ioengine}} {
		if f[1] != "" {
			args = append(args, f[0], f[1])
		}
	}
	return args
}

// server is a server's command line and, between start and stop, its process.
type server struct {
	t       testing.TB
	dir     string   // that holds the drives and the logs
	drives  []string // as given to --drives
	args    []string // besides address and drives
	under   []string // a command that runs the server's, if any
	address string
	env     []string
	trust   *tls.Config // of clients; nil: no TLS
	starts  int
	proc    *process.Process
	*client
}

// newServer prepares a server over n drives that do not exist yet.
func newServer(t testing.TB, n int, args ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), address: "127.0.0.1:0",
		args: append([]string{"--log-segment", "4MiB"}, args...),
		env: []string{"FLASHSTORE_ROOT_USER=" + rootUser,
			"FLASHSTORE_ROOT_PASSWORD=" + rootPassword}}
	for i := range n {
		s.drives = append(s.drives, filepath.Join(s.dir, fmt.Sprintf("d%d", i+1)))
	}
	t.Cleanup(func() {
		if s.proc == nil {
			return
		}
		s.proc.Kill()
		if t.Failed() {
			t.Logf("log of the server over %s:\n%s", s.dir, s.proc.LogTail())
		}
	})
	return s
}

// launch starts the process without waiting for it.
func (s *server) launch() {
	s.t.Helper()
	args := append([]string{"server", "--address", s.address}, s.args...)
	for _, d := range s.drives {
		args = append(args, "--drives", d)
	}
	s.starts++
	command := append(s.under[:len(s.under):len(s.under)], serverBinary)
	command = append(command, args...)
	proc, err := process.Start(process.Spec{Path: command[0], Args: command[1:], Env: s.env,
		Dir: s.dir, Log: s.logPath()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.proc = proc
}

// logPath is the log of the latest start.
func (s *server) logPath() string {
	return filepath.Join(s.dir, fmt.Sprintf("server-%d.log", s.starts))
}

func (s *server) log() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// start launches the server and returns once it is ready.
func (s *server) start() *server {
	s.t.Helper()
	s.launch()
	if err := s.awaitReady(); err != nil {
		s.t.Fatalf("start: %v\n%s", err, s.proc.LogTail())
	}
	return s
}

// awaitReady finds the address in the log and asks the health endpoint. Note: the address can
// only be known from the log, and the log is a file, so this looks again and again.
func (s *server) awaitReady() error {
	serving := regexp.MustCompile(`msg="serving S3" address=(https?://\S+)`)
	deadline := time.NewTimer(readyMax)
	defer deadline.Stop()
	tick := time.NewTicker(pollWait)
	defer tick.Stop()
	s.client = nil
	for {
		if s.client == nil {
			if found := serving.FindStringSubmatch(s.log()); found != nil {
				s.client = newClient(found[1])
				s.transport.TLSClientConfig = s.trust
				s.t.Cleanup(s.client.transport.CloseIdleConnections)
			}
		}
		if s.client != nil && s.health("ready") == http.StatusOK {
			return nil
		}
		select {
		case <-s.proc.Done():
			return s.proc.Wait()
		case <-deadline.C:
			return fmt.Errorf("not ready within %s", readyMax)
		case <-tick.C:
		}
	}
}

// health is the status of a health endpoint, 0 while the server does not answer.
func (s *server) health(which string) int {
	a, err := s.plain("GET", "/flashstore/health/"+which, nil)
	if err != nil {
		return 0
	}
	return a.status
}

// stop sends SIGTERM; anything but exit code 0 in time fails the test.
func (s *server) stop() {
	s.t.Helper()
	s.terminate()
	s.awaitStop(stopMax)
}

// terminate sends SIGTERM.
func (s *server) terminate() { s.signal(syscall.SIGTERM) }

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.proc.PID(), sig); err != nil {
		s.t.Fatal(err)
	}
}

// awaitStop expects exit code 0. A process that hangs is asked for its goroutines.
func (s *server) awaitStop(limit time.Duration) {
	s.t.Helper()
	select {
	case <-s.proc.Done():
	case <-time.After(limit):
		s.signal(syscall.SIGQUIT)
		_ = s.proc.Wait()
		s.t.Fatalf("stop: still running %s after SIGTERM\n%s", limit, s.log())
	}
	if err := s.proc.Wait(); err != nil {
		s.t.Fatalf("stop: %v", err)
	}
	s.proc = nil
}

// kill ends the process as a crash would.
func (s *server) kill() {
	s.proc.Kill()
	s.proc = nil
}

// refused expects that the server does not start: its exit code and what it said.
func (s *server) refused() (code int, said string) {
	s.t.Helper()
	s.launch()
	select {
	case <-s.proc.Done():
	case <-time.After(readyMax):
		s.t.Fatalf("still running after %s, should have refused to start\n%s", readyMax,
			s.proc.LogTail())
	}
	err := s.proc.Wait()
	s.proc = nil
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return code, s.log()
}

// hide takes drives out of their slots, as if they were unplugged.
func (s *server) hide(positions []int) {
	s.t.Helper()
	for _, p := range positions {
		if err := os.Rename(s.drives[p], s.drives[p]+".away"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// unhide puts hidden drives back.
func (s *server) unhide(positions []int) {
	s.t.Helper()
	for _, p := range positions {
		if err := os.Rename(s.drives[p]+".away", s.drives[p]); err != nil {
			s.t.Fatal(err)
		}
	}
}

// highWater is the largest resident memory the process ever had, in bytes.
func (s *server) highWater() int64 { return s.memory("VmHWM") }

// memory is a line of the process's account of memory, in bytes.
func (s *server) memory(name string) int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.proc.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	var kib int64
	for line := range bytes.Lines(text) {
		if n, _ := fmt.Sscanf(string(line), name+": %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	s.t.Fatalf("no %s in /proc", name)
	return 0
}
