package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"flashstore/bench/peer"
	"flashstore/bench/report"
	"flashstore/bench/target"
)

// ourName is what our server is called beside others.
const ourName = "flashstore"

// errLost is how a crash test of our own server ends that has lost something.
var errLost = errors.New("an acknowledged write is not as it was")

// crashTest is one server's crashes.
type crashTest struct {
	workspace *target.Workspace
	messages  io.Writer
	crashes   int
	seed      uint64
}

func crashCommand(ctx context.Context, args []string, out, messages io.Writer) (err error) {
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	ours := flags.String("server", "bin/flashstore", "our server `binary`")
	binary := flags.String("binary", "", "the peer's `program`, in place of the one in its file")
	dir := flags.String("dir", orDefault("BENCH_DIR", ".data/bench"), "`folder` for drives")
	crashes := flags.Int("crashes", 5, "`number` of crashes of each server")
	seed := flags.Uint64("seed", 1, "`number` that keys, sizes and moments are drawn from")
	power := flags.Bool("power", os.Geteuid() == 0, "cut the power of a file system too: needs root, "+
		"a loop device and mkfs.ext4")
	operands, err := parse(flags, args, out, messages)
	if err != nil {
		return err
	}
	if len(operands) > 1 || *crashes < 1 {
		return fmt.Errorf("%w: flashbench crash [PEER.yaml], with --crashes 1 or more", errUsage)
	}
	if err := checkProgram(*ours); err != nil {
		return err
	}
	configs := []crashServer{{ourName, target.Config{Binary: *ours, Drives: 4, Parity: 2}}}
	if len(operands) == 1 {
		f, err := loadPeer(operands[0], *binary)
		if err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if f.GetOnly {
			return fmt.Errorf("%w: %s takes no writes", errUsage, f.Name)
		}
		configs = append(configs, crashServer{f.Name, target.Config{Binary: f.Binary, Drives: f.Drives,
			Parity: f.Parity, Foreign: f.Foreign()}})
	}
	if *power && out == os.Stdout && messages == os.Stderr && os.Getenv(ownNamespace) == "" {
		enterNamespace(ctx, args)
	}
	workspace, err := target.OpenWorkspace(*dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workspace.Close()) }()
	t := &crashTest{workspace: workspace, messages: messages, crashes: *crashes, seed: *seed}
	fmt.Fprintf(messages, "%d crashes each, seed %d\n", *crashes, *seed)
	sayLeftOut(messages, len(operands) == 1)
	scores, err := t.all(ctx, configs, *power)
	printScores(out, scores)
	if err != nil {
		return err
	}
	return scoresError(scores)
}

// scoresError is how scores end the program: what others have lost is a result, what we have lost a
// failure, and what was not measured is neither.
func scoresError(scores []peer.Score) (err error) {
	for i := range scores {
		s := &scores[i]
		switch {
		case s.Server == ourName && s.Broken():
			return errLost
		case !s.Measured() && !s.Broken():
			err = fmt.Errorf("%w: %s, %s: see above", errInvalid, s.Server, s.How)
		}
	}
	return err
}

type crashServer struct {
	name   string
	config target.Config
}

// all crashes each server in each way that this machine allows. What an error has cut off is among
// the scores.
func (t *crashTest) all(
	ctx context.Context, servers []crashServer, power bool,
) (scores []peer.Score, err error) {
	ways := []crashWay{killed{t.workspace}}
	if power {
		ways = append(ways, newPowerCut(t.workspace))
	}
	for _, server := range servers {
		for _, way := range ways {
			s, err := t.one(ctx, server, way)
			fmt.Fprintf(t.messages, "  %s, %s: %s\n", s.Server, s.How, s.String())
			if scores = append(scores, s); err != nil {
				return scores, err
			}
		}
	}
	if !power {
		fmt.Fprintln(t.messages, "not measured: power cuts, which need root; after a kill the kernel "+
			"still writes what a server never synced")
	}
	return scores, nil
}

// one crashes a server again and again over the same data, then reads it back. The score is good
// for what it says also where there is an error.
func (t *crashTest) one(
	ctx context.Context, server crashServer, way crashWay,
) (s peer.Score, err error) {
	s = peer.Score{Server: server.name, How: way.name()}
	c := server.config
	if c.Dir, err = way.begin(); err != nil {
		s.Problem = err.Error()
		return s, ctx.Err()
	}
	defer func() { err = errors.Join(err, way.end()) }()
	writes := newWrites(t.seed)
	random := rand.New(rand.NewPCG(t.seed, 7))
	for s.Crashes < t.crashes && s.Problem == "" && ctx.Err() == nil {
		moment := 200*time.Millisecond + time.Duration(random.IntN(800))*time.Millisecond
		if err := t.crash(ctx, c, way, writes, moment); err != nil {
			s.Problem = err.Error()
			break
		}
		s.Crashes++
		if err := way.recover(); err != nil {
			s.Problem = err.Error()
			return s, err
		}
	}
	if ctx.Err() == nil && s.Crashes > 0 {
		err = t.judge(ctx, &s, c, writes)
	}
	if ctx.Err() != nil {
		s.Problem = "interrupted, not everything was read back"
		s.Acknowledged = writes.acknowledged()
		return s, context.Cause(ctx)
	}
	return s, err
}

// crash starts a server, writes to it and ends it at a moment in the middle of writes. An error is
// why that is no crash.
func (t *crashTest) crash(
	ctx context.Context, c target.Config, way crashWay, writes *writes, moment time.Duration,
) error {
	running, err := target.Start(ctx, c)
	if err != nil {
		return err
	}
	if err := running.MakeBucket(ctx); err != nil {
		running.Kill()
		return err
	}
	return writes.until(ctx, running, func() error {
		select {
		case <-time.After(moment):
		case <-ctx.Done():
		}
		return way.crash(running)
	})
}

// judge starts the server a last time and reads everything back.
func (t *crashTest) judge(
	ctx context.Context, s *peer.Score, c target.Config, writes *writes,
) error {
	running, err := target.Start(ctx, c)
	if err != nil && ctx.Err() == nil {
		s.Problem = "it does not start after the crash: " + err.Error()
		s.Acknowledged = writes.acknowledged()
		s.Fates[peer.Unreadable] = s.Acknowledged
	}
	if err != nil {
		return ctx.Err()
	}
	defer running.Kill()
	return writes.check(ctx, running, s)
}

func printScores(w io.Writer, scores []peer.Score) {
	if len(scores) == 0 {
		return
	}
	cells := [][]string{{"server", "crash", "crashes", "acknowledged", "kept", "lost", "corrupt",
		"unreadable", "torn", "what a 200 is worth"}}
	for i := range scores {
		s := &scores[i]
		cells = append(cells, []string{s.Server, s.How, strconv.Itoa(s.Crashes),
			strconv.Itoa(s.Acknowledged), strconv.Itoa(s.Fates[peer.Kept]),
			strconv.Itoa(s.Fates[peer.Lost]), strconv.Itoa(s.Fates[peer.Corrupt]),
			strconv.Itoa(s.Fates[peer.Unreadable]), strconv.Itoa(s.Torn), s.String()})
	}
	fmt.Fprintln(w)
	report.Columns(w, cells)
}

// ownNamespace is set where the program runs in a mount namespace of its own: whatever it mounts
// goes with its last process, however that ends.
const ownNamespace = "FLASHBENCH_NAMESPACE"

// enterNamespace replaces the process by the same command in a mount namespace of its own: a child
// beside its parent would get each signal of a terminal twice, and the second ends it at once. It
// returns where that is not possible: without unshare, or where it is not allowed.
func enterNamespace(ctx context.Context, args []string) {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	private := []string{unshare, "-m", "--propagation", "private"}
	try := exec.CommandContext(ctx, unshare, append(private[1:], "true")...)
	if try.Run() != nil {
		return
	}
	_ = syscall.Exec(unshare, slices.Concat(private, []string{self, "crash"}, args),
		append(os.Environ(), ownNamespace+"=1"))
}

// crashWay is how a server ends, and what its drives lie on.
type crashWay interface {
	name() string
	begin() (dir string, err error)
	crash(*target.Server) error
	recover() error // brings the drives back
	end() error
}

// killed is kill -9: what was given to the kernel survives.
type killed struct{ workspace *target.Workspace }

func (killed) name() string                      { return "kill -9" }
func (k killed) begin() (string, error)          { return k.workspace.Fresh("crash") }
func (killed) crash(server *target.Server) error { server.Kill(); return nil }
func (killed) recover() error                    { return nil }
func (k killed) end() error                      { return k.workspace.Remove("crash") }

// newPowerCut cuts a file system in a file on a loop device.
func newPowerCut(w *target.Workspace) *powerCut {
	return &powerCut{image: filepath.Join(w.Path(), "power.img"),
		mount: filepath.Join(w.Path(), "power")}
}
