package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"flashstore/bench/host"
)

// ErrExited is wrapped by errors about a process that ended by itself.
var ErrExited = errors.New("process exited")

// Spec says what to run.
type Spec struct {
	Path  string
	Args  []string // without the program's name
	Env   []string // beside where things are (PATH, HOME and the like): nothing else of the harness's
	Dir   string   // working folder, the harness's own if empty
	Log   string   // file that gets standard output and error
	Cores []int    // to which it is bound; empty means any
}

// Process is a running program. Its methods may be called concurrently.
type Process struct {
	name string
	log  string
	pid  int
	done chan struct{} // closed when the program has ended and been reaped
	err  error         // of Wait; read only after done
}

// Start runs the program. The caller must end it by Stop, Kill or Wait.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(plain(os.Environ()), spec.Env...)
	cmd.Dir = spec.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p := &Process{name: spec.Path, log: spec.Log, done: make(chan struct{})}
	started := make(chan error)
	go p.run(cmd, spec.Cores, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	return p, nil
}

// run keeps one thread for the life of the process: the parent that PR_SET_PDEATHSIG watches is a
// thread, not a program, and the new process inherits this thread's cores. The goroutine ends
// without unlocking, so that the pinned thread ends with it.
func (p *Process) run(cmd *exec.Cmd, cores []int, started chan<- error) {
	runtime.LockOSThread()
	if err := host.PinThread(cores); err != nil {
		started <- fmt.Errorf("cores %v: %w", cores, err)
		return
	}
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid = cmd.Process.Pid
	started <- nil
	p.err = cmd.Wait()
	// Whatever the program left behind in its group goes with it.
	syscall.Kill(-p.pid, syscall.SIGKILL)
	close(p.done)
}

// PID is the process's number and its group's.
func (p *Process) PID() int { return p.pid }

// Done is closed once the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait returns once the program has ended: nil for exit code 0, otherwise an error that wraps
// ErrExited and quotes the log.
func (p *Process) Wait() error {
	<-p.done
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %w\n%s", p.name, ErrExited, p.err, p.LogTail())
}

// Stop asks the program to end (SIGTERM) and kills its group if it has not after grace; that is an
// error, as is an exit code other than 0.
func (p *Process) Stop(grace time.Duration) error {
	select {
	case <-p.done: // reaped: its number may belong to somebody else by now
		return p.Wait()
	default:
	}
	syscall.Kill(p.pid, syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.Wait()
	case <-timer.C:
		p.Kill()
		return fmt.Errorf("%s: still running %s after SIGTERM, killed\n%s", p.name, grace, p.LogTail())
	}
}

// Kill ends the whole group at once and waits for the program to be gone.
func (p *Process) Kill() {
	select {
	case <-p.done:
		return
	default:
	}
	syscall.Kill(-p.pid, syscall.SIGKILL)
	<-p.done
}

// groupPoll is how often AwaitGroup looks.
const groupPoll = 5 * time.Millisecond

// AwaitGroup returns once no process of the group runs any more, or after timeout. A process that
// nobody reaps counts as ended.
func (p *Process) AwaitGroup(timeout time.Duration) {
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(groupPoll) {
		if !groupRuns(p.pid) {
			return
		}
	}
}

// groupRuns looks for processes of a group that are not zombies: proc_pid_stat(5), fields 3 and 5.
func groupRuns(group int) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file) // a process may end meanwhile
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" && fields[0] != "X" {
			return true
		}
	}
	return false
}

const (
	tailBytes = 8 << 10
	tailLines = 15
)

// LogTail returns the last lines of the output, each indented.
func (p *Process) LogTail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		f.Seek(-tailBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(io.LimitReader(f, tailBytes))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "    | " + strings.Join(lines, "\n    | ")
}
