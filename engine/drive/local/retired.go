package local

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
)

const (
	retiredName      = "retired"
	retiredMagic     = "FSLOGR01"
	retiredRangeSize = 32
	retiredBytesMax  = 64 << 20
)

// retiredRange is a run of log segments that compaction removed, first to last, and the
// numbers of the batches they held, from number up to next.
type retiredRange struct{ first, last, number, next uint64 }

// retiredList says which log segments are missing for a good reason, ascending. It is
// immutable.
type retiredList []retiredRange

// has reports whether a segment was removed.
func (l retiredList) has(segment uint64) bool {
	for _, r := range l {
		if r.first <= segment && segment <= r.last {
			return true
		}
	}
	return false
}

// next is the number of the first batch behind all that were removed. Whatever index was flushed
// for their sake reflects all before it.
func (l retiredList) next() (number uint64) {
	for _, r := range l {
		number = max(number, r.next)
	}
	return number
}

// with returns the list with a range more; neighbours are joined.
func (l retiredList) with(add retiredRange) retiredList {
	at, _ := slices.BinarySearchFunc(l, add.first, func(r retiredRange, first uint64) int {
		return int(min(1, max(-1, int64(r.first)-int64(first))))
	})
	out := slices.Insert(slices.Clone(l), at, add)
	for i := max(1, at); i < len(out) && i <= at+1; {
		a, b := &out[i-1], out[i]
		if a.last+1 != b.first || a.next != b.number {
			i++
			continue
		}
		a.last, a.next = b.last, b.next
		out = slices.Delete(out, i, i+1)
	}
	return out
}

// encode returns the content of the file: number of ranges, ranges.
func (l retiredList) encode() []byte {
	le := binary.LittleEndian
	b := le.AppendUint64(make([]byte, 0, 8+len(l)*retiredRangeSize), uint64(len(l)))
	for _, r := range l {
		for _, v := range []uint64{r.first, r.last, r.number, r.next} {
			b = le.AppendUint64(b, v)
		}
	}
	return b
}

func parseRetired(b []byte) (retiredList, error) {
	le := binary.LittleEndian
	if len(b) < 8 || uint64(len(b)-8)/retiredRangeSize != le.Uint64(b) ||
		(len(b)-8)%retiredRangeSize != 0 {
		return nil, fmt.Errorf("%d bytes of ranges", len(b))
	}
	list := make(retiredList, le.Uint64(b))
	for i := range list {
		p := b[8+i*retiredRangeSize:]
		list[i] = retiredRange{le.Uint64(p), le.Uint64(p[8:]), le.Uint64(p[16:]), le.Uint64(p[24:])}
	}
	return list, nil
}

// loadRetired reads the list of a drive; none is an empty one. Without a list that cannot be read,
// a removed segment and a lost one are the same.
func (l *segmentLog) loadRetired() error {
	_, err := readSealed(l.engine, filepath.Join(l.path, retiredName), retiredMagic, l.incarnation,
		retiredBytesMax, "bring it back, or "+replaceAdvice, func(content []byte) error {
			list, err := parseRetired(content)
			if err == nil {
				l.retired.Store(&list)
			}
			return err
		})
	return err
}

// retire notes, durably, that a segment is about to be removed.
func (l *segmentLog) retire(r retiredRange) error {
	list := l.retired.Load().with(r)
	if err := writeWhole(l.engine, filepath.Join(l.path, retiredName),
		seal(retiredMagic, l.incarnation, list.encode())); err != nil {
		return err
	}
	l.retired.Store(&list)
	return nil
}

// segments lists the segments of the log, ascending, and notes what a crash left of others.
func (l *segmentLog) segments() ([]uint64, error) {
	found, unfinished, err := listSegments(l.engine.Files(), l.path, logSuffix)
	if err != nil {
		return nil, err
	}
	l.leftovers = unfinished
	retired, kept := *l.retired.Load(), found[:0]
	for _, n := range found {
		if retired.has(n) {
			l.leftovers = append(l.leftovers, l.name(n))
		} else {
			kept = append(kept, n)
		}
	}
	return kept, nil
}

// removeLeftovers removes what a crash left. Only a start does, once nothing speaks against the
// drive: one that is refused stays as it was found.
func (l *segmentLog) removeLeftovers() error {
	for _, path := range l.leftovers {
		if err := l.engine.Files().Remove(path); err != nil {
			return err
		}
	}
	l.leftovers = nil
	return nil
}

// gap returns the first segment that is missing without being retired, or 0.
func (l retiredList) gap(segments []uint64) uint64 {
	if len(segments) == 0 {
		return 0
	}
	want := uint64(1)
	for _, n := range segments {
		for ; want < n; want++ {
			if !l.has(want) {
				return want
			}
		}
		want = n + 1
	}
	return 0
}

// skip returns the number of the next batch behind the retired segments between the segments
// from and to, given the one that is expected there; lost are the batches before them that
// are missing.
func (l retiredList) skip(from, to, number uint64) (next, lost uint64) {
	for _, r := range l {
		if r.first <= from || r.last >= to {
			continue
		}
		if r.number > number {
			lost += r.number - number
		}
		number = max(number, r.next)
	}
	return number, lost
}
