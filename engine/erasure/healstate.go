package erasure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"flashstore/engine/drive"
)

// healState is the document of a set's healing, and what is known of it now.
type healState struct {
	Pass      uint64    `json:"pass"` // number of the last one that began
	Ended     time.Time `json:"ended"`
	Registers uint64    `json:"registers"` // that the last whole pass met
	Short     uint64    `json:"short"`
	Undecided uint64    `json:"undecided"`
	Whole     bool      `json:"whole"` // the last pass left nothing short or undecided
	Scrubbed  time.Time `json:"scrubbed"`
	// Open is the pass under way, for whoever goes on with it.
	Open *openPass `json:"open,omitempty"`
	// Repairs are registers that are short; More: there are others.
	Repairs []listedRepair `json:"repairs,omitempty"`
	More    bool           `json:"more,omitempty"`
	// Stopped: the store was stopped in order, so that Repairs are all of that time. Clean: and
	// nothing was short then.
	Stopped bool `json:"stopped"`
	Clean   bool `json:"clean"`

	// Of this process.
	Healed uint64 `json:"-"`
	Bytes  int64  `json:"-"`
	Error  string `json:"-"`
}

// openPass is a pass that is not at its end.
type openPass struct {
	Verify    bool           `json:"verify"`
	Space     drive.Space    `json:"space"`
	Bucket    drive.BucketID `json:"bucket"`
	Name      []byte         `json:"name"`
	Registers uint64         `json:"registers"`
	Short     uint64         `json:"short"`
	Undecided uint64         `json:"undecided"`
	Lacking   uint32         `json:"lacking"`
	Drives    []openDrive    `json:"drives"`
}

// openDrive is a drive that the pass makes complete.
type openDrive struct {
	Position int         `json:"position"`
	ID       string      `json:"id"`
	Mark     drive.Order `json:"mark"`
}

// listedRepair is a register of the list. Names are bytes, not text.
type listedRepair struct {
	Space  drive.Space    `json:"space"`
	Bucket drive.BucketID `json:"bucket"`
	Name   []byte         `json:"name"`
	Verify bool           `json:"verify,omitempty"`
}

func (o *openPass) at() place { return place{o.Space, o.Bucket, string(o.Name)} }

// matches reports whether a pass with these drives to be made complete goes on where o ended.
func (o *openPass) matches(all []candidate) bool {
	return slices.EqualFunc(o.Drives, all, func(d openDrive, c candidate) bool {
		return d == openDrive{c.position, c.id, c.mark}
	})
}

// open is p for the document.
func (p *passState) open() *openPass {
	o := &openPass{Verify: p.verify, Space: p.at.Space, Bucket: p.at.Bucket,
		Name: []byte(p.at.Name), Registers: p.registers, Short: p.short, Undecided: p.undecided,
		Lacking: p.lacking}
	for _, c := range p.candidate {
		o.Drives = append(o.Drives, openDrive{c.position, c.id, c.mark})
	}
	return o
}

// healKey is the register of a set's healing.
func healKey(number int) drive.Key {
	return drive.Key{Space: drive.SpaceDocument, Name: fmt.Sprint("heal/", number)}
}

// load reads the document, and reports whether a pass is due: unless the last process stopped in
// order, all whole, and all drives were part of it.
func (h *healer) load(ctx context.Context) (due bool) {
	w, err := h.set.stateOf(ctx, healKey(h.set.number))
	if err == nil && w != nil {
		h.mu.Lock()
		err = json.Unmarshal(w.sample.Meta, &h.state)
		h.mu.Unlock()
	}
	if err != nil || w == nil {
		if err != nil {
			h.set.log.Warn("the state of healing cannot be read, it begins anew", "set",
				h.set.number, "error", err)
		}
		h.mu.Lock()
		h.state.Scrubbed = h.store.cfg.Now().UTC() // the first scrub is a period away
		h.mu.Unlock()
		return h.set.hadData
	}
	for _, r := range h.state.Repairs {
		h.repairs.add(drive.Key{Space: r.Space, Bucket: r.Bucket, Name: string(r.Name)}, r.Verify)
	}
	h.mu.Lock()
	if !h.state.Stopped { // what was found short behind the place of a pass may not be listed
		h.state.Open = nil
	}
	h.mu.Unlock()
	due = !h.state.Clean || h.state.More || h.state.Open != nil || h.set.lagged ||
		len(h.set.candidates()) > 0
	h.mu.Lock()
	h.state.Whole = h.state.Whole && !due
	stopped := h.state.Stopped
	h.mu.Unlock()
	if stopped { // until the next stop
		h.save(ctx, false)
	}
	return due
}

// save writes the document, if the set takes writes.
func (h *healer) save(ctx context.Context, clean bool) {
	if !h.set.hasWriteQuorum() {
		return
	}
	keys, more := h.repairs.snapshot()
	h.mu.Lock()
	state := h.state
	if h.pass != nil {
		state.Open = h.pass.open()
	}
	h.mu.Unlock()
	state.Repairs, state.More = nil, more
	for k, r := range keys {
		state.Repairs = append(state.Repairs, listedRepair{k.Space, k.Bucket, []byte(k.Name),
			r.verify})
	}
	state.Stopped = clean
	state.Clean = clean && len(keys) == 0 && !more && state.Whole && state.Open == nil &&
		h.set.online() == h.set.n
	meta, err := json.Marshal(&state)
	if err == nil {
		err = h.write(ctx, meta)
	}
	if err != nil && ctx.Err() == nil {
		h.set.log.Warn("the state of healing cannot be saved", "set", h.set.number, "error", err)
	}
}

func (h *healer) write(ctx context.Context, meta []byte) error {
	key := healKey(h.set.number)
	grant, err := h.set.lock(ctx, key)
	if err != nil {
		return err
	}
	defer grant.Release()
	return h.set.publishWhole(&drive.Record{Type: drive.TypeDocument, Key: key, Meta: meta,
		ModTimeNanos: h.store.now().UnixNano()}, grant)
}
