package crashsim_test

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"flashstore/ioengine"
	"flashstore/ioengine/crashsim"
)

const sector = 512

// world is a disk with an engine, driven by short scripts. In them and in what show returns a
// sector is one letter: 512 times that letter, or a dot for zeros.
type world struct {
	t      testing.TB
	disk   *crashsim.Disk
	engine *crashsim.Engine
	files  map[string]ioengine.File
}

func newWorld(t testing.TB, c crashsim.Config) *world {
	d := newDisk(t, c)
	return &world{t: t, disk: d, engine: d.Engine(), files: map[string]ioengine.File{}}
}

// do runs commands, one a line or parted by semicolons; numbers are sectors.
func (w *world) do(script string) {
	w.t.Helper()
	for line := range strings.FieldsFuncSeq(script, func(r rune) bool { return r == ';' || r == '\n' }) {
		if err := w.try(line); err != nil {
			w.t.Fatalf("%s: %v", line, err)
		}
	}
}

func (w *world) try(line string) error { return w.command(strings.Fields(line)) }

func (w *world) command(words []string) error {
	if len(words) == 0 {
		return nil
	}
	if words[0] == "die" {
		return w.die()
	}
	name := words[1]
	number := func(i int) int64 {
		n, err := strconv.ParseInt(words[i], 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		return n * sector
	}
	switch words[0] {
	case "create":
		f, err := w.disk.Open(name, ioengine.OpenFlags{Create: true, Exclusive: true, Write: true})
		if err == nil {
			w.files[name] = f
		}
		return err
	case "write":
		return w.write(name, number(2), letters(words[3]), false)
	case "dsync":
		return w.write(name, number(2), letters(words[3]), true)
	case "sync":
		return w.run(ioengine.Op{Kind: ioengine.DataSync, File: w.files[name]})
	case "failsync":
		w.disk.Fail(crashsim.Fault{Kinds: crashsim.DataSync, Err: errBroken})
		defer w.disk.Fail()
		err := w.run(ioengine.Op{Kind: ioengine.DataSync, File: w.files[name]})
		if !errors.Is(err, errBroken) {
			return fmt.Errorf("a sync that must fail: %w", err)
		}
		return nil
	case "truncate":
		return w.files[name].Truncate(number(2))
	case "preallocate":
		return w.files[name].Preallocate(number(2), number(3))
	case "punch":
		return w.files[name].Punch(number(2), number(3))
	case "faildsync": // all but the last sector reach the cache
		p := letters(words[3])
		w.disk.Fail(crashsim.Fault{Kinds: crashsim.DSyncWrite, Err: errBroken,
			Partly: int64(len(p)) - sector})
		defer w.disk.Fail()
		if err := w.write(name, number(2), p, true); !errors.Is(err, errBroken) {
			return fmt.Errorf("a write that must fail: %w", err)
		}
		return nil
	case "syncdir":
		return w.disk.SyncDir(name)
	case "mkdir":
		return w.disk.MakeDir(name)
	case "remove":
		return w.disk.Remove(name)
	case "rename":
		if err := w.disk.Rename(name, words[2]); err != nil {
			return err
		}
		w.files[words[2]] = w.files[name]
		return nil
	default:
		return fmt.Errorf("no such command: %q", words)
	}
}

// die ends the process: what follows is done by the next one.
func (w *world) die() error {
	w.disk = w.disk.After(w.disk.Ops(), crashsim.LoseNone, 0)
	w.engine = w.disk.Engine()
	for name := range w.files {
		f, err := w.disk.Open(name, ioengine.OpenFlags{Write: true})
		if err != nil {
			return err
		}
		w.files[name] = f
	}
	return nil
}

var errBroken = errors.New("broken")

func (w *world) write(name string, offsetBytes int64, p []byte, dsync bool) error {
	return w.run(ioengine.Op{Kind: ioengine.Write, File: w.files[name], Bufs: [][]byte{p},
		OffsetBytes: offsetBytes, DSync: dsync})
}

func (w *world) run(ops ...ioengine.Op) error {
	return ioengine.Run(w.engine, ioengine.Foreground, ops...)
}

func letters(text string) []byte {
	var p []byte
	for i := range len(text) {
		letter := strings.ReplaceAll(text[i:i+1], ".", "\x00")
		p = append(p, strings.Repeat(letter, sector)...)
	}
	return p
}

// show is all that a disk holds: "/d/ /d/f=ab /g=".
func show(t testing.TB, d *crashsim.Disk) string {
	t.Helper()
	var all []string
	var walk func(dir string)
	walk = func(dir string) {
		list, err := d.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range list {
			name = path.Join(dir, name)
			if _, err := d.List(name); err == nil {
				all = append(all, name+"/")
				walk(name)
			} else {
				all = append(all, name+"="+sectors(d.Peek(name)))
			}
		}
	}
	walk("/")
	return strings.Join(all, " ")
}

// sectors is a letter for each sector, or its bytes if they differ.
func sectors(p []byte) string {
	var s strings.Builder
	for len(p) > 0 {
		n := min(sector, len(p))
		letter := string(p[:1])
		if n < sector || strings.Count(string(p[:n]), letter) != n {
			fmt.Fprintf(&s, "(%d: %x)", n, p[:n])
		} else {
			s.WriteString(strings.ReplaceAll(letter, "\x00", "."))
		}
		p = p[n:]
	}
	return s.String()
}

// aligned returns n bytes that start at a multiple of AlignBytes.
func aligned(n int) []byte {
	raw := make([]byte, n+ioengine.AlignBytes)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (ioengine.AlignBytes - 1)
	return raw[skip : skip+n : skip+n]
}
