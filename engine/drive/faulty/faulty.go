package faulty

import (
	"context"
	"errors"
	"sync"
	"time"

	"flashstore/engine/drive"
)

// Config says what to wrap.
type Config struct {
	Drive drive.Drive
	Rules []Rule
	// Sleep waits for a Delay; default time.Sleep.
	Sleep func(time.Duration)
}

// Validate reports what is wrong with c.
func (c *Config) Validate() error {
	if c.Drive == nil {
		return errors.New("faulty: no drive to wrap")
	}
	for _, r := range c.Rules {
		if r.Op >= opCount || r.Skip < 0 || r.Times < 0 || r.Delay < 0 {
			return errors.New("faulty: a rule with an unknown call or a negative figure")
		}
	}
	return nil
}

// Drive is a drive with faults. Its methods may be called concurrently.
type Drive struct {
	drive.Drive
	script script
	sleep  func(time.Duration)
	late   sync.WaitGroup // goroutines of delayed commits and writes
}

var (
	_ drive.Drive  = (*Drive)(nil)
	_ drive.Pinner = (*Drive)(nil)
)

// New wraps c.Drive.
func New(c Config) (*Drive, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Sleep == nil {
		c.Sleep = time.Sleep
	}
	d := &Drive{Drive: c.Drive, sleep: c.Sleep}
	d.script.release = make(chan struct{})
	d.script.set(c.Rules)
	return d, nil
}

// Set replaces the rules and starts their counts anew.
func (d *Drive) Set(rules ...Rule) { d.script.set(rules) }

// Release lets hung calls go on.
func (d *Drive) Release() { d.script.goOn() }

// Calls returns how many calls of a kind there were.
func (d *Drive) Calls(op Op) int {
	d.script.mu.Lock()
	defer d.script.mu.Unlock()
	return d.script.calls[op]
}

// Close lets hung calls go on, waits for them and closes the wrapped drive.
func (d *Drive) Close() error {
	d.script.set(nil)
	d.Release()
	d.late.Wait()
	return d.Drive.Close()
}

// Pin passes on to the wrapped drive, if it pins.
func (d *Drive) Pin() (unpin func()) {
	if p, ok := d.Drive.(drive.Pinner); ok {
		return p.Pin()
	}
	return func() {}
}

// wait lets a rule's time pass. hang was taken when the call was decided, so that a Release
// right after is not missed.
func (d *Drive) wait(r *Rule, hang <-chan struct{}) {
	if r.Delay > 0 {
		d.sleep(r.Delay)
	}
	if r.Hang {
		<-hang
	}
}

// call runs f under the rule for it, if any.
func (d *Drive) call(op Op, key drive.Key, f func() error) error {
	hang := d.script.hung()
	r := d.script.decide(op, key, 0)
	if r == nil {
		return f()
	}
	var err error
	if r.After {
		err = f()
	}
	d.wait(r, hang)
	switch {
	case r.Err != nil:
		return r.Err
	case r.After:
		return err
	}
	return f()
}

// start is call for what answers through done: it returns at once.
func (d *Drive) start(op Op, key drive.Key, kind drive.Type, done func(error),
	f func(done func(error))) {
	hang := d.script.hung()
	r := d.script.decide(op, key, kind)
	switch {
	case r == nil:
		f(done)
	case r.After:
		d.late.Add(1)
		f(func(err error) {
			go func() { // done must not block
				defer d.late.Done()
				d.wait(r, hang)
				if r.Err != nil {
					err = r.Err
				}
				answer(done, err)
			}()
		})
	default:
		d.late.Go(func() {
			d.wait(r, hang)
			if r.Err != nil {
				answer(done, r.Err)
				return
			}
			f(done)
		})
	}
}

func answer(done func(error), err error) {
	if done != nil {
		done(err)
	}
}

// Commit is drive.Drive's.
func (d *Drive) Commit(r *drive.Record, done func(error)) {
	d.start(Commit, r.Key, r.Type, done, func(done func(error)) { d.Drive.Commit(r, done) })
}

// Lookup is drive.Drive's. One that must not wait is drive.ErrWouldBlock where a rule would make
// it.
func (d *Drive) Lookup(ctx context.Context, key drive.Key, opt drive.LookupOptions) (
	s drive.State, err error) {
	if opt.NoWait && d.script.waits(Lookup, key) {
		return s, drive.ErrWouldBlock
	}
	err = d.call(Lookup, key, func() error {
		s, err = d.Drive.Lookup(ctx, key, opt)
		return err
	})
	if err != nil {
		s = drive.State{}
	}
	return s, err
}

// Read is drive.Drive's.
func (d *Drive) Read(ctx context.Context, e *drive.Entry, dst [][]byte, offsetBytes int64) error {
	return d.call(Read, e.Key, func() error { return d.Drive.Read(ctx, e, dst, offsetBytes) })
}

// Scan is drive.Drive's.
func (d *Drive) Scan(ctx context.Context, q drive.ScanQuery) (p drive.ScanPage, err error) {
	err = d.call(Scan, drive.Key{}, func() error {
		p, err = d.Drive.Scan(ctx, q)
		return err
	})
	if err != nil {
		p = drive.ScanPage{}
	}
	return p, err
}

// Create is drive.Drive's. A writer whose answer gets lost is aborted.
func (d *Drive) Create(ctx context.Context, shardBytes int64) (drive.ShardWriter, error) {
	var w drive.ShardWriter
	err := d.call(Create, drive.Key{}, func() (err error) {
		w, err = d.Drive.Create(ctx, shardBytes)
		return err
	})
	if err != nil {
		if w != nil {
			w.Abort()
		}
		return nil, err
	}
	return &writer{ShardWriter: w, drive: d}, nil
}

// writer is a ShardWriter with faults.
type writer struct {
	drive.ShardWriter
	drive *Drive
}

// Write is drive.ShardWriter's. A write is delayed in its answer only, because the order of
// writes is their place in the shard; with Err and not After it is not done at all.
func (w *writer) Write(bufs [][]byte, done func(error)) {
	d := w.drive
	hang := d.script.hung()
	r := d.script.decide(Write, drive.Key{}, 0)
	if r == nil {
		w.ShardWriter.Write(bufs, done)
		return
	}
	d.late.Add(1)
	late := func(err error) {
		go func() {
			defer d.late.Done()
			d.wait(r, hang)
			if r.Err != nil {
				err = r.Err
			}
			answer(done, err)
		}()
	}
	if r.Err != nil && !r.After {
		late(r.Err)
		return
	}
	w.ShardWriter.Write(bufs, late)
}

// Seal is drive.ShardWriter's.
func (w *writer) Seal() (ref drive.BulkRef, err error) {
	err = w.drive.call(Seal, drive.Key{}, func() error {
		ref, err = w.ShardWriter.Seal()
		return err
	})
	if err != nil {
		ref = nil
	}
	return ref, err
}
