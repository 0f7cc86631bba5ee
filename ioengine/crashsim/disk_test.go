package crashsim_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

func TestConfig(t *testing.T) {
	if _, err := crashsim.New(crashsim.Config{CapacityBytes: -1}); err == nil {
		t.Fatal("a negative capacity is accepted")
	}
}

// TestErrorsOfNames: errors are those of the operating system, and change nothing.
func TestErrorsOfNames(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do("create /f; mkdir /d; mkdir /d/e; create /d/g; mkdir /empty")
	before := w.disk.Ops()
	open := func(name string, flags ioengine.OpenFlags) error {
		_, err := w.disk.Open(name, flags)
		return err
	}
	list := func(name string) error { _, err := w.disk.List(name); return err }
	create := ioengine.OpenFlags{Create: true, Write: true}
	exclusive := ioengine.OpenFlags{Create: true, Exclusive: true, Write: true}
	for i, c := range []struct {
		err  error
		want error
	}{
		{open("/none", ioengine.OpenFlags{}), fs.ErrNotExist},
		{open("/none/f", create), fs.ErrNotExist},
		{open("/f/f", create), syscall.ENOTDIR},
		{open("/d", create), syscall.EISDIR},
		{open("/", create), syscall.EISDIR},
		{open("/f", exclusive), fs.ErrExist},
		{open("f", create), syscall.EINVAL},
		{open("/"+strings.Repeat("n", 256), create), syscall.ENAMETOOLONG},
		{w.disk.MakeDir("/d"), fs.ErrExist},
		{w.disk.MakeDir("/f"), fs.ErrExist},
		{w.disk.MakeDir("/"), fs.ErrExist},
		{w.disk.MakeDir("/none/d"), fs.ErrNotExist},
		{w.disk.MakeDir("/f/d"), syscall.ENOTDIR},
		{w.disk.Remove("/none"), fs.ErrNotExist},
		{w.disk.Remove("/d"), syscall.ENOTEMPTY},
		{w.disk.Remove("/"), syscall.EBUSY},
		{w.disk.Rename("/none", "/f"), fs.ErrNotExist},
		{w.disk.Rename("/f", "/none/f"), fs.ErrNotExist},
		{w.disk.Rename("/f", "/d/f"), syscall.EXDEV},
		{w.disk.Rename("/f", "/empty"), syscall.EISDIR},
		{w.disk.Rename("/empty", "/f"), syscall.ENOTDIR},
		{w.disk.Rename("/empty", "/d"), syscall.ENOTEMPTY},
		{w.disk.Rename("/f", "/f"), nil},
		{w.disk.SyncDir("/none"), fs.ErrNotExist},
		{w.disk.SyncDir("/f"), syscall.ENOTDIR},
		{list("/none"), fs.ErrNotExist},
		{list("/f"), syscall.ENOTDIR},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("case %d: %v, not %v", i, c.err, c.want)
		}
		var where *fs.PathError
		if c.err != nil && !errors.As(c.err, &where) {
			t.Errorf("case %d: no fs.PathError: %v", i, c.err)
		}
	}
	if w.disk.Ops() != before {
		t.Fatal("an error has a number")
	}
	w.do("rename /d /renamed; rename /renamed /empty; remove /empty/e; remove /empty/g; remove /empty")
	if got := show(t, w.disk); got != "/f=" {
		t.Fatal(got)
	}
}

// TestErrorsOfFiles: alignment and modes are what the kernel asks for.
func TestErrorsOfFiles(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	direct, err := w.disk.Open("/direct",
		ioengine.OpenFlags{Create: true, Write: true, Direct: true})
	if err != nil || !direct.Direct() {
		t.Fatal(direct, err)
	}
	page := aligned(8 << 10)
	if err := w.run(writeOp(direct, 4096, page[:4096], page[4096:], nil)); err != nil {
		t.Fatal(err)
	}
	for i, op := range []ioengine.Op{
		writeOp(direct, 512, page), writeOp(direct, 0, page[:512]),
		writeOp(direct, 0, page[512:][:4096]), writeOp(direct, 0, page[:4096], page[4096:8000]),
		writeOp(direct, -4096, page),
		{Kind: ioengine.Read, File: direct, Bufs: [][]byte{page}, OffsetBytes: 1},
		{Kind: ioengine.Read, File: direct, Bufs: [][]byte{page}, OffsetBytes: -4096},
	} {
		if err := w.run(op); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	reader, err := w.disk.Open("/direct", ioengine.OpenFlags{})
	if err != nil {
		t.Fatal(err)
	}
	other := newWorld(t, crashsim.Config{})
	other.do("create /f")
	for i, err := range []error{
		w.run(writeOp(reader, 0, page)), reader.Truncate(0), reader.Punch(0, 1),
		reader.Preallocate(0, 1), w.run(writeOp(other.files["/f"], 0, page)),
		w.run(writeOp(nil, 0, page)),
	} {
		if !errors.Is(err, syscall.EBADF) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	if err := w.run(ioengine.Op{Kind: ioengine.DataSync, File: reader}); err != nil {
		t.Errorf("sync of a file that is only read: %v", err)
	}
	if err := errors.Join(direct.Close(), reader.Close()); err != nil {
		t.Fatal(err)
	}
	_, sizeErr := direct.Size()
	for i, err := range []error{sizeErr, direct.Truncate(0), direct.Punch(0, 1),
		direct.Preallocate(0, 1)} {
		if !errors.Is(err, syscall.EBADF) {
			t.Errorf("closed, case %d: %v", i, err)
		}
	}
	if err := direct.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

func writeOp(f ioengine.File, offsetBytes int64, bufs ...[]byte) ioengine.Op {
	return ioengine.Op{Kind: ioengine.Write, File: f, Bufs: bufs, OffsetBytes: offsetBytes}
}

func TestLockEndsWithItsDisk(t *testing.T) {
	d := newDisk(t, crashsim.Config{})
	f, err := d.Lock("/lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock("/lock"); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Fatalf("second lock: %v", err)
	}
	if _, err := d.After(d.Ops(), crashsim.LoseNone, 0).Lock("/lock"); err != nil {
		t.Fatalf("the lock of a dead process: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Lock("/lock"); err != nil {
		t.Fatalf("the lock of a closed file: %v", err)
	}
}

// TestRemovedFileLives while somebody has it open, and so does its disk space.
func TestRemovedFileLives(t *testing.T) {
	w := newWorld(t, crashsim.Config{CapacityBytes: 64 << 10})
	w.do("create /f; write /f 0 abcdefghi; create /g; write /g 0 a")
	w.expectFree(64 - 12)
	w.do("remove /f; write /f 9 j")
	p := make([]byte, 10*sector)
	err := w.run(ioengine.Op{Kind: ioengine.Read, File: w.files["/f"], Bufs: [][]byte{p}})
	if err != nil || sectors(p) != "abcdefghij" {
		t.Fatal(sectors(p), err)
	}
	w.expectFree(64 - 12)
	if err := w.files["/f"].Close(); err != nil {
		t.Fatal(err)
	}
	w.expectFree(64 - 4)
	w.do("create /h; write /h 0 a; rename /g /h")
	w.expectFree(64 - 8) // the old /h is open
	w.do("create /i; write /i 0 abcdefghi")
	w.expectFree(64 - 16)
	if err := w.files["/i"].Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.disk.Remove("/i"); err != nil {
		t.Fatal(err)
	}
	w.expectFree(64 - 8)
	w.do("create /i; write /i 0 abcdefghi")
	if err := w.files["/i"].Close(); err != nil {
		t.Fatal(err)
	}
	w.expectFree(64 - 16)
	w.do("rename /h /i")
	w.expectFree(64 - 8)
	if err := w.disk.Remove("/i"); err != nil {
		t.Fatal(err)
	}
	w.disk = w.disk.After(w.disk.Ops(), crashsim.LoseNone, 0)
	w.expectFree(64)
}

func (w *world) expectFree(kib int64) {
	w.t.Helper()
	total, free, err := w.disk.Space("/")
	if err != nil || total != 64<<10 || free != kib<<10 {
		w.t.Fatalf("%d of %d bytes free, not %d KiB, %v", free, total, kib, err)
	}
}

// TestCapacity: what fits is written, the rest is ENOSPC, and reserved space is never lacking.
func TestCapacity(t *testing.T) {
	w := newWorld(t, crashsim.Config{CapacityBytes: 64 << 10})
	w.do("create /f; create /g; preallocate /f 0 64")
	w.expectFree(32)
	if err := w.files["/g"].Preallocate(0, 33<<10); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if n, _ := w.files["/g"].Size(); n != 0 {
		t.Fatalf("size %d after a failed Preallocate", n)
	}
	if err := w.write("/g", 100, make([]byte, 40<<10), false); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if n, _ := w.files["/g"].Size(); n != 32<<10 {
		t.Fatalf("size %d after a write that does not fit", n)
	}
	w.expectFree(0)
	w.do("write /f 0 ab; write /g 0 ab; dsync /g 60 ab")
	if err := w.write("/g", 32<<10, []byte{1}, true); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	w.do("punch /f 8 8")
	w.expectFree(4)
	w.do("dsync /g 64 a")
	w.expectFree(0)
	w.disk.SetCapacity(0)
	w.do("write /g 200 a; truncate /g 0")
	w.disk.SetCapacity(64 << 10)
	w.expectFree(64 - 28)
}

func TestDataRanges(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do("create /f; preallocate /f 0 2048; write /f 8 a; write /f 17 b; write /f 24 c")
	w.do("write /f 511 de; write /f 1024 ........; write /f 2047 f; punch /f 16 8; truncate /f 2048")
	var got []string
	err := w.files["/f"].(ioengine.RangeReporter).DataRanges(func(from, to int64) {
		got = append(got, fmt.Sprintf("%d-%d", from/sector, to/sector))
	})
	want := []string{"8-16", "24-32", "504-520", "1024-1032", "2040-2048"}
	if err != nil || !slices.Equal(got, want) {
		t.Fatal(got, err)
	}
}

// TestReadCached hits what is buffered, unless the disk is told not to.
func TestReadCached(t *testing.T) {
	for _, cold := range []bool{false, true} {
		w := newWorld(t, crashsim.Config{ColdReads: cold})
		w.do(settled)
		hit, err := w.engine.ReadCached(w.files["/f"], make([]byte, 8), 0)
		if hit == cold || err != nil {
			t.Errorf("cold %v: %v, %v", cold, hit, err)
		}
		f, err := w.disk.Open("/f", ioengine.OpenFlags{Direct: true})
		if err != nil {
			t.Fatal(err)
		}
		if hit, err = w.engine.ReadCached(f, make([]byte, 8), 0); hit || err != nil {
			t.Errorf("direct: %v, %v", hit, err)
		}
	}
}

// TestDisksAreIndependent writes to disks that share pages.
func TestDisksAreIndependent(t *testing.T) {
	w := newWorld(t, crashsim.Config{})
	w.do(settled)
	n := w.disk.Ops()
	for _, loss := range []crashsim.Loss{crashsim.LoseAll, crashsim.LoseNone} {
		other := &world{t: t, disk: w.disk.After(n, loss, 0), files: map[string]ioengine.File{}}
		if other.disk.Ops() != 0 {
			t.Fatal("a new disk counts from 0")
		}
		other.engine = other.disk.Engine()
		f, err := other.disk.Open("/f", ioengine.OpenFlags{Write: true})
		if err != nil {
			t.Fatal(err)
		}
		other.files["/f"] = f
		other.do("write /f 1 x; sync /f; create /g; syncdir /; write /f 0 y")
		if got := show(t, other.disk.After(4, crashsim.LoseAll, 0)); got != "/f=ax /g=" {
			t.Fatalf("%v: %s", loss, got)
		}
		if got := show(t, other.disk.After(0, crashsim.LoseAll, 0)); got != "/f=aa" {
			t.Fatalf("%v: %s", loss, got)
		}
		if got := show(t, other.disk); got != "/f=yx /g=" {
			t.Fatalf("%v: %s", loss, got)
		}
	}
	if got := show(t, w.disk); got != "/f=aa" {
		t.Fatal(got)
	}
	w.do("write /f 0 bcdefg; write /f 0 ij; write /f 0 k")
	if got := show(t, w.disk.After(n+3, crashsim.LoseNone, 0)); got != "/f=kjdefg" {
		t.Fatal(got)
	}
	if got := w.disk.Describe(3); got != "operation 3 of 7: write of /f [0, 1024)" {
		t.Fatal(got)
	}
}
