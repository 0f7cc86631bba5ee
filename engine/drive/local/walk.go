package local

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive"
	"flashstore/ioengine"
)

// Registers are those of a drive that no process uses, for reading.
type Registers struct {
	drive *Drive
}

// OpenRegisters opens the registers of the drive in path, and keeps other processes from it until
// Close. Like a start, it brings the index up to the end of the log; it writes nothing else.
// Errors: those of Open; a damaged index is drive.ErrCorrupt, it is not made anew.
func OpenRegisters(e ioengine.Engine, path string) (*Registers, error) {
	format, err := readFormat(e, path)
	if err != nil {
		return nil, err
	}
	held, err := lock(e.Files(), path)
	if err != nil {
		return nil, err
	}
	d := newDrive(Config{Path: path, Engine: e}.withDefaults(), format.Identity, held)
	if err := d.openRegisters(&format); err != nil {
		return nil, errors.Join(err, d.closeFiles())
	}
	return &Registers{d}, nil
}

func (d *Drive) openRegisters(format *formatFile) error {
	d.forgot.Store(format.Forgot)
	fresh, segments, err := d.openLog(format)
	if err != nil {
		return err
	}
	if err := d.loadMachine(fresh); err != nil {
		return fmt.Errorf("%w: flashstore check --rebuild-index makes it anew", err)
	}
	_, err = replay(d.machine, d.log, segments, nil)
	return err
}

// Forgot is the highest term whose tombstones the drive may have forgotten, 0 if none.
func (r *Registers) Forgot() uint64 { return r.drive.forgot.Load() }

// All yields the registers whose key begins as prefix does, or all if it is nil, in the order of
// space, bucket and name. Registers without entries are left out. What is yielded belongs to the
// caller. An error is the last thing yielded.
func (r *Registers) All(prefix *drive.Key) iter.Seq2[*drive.Register, error] {
	o := &pebble.IterOptions{UpperBound: []byte{firstOwnSpace}}
	if prefix != nil {
		o.LowerBound = appendRowKey(nil, prefix)
		o.UpperBound = prefixEnd(o.LowerBound)
	}
	return func(yield func(*drive.Register, error) bool) {
		ended := errors.New("the caller has seen enough")
		err := r.drive.machine.index.rows(o, func(row, value []byte) error {
			key, err := parseRowKey(row)
			if err != nil {
				return err
			}
			state, _, err := decodeState(nil, &key, slices.Clone(value))
			if err != nil {
				return fmt.Errorf("%w: index row %x of %s: %w", drive.ErrCorrupt, row,
					r.drive.config.Path, err)
			}
			if len(state.Entries) > 0 && !yield(&drive.Register{Key: key, State: state}, nil) {
				return ended
			}
			return nil
		})
		if err != nil && !errors.Is(err, ended) {
			yield(nil, err)
		}
	}
}

// Close lets other processes have the drive again.
func (r *Registers) Close() error { return r.drive.closeFiles() }
