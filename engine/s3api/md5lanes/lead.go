package md5lanes

import "slices"

// lead hashes the blocks of h, and beside them those of others. It returns false if another leader
// has taken h; gathered says that h gathered until now.
func (g *Group) lead(h *Hash, gathered bool) bool {
	var l lanes
	if !g.begin(&l, h, gathered) {
		return false
	}
	for len(h.rest) > 0 {
		if l.count > 1 {
			l.step(h)
		} else {
			l.alone(h)
		}
		if len(h.rest) > 0 {
			g.refill(&l)
		}
	}
	g.end(&l)
	return true
}

// begin takes h, and as many others as there are, from the queue into the lanes. It returns false
// if h is not there any more.
func (g *Group) begin(l *lanes, h *Hash, gathered bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if gathered {
		g.gathering = false
	}
	mine := h.queued
	if mine {
		if len(h.turn) > 0 { // h, which leads since it fills the lanes, was told to gather as well
			<-h.turn
			g.gathering = false
		}
		h.queued = false
		i := slices.Index(g.queue, h)
		g.queue = slices.Delete(g.queue, i, i+1)
		l.add(h)
		g.take(l)
	}
	g.appoint()
	return mine
}

// refill lets who came meanwhile into free lanes, who gathers too.
func (g *Group) refill(l *lanes) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.take(l)
	g.appoint()
}

// end gives back to the queue what others have left behind the last block of the leader.
func (g *Group) end(l *lanes) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.setRoomy(l, false)
	g.stats.Blocks += l.stats.Blocks
	g.stats.Steps += l.stats.Steps
	g.stats.Alone += l.stats.Alone
	for i, h := range l.of {
		if h != nil {
			l.remove(i)
			h.queued = true
			g.queue = slices.Insert(g.queue, 0, h)
		}
	}
	g.appoint()
}

// take moves streams from the queue into free lanes, the oldest first; with mu.
func (g *Group) take(l *lanes) {
	n := min(width-l.count, len(g.queue))
	for _, h := range g.queue[:n] {
		h.queued = false
		l.add(h)
	}
	g.queue = slices.Delete(g.queue, 0, n)
	g.setRoomy(l, l.count < width)
}

// setRoomy notes whether the leader of l has free lanes; with mu.
func (g *Group) setRoomy(l *lanes, roomy bool) {
	switch {
	case roomy && !l.roomy:
		g.roomy++
	case !roomy && l.roomy:
		g.roomy--
	}
	l.roomy = roomy
}
