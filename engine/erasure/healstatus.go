package erasure

import (
	"context"
	"fmt"
	"time"

	"flashstore/engine/drive"
)

// HealStatus is how the healing of one set stands.
type HealStatus struct {
	// Whole: every drive is there and complete, and nothing is known to be short or undecided, by a
	// pass that went through all registers or since the set was made.
	Whole bool
	// Short are registers that are known not to be on every drive, at least; ShortMore: there are
	// others, which the next pass counts. Undecided are those of the last pass.
	Short     uint64
	ShortMore bool
	Undecided uint64
	// Incomplete are drives that are away, or whose "not here" does not count yet.
	Incomplete []int

	// Pass is the number of the last one that began; it runs or has ended.
	Pass    uint64
	Running bool
	Scrub   bool // the pass reads every shard
	// Registers that it has seen, of about Total; 0: nobody has counted them yet.
	Registers, Total uint64
	// Left is how long the pass takes yet, 0 if nobody knows.
	Left            time.Duration
	Ended, Scrubbed time.Time // of the last whole pass, and of the last that read every shard
	Error           string    // why the last pass did not get through

	// Since the store was made.
	Healed uint64 // registers of which a drive was given its copy
	Bytes  int64  // of shards and metadata, written
}

// Coverage is the share of registers that the present pass has seen, 1 where all were seen by the
// last one and none runs.
func (h *HealStatus) Coverage() float64 {
	switch {
	case !h.Running && h.Error == "" && !h.Ended.IsZero():
		return 1
	case h.Total == 0:
		return 0
	}
	return min(float64(h.Registers)/float64(h.Total), 1)
}

// Healing returns how the healing of each set stands.
func (s *Store) Healing() []HealStatus {
	all := make([]HealStatus, len(s.healers))
	for i, h := range s.healers {
		all[i] = h.status()
	}
	return all
}

// Heal begins a pass over all registers of every set, behind one that runs; with scrub it reads
// every shard. It returns the number of each set's pass, for Healed.
func (s *Store) Heal(scrub bool) []uint64 {
	all := make([]uint64, len(s.healers))
	for i, h := range s.healers {
		all[i] = h.request(scrub)
	}
	return all
}

// Healed waits until the passes of Heal have ended, in whatever way.
func (s *Store) Healed(ctx context.Context, passes []uint64) error {
	for i, h := range s.healers {
		if err := h.wait(ctx, passes[i]); err != nil {
			return fmt.Errorf("waiting for pass %d of set %d: %w", passes[i], i, err)
		}
	}
	return nil
}

// request orders a pass, and returns the number it will have.
func (h *healer) request(scrub bool) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repairs.again()
	h.scrubNext, h.anew = h.scrubNext || scrub, true
	h.order()
	return h.state.Pass + 1
}

// wait returns when a pass of that number, or a later one, has ended.
func (h *healer) wait(ctx context.Context, pass uint64) error {
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.ended.Broadcast()
	})
	defer stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for ctx.Err() == nil && (h.state.Pass < pass || h.pass.is(pass) || h.aside.is(pass)) {
		h.ended.Wait()
	}
	return ctx.Err()
}

// is reports whether p, which may be nil, began as the pass of a number.
func (p *passState) is(number uint64) bool { return p != nil && p.number == number }

func (h *healer) status() HealStatus {
	listed, more := h.repairs.count()
	h.mu.Lock()
	defer h.mu.Unlock()
	st := &h.state
	s := HealStatus{Short: uint64(listed), ShortMore: more, Undecided: st.Undecided,
		Incomplete: h.set.incomplete(), Pass: st.Pass, Registers: st.Registers,
		Total: st.Registers, Ended: st.Ended, Scrubbed: st.Scrubbed, Error: st.Error,
		Healed: st.Healed, Bytes: st.Bytes}
	s.Whole = st.Whole && st.Error == "" && listed == 0 && !more && len(s.Incomplete) == 0
	if p := h.pass; p != nil {
		s.Running, s.Scrub, s.Registers = true, p.verify, p.registers
		if seen := p.registers - p.resumed; seen > 0 && s.Total > p.registers {
			s.Left = time.Duration(float64(time.Since(p.began)) / float64(seen) *
				float64(s.Total-p.registers))
		}
	}
	return s
}

// incomplete lists the drives that are away, take no writes, or are not complete.
func (s *set) incomplete() (positions []int) {
	for i := range s.slots {
		if d := s.drive(i); !s.usable(i) || d.Info().CompleteFrom != (drive.Order{}) {
			positions = append(positions, i)
		}
	}
	return positions
}
