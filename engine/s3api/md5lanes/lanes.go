package md5lanes

import "crypto/md5"

// width is how many streams are hashed at once.
const width = 16

// stepBlocksMax bounds a step, which the scheduler cannot interrupt and during which nobody gets
// into the lanes: 8 KiB of each stream take 17 µs.
const stepBlocksMax = 8 << 10 / md5.BlockSize

// state is the state of all lanes, word by word.
type state [4][width]uint32

// lanes are the streams that one leader hashes.
type lanes struct {
	state state
	rows  [width]*byte
	of    [width]*Hash // nil: the lane is free
	count int          // of those that are not
	roomy bool         // counted in Group.roomy
	stats Stats
}

// add puts h, which has blocks to hash, into a free lane.
func (l *lanes) add(h *Hash) {
	i := 0
	for l.of[i] != nil {
		i++
	}
	l.of[i] = h
	l.count++
	for w := range l.state {
		l.state[w][i] = h.words[w]
	}
}

// remove frees lane i and gives its stream the state it has got to.
func (l *lanes) remove(i int) {
	for w := range l.state {
		l.of[i].words[w] = l.state[w][i]
	}
	l.of[i] = nil
	l.count--
}

// step hashes as many blocks of all streams as the shortest has. Those which have no more leave,
// and are told so unless it is the leader itself.
func (l *lanes) step(leader *Hash) {
	n, some := stepBlocksMax, (*byte)(nil)
	for i, h := range l.of {
		if h != nil {
			n = min(n, len(h.rest)/md5.BlockSize)
			some = &h.rest[0]
			l.rows[i] = some
		}
	}
	for i, h := range l.of {
		if h == nil {
			l.rows[i] = some // hashed for nothing, which takes no longer
		}
	}
	blocks(&l.state, &l.rows, n)
	l.stats.Steps += uint64(n)
	l.stats.Blocks += uint64(n * l.count)
	for i, h := range l.of {
		if h == nil {
			continue
		}
		h.rest = h.rest[n*md5.BlockSize:]
		if len(h.rest) > 0 {
			continue
		}
		l.remove(i)
		if h != leader {
			h.turn <- done
		}
	}
	l.rows = [width]*byte{} // no memory of those who have left
}

// alone hashes a step's length of the leader, which is the only one in the lanes.
func (l *lanes) alone(leader *Hash) {
	for i, h := range l.of {
		if h != nil {
			l.remove(i)
		}
	}
	n := min(len(leader.rest), stepBlocksMax*md5.BlockSize)
	leader.restore()
	_, _ = leader.plain.Write(leader.rest[:n])
	leader.save()
	leader.rest = leader.rest[n:]
	l.stats.Alone += uint64(n / md5.BlockSize)
	if len(leader.rest) > 0 {
		l.add(leader)
	}
}
