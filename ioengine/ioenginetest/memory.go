package ioenginetest

import (
	"bytes"
	"testing"

	"flashstore/ioengine"
)

// registeredMemory uses memory the engine was told of, on its own, in vectors, and together
// with memory it does not know.
func registeredMemory(t *testing.T, e ioengine.Engine) {
	registrar, ok := e.(ioengine.BufferRegistrar)
	if !ok {
		return
	}
	const size = 1 << 20
	first, second := mapped(t, size), mapped(t, size)
	releases := []func(){
		registrar.RegisterBuffers(first), registrar.RegisterBuffers(second),
		registrar.RegisterBuffers(nil),
	}
	t.Log(e.Properties().Detail)
	stranger := aligned(16 << 10)
	for _, direct := range []bool{true, false} {
		f := openNew(t, e, direct)
		for name, bufs := range map[string][][]byte{
			"one":             {first[4<<10 : 20<<10]},
			"the last":        {second[size-4<<10:]},
			"all of it":       {first},
			"a vector":        {first[:4<<10], first[64<<10 : 80<<10], first[8<<10 : 12<<10]},
			"two regions":     {first[:4<<10], second[:8<<10]},
			"with a stranger": {first[:4<<10], stranger, first[16<<10 : 32<<10]},
			"more than a request": {first[:300<<10], first[512<<10 : 812<<10],
				first[300<<10 : 400<<10]},
		} {
			throughMemory(t, e, f, name, bufs)
		}
	}
	for _, release := range releases {
		release()
		release()
	}
	throughMemory(t, e, openNew(t, e, true), "after the release", [][]byte{first[:8<<10]})
}

// throughMemory writes bufs and reads them back, into the same buffers and into others.
func throughMemory(t *testing.T, e ioengine.Engine, f ioengine.File, name string, bufs [][]byte) {
	t.Helper()
	for i, b := range bufs {
		pattern(b, uint64(i)+77)
	}
	want := bytes.Join(bufs, nil)
	op := writeOp(f, 12<<10, bufs...)
	op.DSync = true
	run(t, e, op)
	got := aligned(len(want))
	run(t, e, readOp(f, 12<<10, got))
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: other bytes were written", name)
	}
	for _, b := range bufs {
		clear(b)
	}
	run(t, e, readOp(f, 12<<10, bufs...))
	if !bytes.Equal(bytes.Join(bufs, nil), want) {
		t.Fatalf("%s: other bytes came back", name)
	}
}
