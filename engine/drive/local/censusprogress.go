package local

// Progress is how far the census of a drive is.
type Progress struct {
	What string // log, index, shards, space, or rebuilding the index
	// DoneBytes of TotalBytes are behind it; 0 of 0 where that is not known.
	DoneBytes, TotalBytes int64
}

// findingsMax findings of a drive are listed; all are counted.
const findingsMax = 1000

// progress returns what tells how far a scan of the whole log is.
func (l *segmentLog) progress(segments []uint64, what string, tell func(Progress)) (
	func(h *batchHeader), error) {
	if err := l.measure(segments); err != nil {
		return nil, err
	}
	p := Progress{What: what}
	sizes := l.sizes()
	before := make(map[uint64]int64, len(sizes))
	for _, n := range segments {
		before[n] = p.TotalBytes
		p.TotalBytes += sizes[n]
	}
	tell(p)
	return func(h *batchHeader) {
		p.DoneBytes = before[h.segment] + h.offsetBytes
		tell(p)
	}, nil
}

// shardProgress returns what tells how far the reading of bulk shards is.
func (c *census) shardProgress() func() {
	p := Progress{What: "shards", TotalBytes: c.rebuilt.live.total()}
	c.progress(p)
	return func() {
		p.DoneBytes = min(c.report.BulkBytes, p.TotalBytes) // padding is in the total only
		c.progress(p)
	}
}

// total is the live bytes of all segments.
func (l *liveBytes) total() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, live := range l.bytes {
		n += live
	}
	return n
}
