package crashsim_test

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

// TestNthSyncFails fails the n-th sync of a series, for every n, once and onwards.
func TestNthSyncFails(t *testing.T) {
	const writes = 5
	for nth := 1; nth <= writes+1; nth++ {
		for _, onwards := range []bool{false, true} {
			w := newWorld(t, crashsim.Config{})
			w.do("create /f; create /other; syncdir /")
			w.disk.Fail(crashsim.Fault{Kinds: crashsim.Syncs, Path: "f", Nth: nth,
				Onwards: onwards, Err: syscall.EIO})
			met := 0
			for i := 1; i <= writes; i++ {
				w.do("dsync /other 0 x")
				err := w.write("/f", 0, letters("a"), true)
				want := i == nth || onwards && i > nth
				if errors.Is(err, syscall.EIO) != want || !want && err != nil {
					t.Fatalf("sync %d with the %d-th failing (onwards: %v): %v",
						i, nth, onwards, err)
				}
				if want {
					met++
				}
			}
			if w.disk.Faults() != met {
				t.Fatalf("%d faults counted, %d seen", w.disk.Faults(), met)
			}
		}
	}
}

func TestFaultMatches(t *testing.T) {
	cases := []struct {
		fault crashsim.Fault
		fails string
	}{
		{crashsim.Fault{}, "create /d/f.log"},
		{crashsim.Fault{Path: "*.log"}, "create /d/f.log"},
		{crashsim.Fault{Path: "/d/*.log", Nth: 2}, "write /d/f.log 0 a"},
		{crashsim.Fault{Path: "/*"}, "syncdir /d"},
		{crashsim.Fault{Kinds: crashsim.SyncDir | crashsim.Rename, Nth: 2}, "rename /d/f.log /d/g"},
		{crashsim.Fault{Path: "g"}, "rename /d/f.log /d/g"},
		{crashsim.Fault{Kinds: crashsim.Mutations, Nth: 4}, "truncate /d/f.log 2"},
		{crashsim.Fault{Kinds: crashsim.DataSync | crashsim.Remove, Nth: 1}, "remove /d/g"},
	}
	script := []string{"create /d/f.log", "write /d/f.log 0 a", "syncdir /d", "truncate /d/f.log 2",
		"rename /d/f.log /d/g", "remove /d/g"}
	for i, c := range cases {
		w := newWorld(t, crashsim.Config{})
		w.do("mkdir /d")
		c.fault.Err = errBroken
		w.disk.Fail(c.fault)
		for _, line := range script {
			if err := w.try(line); err != nil {
				var where *fs.PathError
				if !errors.Is(err, errBroken) || !errors.As(err, &where) || line != c.fails {
					t.Errorf("case %d: %s: %v", i, line, err)
				}
				break
			}
		}
		if w.disk.Faults() != 1 {
			t.Errorf("case %d: %d faults", i, w.disk.Faults())
		}
	}
}

// TestShortWrite: what reached the cache before the error is there, and an operation.
func TestShortWrite(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled)
	w.disk.Fail(crashsim.Fault{Kinds: crashsim.Write, Err: syscall.EIO, Partly: 700})
	before := w.disk.Ops()
	if err := w.write("/f", 0, letters("bb"), false); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	want := string(letters("bb")[:700]) + string(letters("aa")[700:])
	if got := string(w.disk.Peek("/f")); got != want || w.disk.Ops() != before+1 {
		t.Fatalf("%d operations, %q", w.disk.Ops()-before, got)
	}
	w.disk.Fail(crashsim.Fault{Kinds: crashsim.Write, Err: syscall.EIO})
	_ = w.write("/f", 0, letters("bb"), false)
	if w.disk.Ops() != before+1 {
		t.Fatal("a write without effect has a number")
	}
}

// TestReadFlips flips one bit of the second read, and of no other.
func TestReadFlips(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled)
	w.disk.Fail(crashsim.Fault{Kinds: crashsim.Read, Nth: 2, FlipMask: 8, FlipAt: 600})
	for i := 1; i <= 3; i++ {
		p := make([]byte, 1024)
		hit, err := w.engine.ReadCached(w.files["/f"], p, 0)
		if hit || err != nil {
			t.Fatalf("a cached read slips past the script: %v, %v", hit, err)
		}
		err = w.run(ioengine.Op{Kind: ioengine.Read, File: w.files["/f"],
			Bufs: [][]byte{p[:500], p[500:]}})
		if err != nil {
			t.Fatal(err)
		}
		want := letters("aa")
		if i == 2 {
			want[600] ^= 8
		}
		if string(p) != string(want) {
			t.Fatalf("read %d: other bytes", i)
		}
	}
	if sectors(w.disk.Peek("/f")) != "aa" {
		t.Fatal("the flip is on the disk")
	}
}

// TestFlipAtRest is on the medium and in the cache, from its operation on.
func TestFlipAtRest(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled + "write /f 1 b")
	for _, at := range []int64{10, 600} {
		if err := w.disk.Flip("/f", at, 1); err != nil {
			t.Fatal(err)
		}
	}
	n := w.disk.Ops()
	for _, c := range []struct {
		n       int
		loss    crashsim.Loss
		letters string
		flips   []int
	}{
		{n, crashsim.LoseNone, "ab", []int{10, 600}},
		{n, crashsim.LoseAll, "aa", []int{10, 600}},
		{n - 1, crashsim.LoseAll, "aa", []int{10}},
		{n - 2, crashsim.LoseNone, "ab", nil},
	} {
		want := letters(c.letters)
		for _, at := range c.flips {
			want[at] ^= 1
		}
		if got := w.disk.After(c.n, c.loss, 0).Peek("/f"); string(got) != string(want) {
			t.Errorf("%v after %d: other bytes", c.loss, c.n)
		}
	}
	for seed := range uint64(50) {
		got := w.disk.After(n, crashsim.LoseHalf, seed).Peek("/f")
		got[10] ^= 1
		got[600] ^= 1
		if s := sectors(got); s != "aa" && s != "ab" {
			t.Fatal(s)
		}
	}
	for _, at := range []int64{-1, 1024} {
		if err := w.disk.Flip("/f", at, 1); err == nil {
			t.Errorf("byte %d of 1024 was flipped", at)
		}
	}
}

// TestSyncCoversWhatWasThereWhenItBegan holds a DataSync and a SyncDir back while others write.
func TestSyncCoversWhatWasThereWhenItBegan(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled + "write /f 0 b; create /g")
	held, release := make(chan struct{}), make(chan struct{})
	w.disk.Fail(crashsim.Fault{Kinds: crashsim.Syncs, Onwards: true, Before: func() {
		held <- struct{}{}
		<-release
	}})
	done := make(chan error, 2)
	go func() { done <- w.run(ioengine.Op{Kind: ioengine.DataSync, File: w.files["/f"]}) }()
	go func() { done <- w.disk.SyncDir("/") }()
	<-held
	<-held
	w.do("write /f 1 cd; create /h")
	close(release)
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	w.disk.Fail()
	if got := show(t, w.disk.After(w.disk.Ops(), crashsim.LoseAll, 0)); got != "/f=ba /g=" {
		t.Fatal(got)
	}
	w.do("sync /f; syncdir /")
	if got := show(t, w.disk.After(w.disk.Ops(), crashsim.LoseAll, 0)); got != "/f=bcd /g= /h=" {
		t.Fatal(got)
	}
}

// TestPowerIsCutBefore cuts the power at a request, which then fails as all others do.
func TestPowerIsCutBefore(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled)
	cut := -1
	w.disk.Fail(crashsim.Fault{Kinds: crashsim.Write, Nth: 2,
		Before: func() { cut = w.disk.CutPower() }})
	w.do("write /f 0 b")
	for _, line := range []string{"write /f 0 c", "dsync /f 0 c", "sync /f", "truncate /f 1",
		"punch /f 0 1", "preallocate /f 0 9", "create /g", "mkdir /g", "remove /f", "rename /f /g",
		"syncdir /"} {
		if err := w.try(line); !errors.Is(err, crashsim.ErrPowerLost) {
			t.Errorf("%s: %v", line, err)
		}
	}
	_, listErr := w.disk.List("/")
	_, lockErr := w.disk.Lock("/lock")
	_, openErr := w.disk.Open("/f", ioengine.OpenFlags{})
	_, sizeErr := w.files["/f"].Size()
	_, _, spaceErr := w.disk.Space("/")
	_, cachedErr := w.engine.ReadCached(w.files["/f"], make([]byte, 1), 0)
	readErr := w.run(ioengine.Op{Kind: ioengine.Read, File: w.files["/f"],
		Bufs: [][]byte{make([]byte, 1)}})
	rangesErr := w.files["/f"].(ioengine.RangeReporter).DataRanges(func(int64, int64) {})
	for i, err := range []error{listErr, lockErr, openErr, sizeErr, spaceErr, cachedErr, readErr,
		rangesErr} {
		if !errors.Is(err, crashsim.ErrPowerLost) {
			t.Errorf("request %d without power: %v", i, err)
		}
	}
	if cut != w.disk.Ops() {
		t.Fatalf("cut after %d, %d operations", cut, w.disk.Ops())
	}
	w = &world{t: t, disk: w.disk.After(cut, crashsim.LoseNone, 0)}
	if got := show(t, w.disk); got != "/f=ba" {
		t.Fatal(got)
	}
}
