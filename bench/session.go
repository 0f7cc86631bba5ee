package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"flashstore/bench/host"
	"flashstore/bench/load"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
	"flashstore/bench/warp"
)

// session is one run of the harness: a workspace, a place for records, a clock.
type session struct {
	options
	id          string
	raw         string // folder of the operations of each leg
	workspace   *target.Workspace
	index       *record.Index
	claim       *record.Claim // on the session
	leave       func() error  // the machine to others
	open        bool          // it is recorded that it has begun, and not that it has ended
	messages    io.Writer
	server      []int // cores
	client      []int
	started     time.Time
	legsDone    int
	legsPlanned int
	perLeg      time.Duration // as far as known
	now         func() time.Time
	hashed      []program       // that legs start
	before      []record.Leg    // of the session that is resumed
	counted     []record.Counts // of it too
	resumed     bool
	preloaded   []load.Object // see objects
	preloadedOf string
}

func openSession(o options, messages io.Writer) (*session, error) {
	if err := o.checkPrograms(); err != nil {
		return nil, err
	}
	s := &session{options: o, messages: messages, started: time.Now(), now: time.Now}
	s.id = s.started.UTC().Format("20060102T150405Z-") + strings.ToLower(rand.Text()[:4])
	if s.gauge == nil {
		s.gauge = thisMachine{}
	}
	var err error
	if s.index, err = record.Open(o.index); err != nil {
		return nil, err
	}
	if s.workspace, err = target.OpenWorkspace(o.dir); err != nil {
		return nil, err
	}
	if o.pin {
		s.server, s.client = host.Split()
	}
	var alone bool
	if s.leave, alone = host.Alone("flashbench"); !alone {
		fmt.Fprintln(messages, "another flashbench measures on this machine: each disturbs the other, "+
			"and pairs will be noisy")
	}
	if err := s.recordStart(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.raw, s.open = s.index.Raw(s.id), true
	return s, nil
}

// end records that there is nothing to resume.
func (s *session) end() error {
	err := s.index.Append(record.Line{End: &record.End{Session: s.id, At: time.Now()}})
	s.open = err != nil
	return err
}

// add records what was measured, if all of it was of the programs that the session says.
func (s *session) add(lines ...record.Line) error {
	if err := s.unchanged(); err != nil {
		return err
	}
	return s.index.Append(lines...)
}

// local is a text, such as a server's log, whose paths are those within the workspace and beside
// the record: what comes before is of this machine alone.
func (s *session) local(text string) string {
	beside, err := filepath.Abs(filepath.Dir(s.index.Path()))
	if err != nil {
		return text
	}
	const slash = string(filepath.Separator)
	return strings.NewReplacer(s.workspace.Path()+slash, "", beside+slash, "").Replace(text)
}

// close removes what the session has on disk and says how it can be gone on with.
func (s *session) close() error {
	if s.open && s.resumable {
		fmt.Fprintf(s.messages, "session %s has not ended; to go on with it: %s\n", s.id,
			goOn(s.purpose, s.args))
	}
	err := s.workspace.Close()
	if s.claim != nil {
		err = errors.Join(err, s.claim.Release())
	}
	return errors.Join(err, s.leave())
}

func (s *session) recordStart() error {
	print := host.TakeFingerprint(s.workspace.Path())
	start := record.Session{
		ID: s.id, Purpose: s.purpose, Start: s.started, Machine: print.ID(), Fingerprint: print,
		Args: s.args, Peer: s.peer,
	}
	start.Revision, start.Dirty = gitRevision(".")
	var err error
	if start.Binaries, err = s.hashPrograms(); err != nil {
		return err
	}
	fmt.Fprintf(s.messages, "%s, %d cores, %d MiB, Linux %s, %s (%s)\n",
		print.CPU, print.Cores, print.MemoryMB, print.Kernel, print.FileSystem, print.MountFlags)
	if s.server != nil {
		fmt.Fprintf(s.messages, "server on core %s, client on core %s\n",
			host.CoreList(s.server), host.CoreList(s.client))
	}
	for _, lack := range lacks() {
		fmt.Fprintln(s.messages, "not measured: "+lack)
	}
	sayLeftOut(s.messages, s.peer != "")
	if s.options.resume {
		if err := s.resume(&start); err != nil || s.resumed {
			return err
		}
	}
	if s.claim, err = s.index.Claim(s.id); err != nil {
		return err
	}
	return s.index.Append(record.Line{Session: &start})
}

// lacks lists what this machine does not let the harness measure.
func lacks() (out []string) {
	if u, err := host.ProcessUsage(os.Getpid()); err == nil && u.CPU == 0 && u.RSS == 0 {
		out = append(out, "CPU and memory of processes: /proc does not say")
	}
	if _, err := os.Stat("/proc/self/io"); err != nil {
		out = append(out, "bytes from and to devices: /proc/PID/io is absent, so hot and cold are not "+
			"proven and such scenarios are skipped")
	}
	if server, _ := host.Split(); server == nil {
		out = append(out, "server and client apart: one core, which both share")
	}
	return out
}

// gitRevision of the tree at dir, and whether it has changes other than records. Empty without git.
func gitRevision(dir string) (revision string, dirty bool) {
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	revision, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "", false
	}
	changes, err := git("status", "--porcelain", "--", ".", ":!results")
	return revision, err != nil || changes != ""
}

// legOverhead is a first guess of what a leg takes beside its load: start, verify pass, stop.
const legOverhead = 2 * time.Second

// plan counts the legs, for the time left.
func (s *session) plan(scenarios []*scenario.Scenario, comparisons func(*scenario.Scenario) int) {
	total := time.Duration(0)
	for _, sc := range scenarios {
		legs := 2 * sc.Run.Pairs * comparisons(sc)
		s.legsPlanned += legs
		lead := legOverhead
		if sc.Workload.Driver == "warp" {
			lead += warp.LeadTime
		}
		total += time.Duration(legs) * (sc.Run.Duration + lead)
	}
	s.perLeg = total / time.Duration(max(1, s.legsPlanned))
	fmt.Fprintf(s.messages, "%d legs, about %s\n", s.legsPlanned, total.Round(time.Second))
}

// timeLeft estimates from the legs so far; before the first one, from the plan.
func (s *session) timeLeft() time.Duration {
	return time.Duration(s.legsPlanned-s.legsDone) * s.perLeg
}

// mayRetry says whether a pair more fits into the budget.
func (s *session) mayRetry() bool {
	return s.budget == 0 || time.Since(s.started)+s.timeLeft()+s.perLeg < s.budget
}

// calibrate measures the machine for a load, of the programs that the session says.
func (s *session) calibrate(ctx context.Context, load time.Duration) (host.Calibration, error) {
	if err := errors.Join(ctx.Err(), s.unchanged()); err != nil {
		return host.Calibration{}, err
	}
	return s.gauge.calibrate(s.workspace.Path(), load)
}
