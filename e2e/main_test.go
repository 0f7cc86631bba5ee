package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	seedFlag = flag.Uint64("e2e.seed", 0, "seed of the random tests; 0: a new one")
	hugeFlag = flag.Bool("e2e.huge", false, "also the tests with objects of 1 GiB")
	tagsFlag = flag.String("e2e.tags", "", "build tags of the server, such as arenadebug")
	// serverBinary is the server under test; TestMain sets it, and FLASHSTORE_E2E_BINARY may.
	serverBinary string
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(buildAndRun(m))
}

// buildAndRun builds the server once for all tests.
func buildAndRun(m *testing.M) int {
	if serverBinary = os.Getenv("FLASHSTORE_E2E_BINARY"); serverBinary == "" {
		dir, err := os.MkdirTemp("", "flashstore-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		defer os.RemoveAll(dir)
		serverBinary = filepath.Join(dir, "flashstore")
		build := exec.Command("go", "build", "-tags", *tagsFlag, "-o", serverBinary,
			"flashstore/cmd/flashstore")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: go build: %v\n%s", err, text)
			return 1
		}
	}
	// The settings of whoever runs the tests are none of the server's business.
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "FLASHSTORE_") {
			os.Unsetenv(name)
		}
	}
	return m.Run()
}

// newRand returns the random source of a test and prints how to get the same again.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(newSeed(t), 0))
}

// newSeed is for a test with several random sources, which must not be the same.
func newSeed(t *testing.T) uint64 {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with: go test ./e2e -run '^%s$' -e2e.seed=%d", t.Name(), seed)
	return seed
}
