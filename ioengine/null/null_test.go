package null_test

import (
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/ioenginetest"
	"flashstore/ioengine/null"
)

func newEngine(t testing.TB) ioengine.Engine {
	t.Helper()
	e, err := null.New(null.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLifecycle(t *testing.T) { ioenginetest.RunLifecycle(t, newEngine) }

func BenchmarkEngine(b *testing.B) { ioenginetest.Bench(b, newEngine) }

func TestMovesNothing(t *testing.T) {
	e := newEngine(t)
	f, err := e.Files().Open(t.TempDir()+"/a", ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	buf := []byte("untouched")
	write := ioengine.Op{Kind: ioengine.Write, File: f, Bufs: [][]byte{buf}, DSync: true}
	read := ioengine.Op{Kind: ioengine.Read, File: f, Bufs: [][]byte{buf}, OffsetBytes: 1 << 40}
	if err := ioengine.Run(e, ioengine.Foreground, write, read); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Size(); n != 0 || err != nil || string(buf) != "untouched" {
		t.Fatalf("size %d, %v, buffer %q", n, err, buf)
	}
	if e.Properties().Durable {
		t.Fatal("null claims to be durable")
	}
	s := e.Stats()
	if s.WriteBytes != 9 || s.ReadBytes != 9 || s.SyncWrites != 1 || s.Submissions != 1 {
		t.Fatalf("%+v", s)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
