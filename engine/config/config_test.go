package config

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"flashstore/netloop"
)

func load(t *testing.T, yaml string, environ []string, args ...string) (*Loaded, error) {
	t.Helper()
	if yaml != "" {
		path := filepath.Join(t.TempDir(), "flashstore.yaml")
		if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	return Load(args, environ, &bytes.Buffer{})
}

func TestPrecedence(t *testing.T) {
	yaml := "netloop: nethttp\nallocator: heap\nregion: r1\ndrives: ['/d{1...2}', /x]\n"
	yaml += "certs_dir: /c1\n"
	c, err := load(t, yaml, []string{"FLASHSTORE_ALLOCATOR=syncpool", "FLASHSTORE_REGION=r2",
		"FLASHSTORE_CERTS_DIR=/c2", "PATH=/bin"}, "--region", "r3", "--metrics-public")
	if err != nil {
		t.Fatal(err)
	}
	if c.Netloop != "nethttp" || c.Allocator != "syncpool" || c.Region != "r3" ||
		!c.MetricsPublic || c.IOEngine != "uring" || c.CertsDir != "/c2" {
		t.Fatalf("defaults < YAML < environment < flags is broken: %+v", c)
	}
	if want := []string{"/d1", "/d2", "/x"}; !slices.Equal(c.Drives, want) {
		t.Fatalf("drives %v, want %v", c.Drives, want)
	}
}

func TestUsageErrorsListWhatIsValid(t *testing.T) {
	for _, c := range []struct {
		why, yaml, environ, flag, hint string
	}{
		{"unknown flag", "", "", "--netlop=epoll", "--netloop"},
		{"unknown axis value", "", "", "--netloop=select", "epoll, kqueue (not on this platform), nethttp, netconn"},
		{"unknown YAML key", "netlop: epoll\n", "", "", "netloop"},
		{"YAML that is not", "{", "", "", ""},
		{"a key twice", "region: a\nregion: b\n", "", "", "region"},
		{"unknown variable", "", "FLASHSTORE_NETLOP=epoll", "", "NETLOOP"},
		{"too many drives", "", "", "--drives=/d{1...600},/e{1...600}", "1 to"},
		{"address without port", "", "", "--address=127.0.0.1", "HOST:PORT"},
		{"address with a name as port", "", "", "--address=:http", "0 to 65535"},
		{"address with a port too high", "", "", "--address=[::1]:65536", "0 to 65535"},
		{"too many loops", "", "", "--loops=257", "0 to 256"},
		{"too many workers", "", "", "--workers=65537", "0 to 65536"},
		{"no memory", "", "", "--memory-budget=4KiB", "at least 65536"},
		{"a log segment too small", "", "", "--log-segment=64KiB", "at least 1048576"},
		{"a log segment of half blocks", "", "", "--log-segment=1048577", "multiples of 4096"},
		{"parity too high", "", "", "--parity=3", "0 to 2"},
		{"bad ellipsis", "", "", "--drives=/d{4...1}", "{FIRST...LAST}"},
		{"bad size", "", "", "--memory-budget=12XB", "64KiB"},
		{"secret as a flag", "", "", "--root-password=secret123", "valid flags"},
		{"user without password", "", "FLASHSTORE_ROOT_USER=me", "", "ROOT_PASSWORD"},
	} {
		args := []string{"--drives", "/d{1...4}"}
		if c.flag != "" {
			args = append(args, c.flag)
		}
		_, err := load(t, c.yaml, []string{c.environ}, args...)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), c.hint) {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, good := range []string{"127.0.0.1:0", ":9000", "[::]:65535", "localhost:9000"} {
		if _, err := load(t, "", nil, "--drives", "/d", "--address", good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// What --print-config prints is a configuration that means the same, and shows no secret.
func TestPrintRoundTrip(t *testing.T) {
	c, err := load(t, "", []string{"FLASHSTORE_ROOT_USER=me", "FLASHSTORE_ROOT_PASSWORD=hidden123"},
		"--drives", "/a b{08...10}/x", "--shutdown-grace=3s", "--domain=s3.local,s4.local",
		"--memory-budget=64MiB", "--certs-dir=/certs: 1")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.Print(&out)
	if strings.Contains(out.String(), "hidden123") {
		t.Fatal("the password is printed")
	}
	again, err := load(t, out.String(), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	again.RootUser, again.RootPassword = c.RootUser, c.RootPassword
	if again.CertsDir != "/certs: 1" || !slices.Equal(again.Drives, c.Drives) || again.MemoryBudget != 64<<20 ||
		again.ShutdownGrace != c.ShutdownGrace || !slices.Equal(again.Domains, c.Domains) {
		t.Fatalf("printed %+v, read back %+v", c.Config, again.Config)
	}
}

func TestExpand(t *testing.T) {
	got, err := expand("/r{1...2}/d{09...10}")
	want := []string{"/r1/d09", "/r1/d10", "/r2/d09", "/r2/d10"}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{"/d{", "/d{1..2}", "/d{a...b}", "/d{1...5000}", "/d{1...40}{1...40}"} {
		if got, err := expand(bad); err == nil {
			t.Errorf("%s was expanded to %d directories", bad, len(got))
		}
	}
}

// Limits are settings like others, and those that nobody can be served with are refused.
func TestLimits(t *testing.T) {
	c, err := load(t, "idle_timeout: 3s\nconnections_per_address: 7\n",
		[]string{"FLASHSTORE_BODY_RATE_MIN=9"}, "--drives", "/d", "--head-timeout=250ms")
	if err != nil {
		t.Fatal(err)
	}
	want := netloop.DefaultLimits()
	want.IdleTimeout, want.ConnectionsPerAddress = 3*time.Second, 7
	want.BodyRateMin, want.HeadTimeout = 9, 250*time.Millisecond
	if c.Limits != want {
		t.Errorf("%+v", c.Limits)
	}
	var out bytes.Buffer
	c.Print(&out)
	if again, err := load(t, out.String(), nil); err != nil || again.Limits != want {
		t.Errorf("read back %+v, %v", again.Limits, err)
	}
	for bad, hint := range map[string]string{
		"--connections-max=0": "1 to 1048575", "--head-timeout=-1s": "more than 0",
		"--idle-timeout=soon": "soon", "--head-bytes-max=70000": "1 to 61440",
		"--queue-max=none": "1 to 1048575",
	} {
		flag, _, _ := strings.Cut(strings.TrimPrefix(bad, "--"), "=")
		key := strings.ReplaceAll(flag, "-", "_")
		_, err := load(t, "", nil, "--drives", "/d", bad)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), hint) ||
			!strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "Limits.") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
