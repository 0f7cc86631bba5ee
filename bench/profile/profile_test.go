package profile

import (
	"bytes"
	"errors"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// real is a CPU profile of this process, which is kept busy in a function with a name.
func real(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		t.Fatal(err)
	}
	busyForTheProfile(150 * time.Millisecond)
	pprof.StopCPUProfile()
	return b.Bytes()
}

//go:noinline
func busyForTheProfile(long time.Duration) (n int) {
	for start := time.Now(); time.Since(start) < long; n++ {
	}
	return n
}

func TestReadOwnProfile(t *testing.T) {
	var text []byte
	for range 20 { // on a busy machine no sample may come at first
		text = real(t)
		p, err := Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Types) != 2 || p.Types[1] != (Type{"cpu", "nanoseconds"}) {
			t.Fatalf("types: %+v", p.Types)
		}
		root, unit := p.Flame("cpu")
		if root == nil {
			continue
		}
		if unit != "nanoseconds" || !contains(root.Name, t, p, "busyForTheProfile") {
			t.Errorf("unit %s, no busyForTheProfile in %+v", unit, root)
		}
		sum := 0.0
		for _, child := range root.Children {
			sum += child.Value
		}
		if sum > root.Value {
			t.Errorf("children have %g of %g", sum, root.Value)
		}
		return
	}
	t.Error("no sample in twenty profiles")
}

func contains(_ string, t *testing.T, p *Profile, name string) bool {
	t.Helper()
	for _, s := range p.samples {
		if strings.Contains(strings.Join(p.stack(s), " "), name) {
			return true
		}
	}
	return false
}

func TestReadRejects(t *testing.T) {
	whole := real(t)
	for name, text := range map[string][]byte{
		"cut gzip": whole[:len(whole)/2], "no profile": []byte("hello, world"), "wire type": {0x0b},
		"too long": {0x12, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if _, err := Read(bytes.NewReader(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if p, err := Read(strings.NewReader("")); err != nil {
		t.Error(err)
	} else if root, _ := p.Flame("cpu"); root != nil {
		t.Error("a flame of nothing")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{0x0a, 4, 8, 1, 16, 2, 0x12, 4, 10, 0, 18, 0, 0x32, 1, 'x'})
	f.Add([]byte{0x12, 6, 8, 1, 16, 5, 16, 5, 0x22, 6, 8, 1, 0x22, 2, 8, 1, 0x2a, 4, 8, 1, 16, 0})
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		if root, _ := p.Flame(""); root != nil && root.Value <= 0 {
			t.Errorf("a flame of %g", root.Value)
		}
	})
}

func TestCalls(t *testing.T) {
	got, err := Calls(strings.NewReader(`10 epoll_wait(3, [], 128, 0) = 0
11 pread64(4 <unfinished ...>
10 read(5, ""..., 9) = 9
11 <... pread64 resumed>) = 9
11 read(5, ""..., 9) = -1 EAGAIN (Resource temporarily unavailable)
12 --- SIGURG {si_signo=SIGURG} ---
12 +++ exited with 0 +++
`))
	if err != nil || got["read"] != 2 || got["pread64"] != 1 || got["epoll_wait"] != 1 || len(got) != 3 {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzTrace(f *testing.F) {
	f.Add("10 read(5) = 1\n", "# started\n1.5;msec;task-clock;1;100.00;;\n")
	f.Fuzz(func(t *testing.T, calls, counters string) {
		got, _ := Calls(strings.NewReader(calls))
		for name := range got {
			if !word(name) {
				t.Errorf("a call %q", name)
			}
		}
		_, _ = Counters(strings.NewReader(counters))
	})
}

func TestCounters(t *testing.T) {
	got, err := Counters(strings.NewReader(`# started on Sun

1234.5;msec;task-clock;1234500;100.00;0.5;CPUs utilized
77;;context-switches:u;1;100.00;;
<not supported>;;cycles;0;100.00;;
`))
	if err != nil || len(got) != 2 || got["task-clock"] != 1234.5 || got["context-switches"] != 77 {
		t.Errorf("%v, %v", got, err)
	}
}
