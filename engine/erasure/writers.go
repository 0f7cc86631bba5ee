package erasure

import (
	"context"

	"flashstore/engine/drive"
)

// openWriters opens a writer for a shard on each drive that is wanted, by position. A drive that
// refuses, or hangs, has none, and its error in faults.
func (s *set) openWriters(ctx context.Context, wanted []bool,
	shardBytes int64) (writers []drive.ShardWriter, faults []error) {
	writers, faults = make([]drive.ShardWriter, s.n), make([]error, s.n)
	type opened struct {
		writer drive.ShardWriter
		err    error
	}
	made := make([]chan opened, s.n)
	var asked []int
	for i, w := range wanted {
		switch {
		case !w:
		case s.patience.hangs(i):
			faults[i] = errHangs
		default:
			asked, made[i] = append(asked, i), make(chan opened, 1)
		}
	}
	together(&s.patience, asked, s.patience.hangAfter, func(i int) (o opened) {
		o.writer, o.err = s.drive(i).Create(ctx, shardBytes)
		made[i] <- o
		return o
	}, func(i int, o opened) {
		if faults[i] = o.err; o.err == nil {
			writers[i] = o.writer
		}
	}, func(i int) {
		faults[i] = errHangs
		go func() { // nobody writes to it any more
			if o := <-made[i]; o.err == nil {
				o.writer.Abort()
			}
		}()
	})
	return writers, faults
}

// sealWriters waits for what was written, and returns the references to the shards. A writer that
// failed, or hangs, is taken out and given up, with its error in faults.
func (s *set) sealWriters(writers []drive.ShardWriter) (refs []drive.BulkRef, faults []error) {
	refs, faults = make([]drive.BulkRef, s.n), make([]error, s.n)
	type sealed struct {
		ref drive.BulkRef
		err error
	}
	tried := make([]chan struct{}, s.n)
	var open []int
	for i, w := range writers {
		if w != nil {
			open, tried[i] = append(open, i), make(chan struct{})
		}
	}
	giveUp := func(i int, err error) {
		w := writers[i]
		writers[i], faults[i] = nil, err
		go func() { // a shard that is being sealed is not aborted
			<-tried[i]
			w.Abort()
		}()
	}
	all := append([]drive.ShardWriter(nil), writers...)
	together(&s.patience, open, s.patience.hangAfter, func(i int) (r sealed) {
		defer close(tried[i])
		r.ref, r.err = all[i].Seal()
		return r
	}, func(i int, r sealed) {
		if refs[i] = r.ref; r.err != nil {
			giveUp(i, r.err)
		}
	}, func(i int) { giveUp(i, errHangs) })
	return refs, faults
}

// abortAll gives up what writers have written.
func abortAll(writers []drive.ShardWriter) {
	for _, w := range writers {
		if w != nil {
			w.Abort()
		}
	}
}
