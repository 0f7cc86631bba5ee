//go:build linux && (amd64 || arm64)

package uring

import (
	"bytes"
	"errors"
	"os"

	"flashstore/ioengine"
)

// probe writes, syncs and reads a file through the rings, direct where the file system can:
// a kernel may offer rings and yet refuse the operations (seccomp, restrictions).
func probe(e *Engine, dir string) (err error) {
	temporary, err := os.CreateTemp(dir, ".uring-probe-*")
	if err != nil {
		return err
	}
	path := temporary.Name()
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	if err := temporary.Close(); err != nil {
		return err
	}
	f, err := e.files.Open(path, ioengine.OpenFlags{Write: true, Direct: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	block := alignedBlock()
	want := bytes.Repeat([]byte("uring"), len(block)/5+1)[:len(block)]
	for range e.rings { // Submit takes the rings in turn
		copy(block, want)
		if err := probeRing(e, f, block); err != nil {
			return err
		}
		if !bytes.Equal(block, want) {
			return errors.New("other bytes came back")
		}
	}
	return nil
}

func probeRing(e *Engine, f ioengine.File, block []byte) error {
	op := ioengine.Op{Kind: ioengine.Write, File: f, Bufs: [][]byte{block}, DSync: true}
	if err := ioengine.Run(e, ioengine.Foreground, op); err != nil {
		return err
	}
	op.Kind, op.DSync = ioengine.DataSync, false
	if err := ioengine.Run(e, ioengine.Foreground, op); err != nil {
		return err
	}
	clear(block)
	op.Kind = ioengine.Read
	return ioengine.Run(e, ioengine.Foreground, op)
}

func alignedBlock() []byte {
	raw := make([]byte, 2*ioengine.AlignBytes)
	skip := -int(address(raw)) & (ioengine.AlignBytes - 1)
	return raw[skip : skip+ioengine.AlignBytes]
}
