package ioenginetest_test

import (
	"path/filepath"
	"testing"

	"flashstore/ioengine"
	"flashstore/ioengine/ioenginetest"
	"flashstore/ioengine/threadpool"
)

// TestUnsynced: what is written is read again, and the engine below is asked for no sync.
func TestUnsynced(t *testing.T) {
	pool, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := ioenginetest.Unsynced(pool)
	dir := t.TempDir()
	f, err := e.Files().Open(filepath.Join(dir, "f"), ioengine.OpenFlags{Create: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	for _, op := range []ioengine.Op{
		{Kind: ioengine.Write, File: f, Bufs: [][]byte{[]byte("hello")}, DSync: true},
		{Kind: ioengine.DataSync, File: f},
		{Kind: ioengine.Read, File: f, Bufs: [][]byte{got}},
	} {
		if err := ioengine.Run(e, ioengine.Foreground, op); err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "hello" {
		t.Errorf("read %q", got)
	}
	if s := e.Stats(); s.SyncWrites != 0 || s.PoolOps != 3 {
		t.Errorf("%+v", s)
	}
	if err := e.Files().SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := e.Files().SyncDir(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that is not there is synced")
	}
	if total, _, err := e.Files().(ioengine.SpaceReporter).Space(dir); total == 0 || err != nil {
		t.Errorf("space of %d bytes, %v", total, err)
	}
	if e.Properties().Durable {
		t.Error("it says that it makes durable")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
