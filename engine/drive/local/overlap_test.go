package local_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
)

// heldLog holds back every batch of the log that reaches the device, while it is told to, so that
// what is committed meanwhile is planned upon it.
type heldLog struct {
	ioengine.Engine
	hold  atomic.Bool
	held  chan *heldBatch
	heard chan struct{} // something was answered

	mu      sync.Mutex
	last    *heldBatch
	answers map[said]int // to commits: how many operations the disk had done then; 0: none yet
}

// heldBatch is a batch of the log on its way.
type heldBatch struct {
	batch    *ioengine.Batch
	segment  uint64
	end      int64 // its offset in the segment
	says     []said
	overlaps bool // when it was sealed the one ahead of it was not shown, nor answered
}

// said names a record as the log has it.
type said struct {
	drive.Type
	drive.WriteID
}

func newHeldLog(e ioengine.Engine) *heldLog {
	return &heldLog{Engine: e, held: make(chan *heldBatch, 4), heard: make(chan struct{}, 1),
		answers: make(map[said]int)}
}

// Submit runs on the goroutine that answers commits, so none is answered meanwhile.
func (e *heldLog) Submit(b *ioengine.Batch) {
	o := &b.Ops[0]
	if !e.hold.Load() || o.Kind != ioengine.Write || !o.DSync || string(o.Bufs[0][:8]) != "FSLOGB01" {
		e.Engine.Submit(b)
		return
	}
	h := parseHeld(b)
	e.mu.Lock()
	h.overlaps = e.last != nil && e.answered(e.last) == 0
	e.last = h
	e.mu.Unlock()
	e.held <- h
}

// parseHeld reads a batch with the page in ARCHITECTURE.md.
func parseHeld(b *ioengine.Batch) *heldBatch {
	text, le := b.Ops[0].Bufs[0], binary.LittleEndian
	h := &heldBatch{batch: b, segment: le.Uint64(text[40:]),
		end: b.Ops[0].OffsetBytes + int64(len(text))}
	at := text[128:]
	for range le.Uint32(text[28:]) {
		if s := (said{drive.Type(at[4]), drive.WriteID(at[88:])}); s.Type <= drive.TypeDiscard {
			h.says = append(h.says, s)
		}
		at = at[le.Uint32(at):]
	}
	return h
}

// answered is how many operations the disk had done when the last commit of a batch was answered;
// 0: one waits.
func (e *heldLog) answered(h *heldBatch) (ops int) {
	for _, s := range h.says {
		n, ours := e.answers[s]
		if ours && n == 0 {
			return 0
		}
		ops = max(ops, n)
	}
	return ops
}

// answer notes the answer to a commit; with 0 operations that it was begun.
func (e *heldLog) answer(r *drive.Record, ops int) {
	e.mu.Lock()
	e.answers[said{r.Type, r.WriteID}] = ops
	e.mu.Unlock()
	select {
	case e.heard <- struct{}{}:
	default:
	}
}

// state is answered, and whether no commit waits.
func (e *heldLog) state(h *heldBatch) (ops int, over bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	over = true
	for _, n := range e.answers {
		over = over && n > 0
	}
	return e.answered(h), over
}

// overlap is a drive each batch of which is planned while the one ahead of it is in flight.
type overlap struct {
	*simulated
	log      *heldLog
	flying   *heldBatch      // held back, or nil
	open     []*drive.Record // written by the wave before, to be settled by the next one
	ids      []drive.Key     // of uploads
	doomed   *drive.Record   // a write that is to be discarded
	written  map[said]*drive.Record
	settled  map[drive.Key]drive.Order // highest that the log has
	overlaps int
	switches int // of the log segment
}

// tablesIn is how long a flush of the index may take on a slow machine.
const tablesIn = 10 * time.Second

// overlapping is a flow of commits of several goroutines at once; see overlap.
func overlapping() flow {
	return flow{name: "overlapping", config: func(c *local.Config) {
		smallMemtables(c)
		c.Engine = newHeldLog(c.Engine)
	}, prepare: func(s *simulated) {
		s.compaction = local.HoldCompaction(s.drive) // its batches answer nobody
		for n := range 5 {
			s.settleNow(s.put(fmt.Sprint("a", n%3), 60_000))
		}
		s.settleNow(s.bulk("b1", 70_000))
	}, act: func(s *simulated) {
		const waves = 11
		o := &overlap{simulated: s, log: s.config.Engine.(*heldLog),
			written: make(map[said]*drive.Record), settled: make(map[drive.Key]drive.Order)}
		o.log.hold.Store(true)
		defer s.compaction()
		defer o.release()
		from := s.disk.Ops()
		for n := range waves {
			o.commitAll(o.wave(n))
			o.fly()
		}
		for o.flying != nil {
			o.fly()
		}
		tables := o.tables(from)
		for end := time.Now().Add(tablesIn); tables == 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond) // one is on its way: the index is flushed in the background
			tables = o.tables(from)
		}
		s.t.Logf("%d batches of %d waves overlapped, %d new log segments, %d tables of the index",
			o.overlaps, waves, o.switches, tables)
		if o.overlaps < waves-3 || o.switches == 0 || tables == 0 {
			s.t.Error("that is not what this flow is for")
		}
	}}
}

// tables counts those of the index that were begun since an operation.
func (o *overlap) tables(since int) (count int) {
	for n := since + 1; n <= o.disk.Ops(); n++ {
		if what := o.disk.Describe(n); strings.Contains(what, ": create of") &&
			strings.HasSuffix(what, ".sst") {
			count++
		}
	}
	return count
}

// release ends the holding, also where the test failed.
func (o *overlap) release() {
	o.log.hold.Store(false)
	if o.flying != nil {
		o.log.Engine.Submit(o.flying.batch)
	}
	for len(o.log.held) > 0 {
		o.log.Engine.Submit((<-o.log.held).batch)
	}
}

// settle is about a write that need not be acknowledged here: those of other drives were enough.
func (o *overlap) settle(r *drive.Record) *drive.Record {
	return &drive.Record{Type: drive.TypeSettle, Key: r.Key, Order: r.Order,
		Token: drive.Order{Term: o.term, Sequence: o.next}, WriteID: r.WriteID}
}

// wave is what is committed together: each list by a goroutine, in order. Much of it is about
// writes of the wave before, which are in flight.
func (o *overlap) wave(n int) (lists [][]*drive.Record) {
	for _, r := range o.open {
		lists = append(lists, []*drive.Record{o.settle(r)})
	}
	long := o.put(fmt.Sprint("a", n%3), 30_000)
	long.Meta = shardOf(o.next, 12_000)
	short, large := o.put(long.Key.Name, 100), o.bulk(fmt.Sprint("b", n%2), 70_000)
	o.open = []*drive.Record{short, large}
	lists = append(lists, []*drive.Record{long}, []*drive.Record{short}, []*drive.Record{large})
	if n%3 == 1 {
		lists = append(lists, []*drive.Record{o.put("d", 50), o.settle(long)})
	}
	if n%4 == 3 {
		purge := o.record(drive.TypePurge, o.put(fmt.Sprint("b", (n+1)%2), 0).Key)
		lists = append(lists, []*drive.Record{purge, o.settle(purge)})
	}
	return append(lists, o.steps(n)...)
}

// steps are what a wave has of an upload that is aborted, of one that is completed, and of a write
// that is discarded: each step while the one before is in flight.
func (o *overlap) steps(n int) [][]*drive.Record {
	switch n {
	case 1, 5:
		r := o.record(drive.TypeDocument, drive.Key{Space: drive.SpaceUpload,
			Bucket: drive.BucketID{7}, Name: fmt.Sprintf("m\x00upload-%09d", o.next)})
		r.Meta = []byte("upload")
		o.ids = append(o.ids, r.Key)
		return [][]*drive.Record{{r, o.settle(r)}}
	case 2, 6:
		parts := []*drive.Record{o.part(o.id(), 1, 5000), o.part(o.id(), 2, 150_000)}
		o.open = append(o.open, parts...)
		return [][]*drive.Record{parts[:1], parts[1:]}
	case 3:
		again, late := o.part(o.id(), 1, 6000), o.part(o.id(), 4, 500)
		o.open = append(o.open, again) // nothing but the abort will touch the other one
		o.doomed = o.put("e", 700)
		return [][]*drive.Record{{again}, {late}, {o.doomed}}
	case 4:
		discard := o.record(drive.TypeDiscard, o.doomed.Key)
		discard.Order, discard.WriteID = o.doomed.Order, o.doomed.WriteID
		purge := o.record(drive.TypePurge, o.ids[0])
		// A part dies in the batch that brings it, others in flight.
		return [][]*drive.Record{{o.part(o.id(), 3, 500), purge, o.settle(purge)}, {discard}}
	case 7:
		manifest := o.record(drive.TypeManifest, o.put("m", 0).Key)
		manifest.Meta = []byte(o.id() + "names its parts")
		done := o.record(drive.TypePurge, o.ids[1])
		done.Meta = []byte("C")
		return [][]*drive.Record{{manifest, o.settle(manifest)}, {done, o.settle(done)}}
	case 8:
		over := o.put("m", 10) // the parts go with the manifest
		o.open = append(o.open, over)
		return [][]*drive.Record{{over}}
	}
	return nil
}

// id is that of the newest upload.
func (o *overlap) id() string {
	name := o.ids[len(o.ids)-1].Name
	return name[strings.IndexByte(name, 0)+1:]
}

// commitAll lets goroutines commit a wave, and returns when all of it is planned, if it can be
// while a batch is in flight.
func (o *overlap) commitAll(lists [][]*drive.Record) {
	var wg sync.WaitGroup
	for _, list := range lists {
		for _, r := range list {
			o.written[said{r.Type, r.WriteID}] = r
			o.log.answer(r, 0)
		}
		wg.Go(func() {
			for _, r := range list {
				o.drive.Commit(r, func(err error) { o.answer(r, err) })
			}
		})
	}
	wg.Wait()
	if o.flying == nil || !o.room() {
		return
	}
	// This one is refused when it is planned, so all before it are; it takes the way of bulk shards.
	last := o.put("refused", 0)
	last.Token, last.Bulk, last.ShardBytes = drive.Order{}, drive.BulkRef{0}, 1
	if err := commit(o.drive, last); !errors.Is(err, drive.ErrStaleTerm) {
		o.t.Errorf("a commit of an old term: %v", err)
	}
}

// room: the batch behind the one in flight goes into the same segment.
func (o *overlap) room() bool { return o.flying.end+512<<10 <= o.config.LogSegmentBytes }

func (o *overlap) answer(r *drive.Record, err error) {
	if err != nil {
		o.t.Errorf("type %d of %q: %v", r.Type, r.Key.Name, err)
	}
	o.log.answer(r, o.disk.Ops())
}

// fly lets the batch in flight reach the device, and waits until it is answered and the next one,
// if any, is in flight: then the drive shows what the first one brought, and nothing of the second.
func (o *overlap) fly() {
	flown := o.flying
	if o.flying = nil; flown == nil {
		o.flying = <-o.log.held
		return
	}
	m := mark{begun: o.disk.Ops()}
	o.log.Engine.Submit(flown.batch)
	for {
		acked, over := o.log.state(flown)
		if m.acked = acked; acked > 0 && (over || o.flying != nil) {
			break
		}
		held := o.log.held
		if o.flying != nil {
			held = nil
		}
		select {
		case o.flying = <-held:
		case <-o.log.heard:
		}
	}
	m.state = contents(o.t, o.drive)
	o.marks = append(o.marks, m)
	o.shows(flown)
	if o.flying != nil {
		if o.flying.overlaps {
			o.overlaps++
		}
		if o.flying.segment != flown.segment {
			o.switches++
		}
	}
}

// shows looks for what a batch wrote and nothing since has superseded.
func (o *overlap) shows(h *heldBatch) {
	for _, s := range h.says {
		if r := o.written[s]; s.Type == drive.TypeSettle && o.settled[r.Key].Less(r.Order) {
			o.settled[r.Key] = r.Order
		}
	}
	for _, s := range h.says {
		r := o.written[s]
		if s.Type != drive.TypePut || r.Order.Less(o.settled[r.Key]) {
			continue
		}
		if state, err := o.drive.Lookup(o.t.Context(), r.Key, drive.LookupOptions{}); err != nil ||
			!slices.ContainsFunc(state.Entries, func(e drive.Entry) bool {
				return e.WriteID == r.WriteID
			}) {
			o.t.Errorf("%q of order %v was acknowledged: %d others are there, %v", r.Key.Name,
				r.Order, len(state.Entries), err)
		}
	}
}
