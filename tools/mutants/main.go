// Mutants plants deliberate faults into the code, one at a time, and wants the tests to notice
// each. A fault is a few lines of mutants.txt; it is laid over the sources for one run of some
// tests (go test -overlay), so that nothing of it is ever in the tree.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	table := flag.String("table", "mutants/mutants.txt", "`FILE` of the faults")
	root := flag.String("root", "..", "`DIR` of the repository")
	only := flag.String("only", "", "plant only faults whose name contains `TEXT`")
	limit := flag.Duration("limit", 3*time.Minute, "of one run of tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *table, *root, *only, *limit); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, table, root, only string, limit time.Duration) error {
	text, err := os.ReadFile(table)
	if err != nil {
		return err
	}
	all, err := parse(string(text))
	if err != nil {
		return err
	}
	caught, missed := 0, []string(nil)
	for i, m := range all {
		if !strings.Contains(m.name, only) {
			continue
		}
		began := time.Now()
		by, err := m.try(ctx, root, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		took := time.Since(began).Round(time.Second)
		if by == "" {
			missed = append(missed, m.name)
			fmt.Printf("%d/%d MISSED %s (%s)\n", i+1, len(all), m.name, took)
			continue
		}
		caught++
		fmt.Printf("%d/%d caught %s, by %s (%s)\n", i+1, len(all), m.name, by, took)
	}
	fmt.Printf("%d caught, %d missed\n", caught, len(missed))
	if len(missed) > 0 {
		return fmt.Errorf("no test notices: %s", strings.Join(missed, "; "))
	}
	return nil
}

// try plants a fault and runs the tests that are to notice it. by is who did, "" if nobody.
func (m *mutant) try(ctx context.Context, root string, limit time.Duration) (by string, err error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.plant(root, dir)
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-c", "-o",
		filepath.Join(dir, "test"), m.pkg)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not build: %w\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	test := exec.CommandContext(ctx, filepath.Join(dir, "test"), "-test.failfast", "-test.run", m.run)
	test.Dir = filepath.Join(root, m.pkg)
	out, err := test.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case ctx.Err() == context.DeadlineExceeded && m.hangs:
		return "the time limit", nil
	case ctx.Err() == context.DeadlineExceeded:
		return "", fmt.Errorf("its tests do not end within %s: choose others", limit)
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		if !strings.Contains(string(out), "PASS") || strings.Contains(string(out), "no tests to run") {
			return "", errors.New("no test ran")
		}
		return "", nil
	case !errors.As(err, &failed):
		return "", err
	}
	return culprit(string(out)), nil
}

// culprit is the first test that failed.
func culprit(out string) string {
	for line := range strings.Lines(out) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); found {
			name, _, _ = strings.Cut(name, " ")
			return name
		}
	}
	return "a panic"
}
