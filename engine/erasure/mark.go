package erasure

import "flashstore/engine/drive"

// mark is the order below which drive i's "not here" says nothing (rule 6): the drive dropped a
// log tail, or is fresh.
//
// Note: the design applies it always. Then a power cut that tears the tail of w logs, which is
// ordinary, would turn every 404 into 503 for good, since healing needs complete drives. While
// all n drives are here a torn tail only matters if more drives lost acknowledged batches than
// the promise covers: an acknowledged write is on w drives, at most m of them may have lost it,
// and w > m, so one still reports it. Damage other than a torn tail is never excused.
func (s *set) mark(i int) drive.Order {
	d := s.drive(i)
	if d == nil {
		return drive.Order{} // it does not answer at all
	}
	info := d.Info()
	if info.CompleteFrom == (drive.Order{}) || info.TornOnly && s.online() == s.n {
		return drive.Order{}
	}
	return info.CompleteFrom
}
