package erasure

import (
	"context"
	"time"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
	"flashstore/engine/object"
)

// Tombstones are kept for so long at least. One of an upload answers a Complete that is repeated.
// That is for clients: what keeps a write of before from coming back is the term.
const (
	forgetAfter       = time.Hour
	forgetUploadAfter = 24 * time.Hour
	// termMax is how long a term lasts before a pass raises it, so that its tombstones can go.
	termMax = 24 * time.Hour
)

// mayForget reports whether a tombstone is old enough, and no drive of the set is away or healing:
// one that was away might bring back what the tombstone deletes (rule 7). In a later term the
// drives refuse whatever was on its way to them.
func (s *set) mayForget(w *write) bool {
	if w.sample.Type != drive.TypePurge || !w.settled || w.order.Term >= s.term.Load() {
		return false
	}
	least := forgetAfter
	if w.sample.Key.Space == drive.SpaceUpload {
		least = forgetUploadAfter
	}
	if s.now().Sub(time.Unix(0, w.sample.ModTimeNanos)) < least {
		return false
	}
	for i := range s.slots {
		if !s.usable(i) || !s.complete(i) {
			return false
		}
	}
	return true
}

// complete reports whether a drive's "not here" counts for all orders.
func (s *set) complete(i int) bool { return s.drive(i).Info().CompleteFrom == drive.Order{} }

// forgot lists the drives, by bit, that have nothing of a register whose newest state is the
// tombstone w, and may have forgotten it. They refuse all that was before it.
func (s *set) forgot(answers []answer, w *write) (drives uint32) {
	if w.sample.Type != drive.TypePurge || !w.settled {
		return 0
	}
	for i := range answers {
		if answers[i].answered && len(answers[i].state.Entries) == 0 && s.usable(i) &&
			s.complete(i) && s.drive(i).Info().Forgot >= w.order.Term {
			drives |= 1 << i
		}
	}
	return drives
}

// forget has all drives drop a tombstone, if it may and each of them holds it settled, alone, or
// has dropped it. Where that fails, the next pass tries again. The caller holds the register's
// lock.
func (s *set) forget(ctx context.Context, w *write, grant lock.Grant) {
	if !s.mayForget(w) {
		return
	}
	if w.sample.Key.Space == drive.SpaceHead && !s.deletionOver(ctx, w, grant) {
		return
	}
	answers := make([]answer, s.n)
	s.ask(ctx, w.sample.Key, s.unanswered(answers), answers, drive.LookupOptions{})
	forgot := s.forgot(answers, w)
	for i := range answers {
		has := answers[i].state.Entries
		if forgot>>i&1 == 0 && (len(has) != 1 || has[0].WriteID != w.id || !has[0].Settled) {
			return
		}
	}
	r := &drive.Record{Type: drive.TypeForget, Key: w.sample.Key, Version: w.sample.Version,
		Order: w.order, Token: s.token(grant), WriteID: w.id, Meta: w.sample.Meta}
	if err := s.everyDrive(r); err != nil {
		s.log.Info("a tombstone is not forgotten by all drives", "set", s.number, "key",
			w.sample.Key.Name, "error", err)
		return
	}
	s.counters.forgotten.Add(1)
}

// deletionOver reports whether the version that a head tells of, which is a tombstone, is gone:
// until then the head is what keeps it from being seen. The caller holds the key's lock.
func (s *set) deletionOver(ctx context.Context, w *write, grant lock.Grant) bool {
	key := object.Key(w.sample.Key.Name)
	h, err := readHead(key, w)
	if err != nil || h.goes == nil {
		return err == nil
	}
	at := drive.Key{Space: drive.SpaceObject, Bucket: w.sample.Key.Bucket, Name: w.sample.Key.Name}
	if *h.goes != nullVersion {
		at.Space, at.Name = drive.SpaceVersion, versionName(key, *h.goes)
	}
	goes, err := s.newestHeld(ctx, at, grant)
	return err == nil && (goes == nil || goes.sample.Type == drive.TypePurge)
}

// renewTerm raises a term that has lasted long, where all drives are there to take it.
func (s *set) renewTerm() error {
	if s.now().Sub(time.Unix(0, s.raised.Load())) < termMax || !s.hasWriteQuorum() ||
		s.online() < s.n {
		return nil
	}
	return s.raise()
}
