package conformance

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"flashstore/bench/process"
)

const (
	// casesMin is how many cases the suite promises.
	casesMin = 500
	readyMax = 10 * time.Second

	ownUser     = "conformance-root"
	ownPassword = "conformance correct horse"
)

// compositions are two that have no part in common.
var compositions = [][]string{
	{"--netloop=epoll", "--allocator=arena", "--ioengine=uring"},
	{"--netloop=nethttp", "--allocator=syncpool", "--ioengine=threadpool"},
}

// TestMain hides from the server the settings of whoever runs the tests.
func TestMain(m *testing.M) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "FLASHSTORE_") {
			os.Unsetenv(name)
		}
	}
	os.Exit(m.Run())
}

// TestConformance runs all cases against S3_ENDPOINT, or against this repository's server.
func TestConformance(t *testing.T) {
	if base := os.Getenv("S3_ENDPOINT"); base != "" {
		to, err := newTarget(base, os.Getenv("S3_ACCESS_KEY"), os.Getenv("S3_SECRET_KEY"),
			cmp.Or(os.Getenv("S3_REGION"), "us-east-1"))
		if err != nil {
			t.Fatal(err)
		}
		to.domain = cmp.Or(os.Getenv("S3_DOMAIN"), to.domain)
		runAll(t, to)
		return
	}
	for _, axes := range compositions {
		name := strings.NewReplacer("--netloop=", "", "--allocator=", "", "--ioengine=", "").
			Replace(strings.Join(axes, "-"))
		t.Run(name, func(t *testing.T) { runAll(t, startServer(t, axes)) })
	}
}

// runAll runs every case as a sub-test, and counts by area.
func runAll(t *testing.T, to *target) {
	var mu sync.Mutex
	ran, failed := map[string]int{}, map[string]int{}
	t.Cleanup(func() { // after all parallel sub-tests
		to.shares.sweep(to)
		summarize(t, ran, failed)
	})
	for _, c := range allCases() {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			wrong := c.ask(to)
			mu.Lock()
			ran[c.area]++
			if len(wrong) > 0 {
				failed[c.area]++
			}
			mu.Unlock()
			if len(wrong) > 0 {
				t.Errorf("%s\nrule: %s", strings.Join(wrong, "\n"), c.rule)
			}
		})
	}
}

func summarize(t *testing.T, ran, failed map[string]int) {
	total, wrong := 0, 0
	var b strings.Builder
	for _, a := range areas() {
		fmt.Fprintf(&b, "\n%-22s %4d cases, %3d failed", a.name, ran[a.name], failed[a.name])
		total += ran[a.name]
		wrong += failed[a.name]
	}
	t.Logf("%s\n%-22s %4d cases, %3d failed", b.String(), "all", total, wrong)
	if all := len(allCases()); total == all && total < casesMin {
		t.Errorf("%d cases, want %d at least", total, casesMin)
	}
}

// TestNames: cases have names of their own, and each cites a page of AWS.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCases() {
		if seen[c.String()] {
			t.Errorf("%s stands twice", c)
		}
		seen[c.String()] = true
		if !strings.HasPrefix(c.rule, "https://docs.aws.amazon.com/") &&
			!strings.HasPrefix(c.rule, "https://www.rfc-editor.org/rfc/") {
			t.Errorf("%s cites %q", c, c.rule)
		}
	}
	if len(seen) < casesMin {
		t.Errorf("%d cases, want %d at least", len(seen), casesMin)
	}
}

func allCases() (all []testCase) {
	for _, a := range areas() {
		l := &list{area: a.name}
		for _, add := range a.add {
			add(l)
		}
		all = append(all, l.cases...)
	}
	return all
}

// startServer runs the server over four new drives.
func startServer(t *testing.T, axes []string) *target {
	t.Helper()
	binary, err := filepath.Abs(cmp.Or(os.Getenv("CONFORMANCE_BINARY"), "../bin/flashstore"))
	if err == nil {
		_, err = os.Stat(binary)
	}
	if err != nil {
		t.Fatalf("%v: make build, or S3_ENDPOINT, S3_ACCESS_KEY and S3_SECRET_KEY", err)
	}
	dir := t.TempDir()
	args := append([]string{"server", "--address=127.0.0.1:0", "--log-segment=4MiB",
		"--domain=" + ownDomain}, axes...)
	for i := range 4 {
		args = append(args, "--drives", filepath.Join(dir, fmt.Sprintf("d%d", i+1)))
	}
	log := filepath.Join(dir, "server.log")
	proc, err := process.Start(process.Spec{Path: binary, Args: args, Dir: dir, Log: log,
		Env: []string{"FLASHSTORE_ROOT_USER=" + ownUser, "FLASHSTORE_ROOT_PASSWORD=" + ownPassword}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proc.Stop(readyMax); err != nil {
			t.Errorf("the server's end: %v", err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", proc.LogTail())
		}
	})
	to, err := newTarget(awaitAddress(t, proc, log), ownUser, ownPassword, "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	to.domain = ownDomain
	return to
}

// ownDomain is the domain of virtual-host style requests to the server that is started here.
const ownDomain = "s3.conformance.test"

// awaitAddress waits until the server's log says where it serves. The log is a file: this looks
// again and again.
func awaitAddress(t *testing.T, proc *process.Process, log string) string {
	t.Helper()
	serving := regexp.MustCompile(`msg="serving S3" address=(https?://\S+)`)
	deadline := time.NewTimer(readyMax)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if found := serving.FindSubmatch(text); found != nil {
			return string(found[1])
		}
		select {
		case <-proc.Done():
			t.Fatalf("the server ended: %v\n%s", proc.Wait(), proc.LogTail())
		case <-deadline.C:
			t.Fatalf("not ready within %s\n%s", readyMax, proc.LogTail())
		case <-tick.C:
		}
	}
}

// areas are all there are, in the order of the summary.
func areas() []area {
	return []area{
		{"buckets", adds{bucketCases}},
		{"objects", adds{objectCases}},
		{"headers", adds{headerCases}},
		{"ranges", adds{rangeCases}},
		{"conditions", adds{conditionCases}},
		{"copy", adds{copyCases}},
		{"checksums", adds{checksumCases}},
		{"multipart", adds{multipartCases}},
		{"listing", adds{listingCases}},
		{"delete", adds{deleteCases}},
		{"tagging", adds{taggingCases}},
		{"versioning", adds{versioningCases}},
		{"lock", adds{lockCases}},
		{"presigned", adds{presignedCases, formCases}},
		{"signatures", adds{signatureCases}},
		{"keys", adds{keyCases}},
		{"xml", adds{xmlCases}},
		{"errors", adds{errorCases}},
	}
}

type (
	adds []func(*list)
	area struct {
		name string
		add  adds
	}
)
