package erasure

import (
	"sync"

	"flashstore/engine/drive"
	"flashstore/engine/lock"
)

// doubts names the registers whose tombstone was sent and not acknowledged: it may yet arrive,
// from the queue of a drive that hangs. For one object that is in order, its client was told
// "unknown". But nothing that depends on the register (the objects of a bucket, the parts of an
// upload) may be acknowledged while such a tombstone can still take it away. Doubt ends with
// the process: the next one raises the term, and the drives refuse what is older.
type doubts struct {
	mu   sync.Mutex
	keys map[drive.Key]struct{}
}

func (d *doubts) add(key drive.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = make(map[drive.Key]struct{})
	}
	d.keys[key] = struct{}{}
}

func (d *doubts) has(key drive.Key) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, found := d.keys[key]
	return found
}

func (d *doubts) remove(key drive.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.keys, key)
}

// reaffirm makes w, a whole write that is the newest of its register, certain to stay: if a
// tombstone may be on its way, w is written again, above it. The caller holds the lock.
func (s *Store) reaffirm(at address, w *write, grant lock.Grant) error {
	key := at.key
	if !s.doubts.has(key) {
		return nil
	}
	r := w.sample.Record
	if err := at.set.publishWhole(&r, grant); err != nil {
		return err
	}
	s.doubts.remove(key)
	return nil
}
