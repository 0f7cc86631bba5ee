//go:build linux || ((darwin || freebsd) && (amd64 || arm64))

package readiness

import (
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"
)

// acceptMax is how many connections a loop accepts before it looks after those it has. The
// listener is level-triggered: the rest is there the next time.
const acceptMax = 64

// acceptPause is how long a loop does not accept after it lacked what that takes.
const acceptPause = tick

func (l *loop) accept(index int) {
	if index >= len(l.listeners) {
		return // closed meanwhile
	}
	for range acceptMax {
		fd, name, err := acceptSocket(l.listeners[index])
		switch err {
		case nil:
			l.place(fd, addrPort(name))
		case unix.EMFILE, unix.ENFILE:
			l.refuseOne(index)
			return
		case unix.EINTR, unix.ECONNABORTED:
		case unix.EAGAIN:
			return
		default: // want of memory
			l.pauseAccept()
			return
		}
	}
}

// refuseOne takes a connection off the queue although no descriptor is left, and closes it:
// otherwise it stays there, and the loop turns without end.
func (l *loop) refuseOne(index int) {
	if l.reserve >= 0 {
		_ = unix.Close(l.reserve)
		l.reserve = -1
	}
	if fd, _, err := acceptSocket(l.listeners[index]); err == nil {
		_ = unix.Close(fd)
		l.counters.Refused.Add(1)
	} else if err == unix.EMFILE || err == unix.ENFILE {
		l.pauseAccept() // somebody else was faster
	}
	l.refillReserve()
}

// pauseAccept leaves new connections in the kernel's queue for a moment.
func (l *loop) pauseAccept() {
	l.watchListeners(false)
	l.wheel.set(&l.resume, l.tickAfter(l.now, acceptPause))
}

func (l *loop) watchListeners(on bool) {
	for i, fd := range l.listeners {
		_ = l.poller.changeListener(fd, listenerToken(i), on) // cannot fail: it is registered
	}
}

func (l *loop) refillReserve() {
	if fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		l.reserve = fd
	}
}

// place gives a new connection to the emptier of two loops: this one and one by chance.
func (l *loop) place(fd int, remote netip.AddrPort) {
	s := l.server
	if !s.admission.Enter(remote.Addr()) {
		l.counters.Refused.Add(1)
		_ = unix.Close(fd)
		return
	}
	l.counters.Accepted.Add(1)
	target := l
	if other := s.loops[rand.IntN(len(s.loops))]; other.open.Load() < l.open.Load() {
		target = other
	}
	target.open.Add(1)
	target.counters.Connections.Add(1)
	if target == l {
		l.adopt(fd, remote)
		return
	}
	target.send(letter{fd: fd, remote: remote})
}

// adopt makes fd a connection of this loop.
func (l *loop) adopt(fd int, remote netip.AddrPort) {
	var slot uint32
	if n := len(l.free); n > 0 {
		slot = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		slot = uint32(len(l.slots))
		l.slots = append(l.slots, nil)
		l.gens = append(l.gens, 0)
	}
	c := &conn{fd: fd, token: token{slot, l.gens[slot]}, loop: l, remote: remote}
	c.timer.conn = c
	c.owner.Store(ownerLoop)
	l.slots[slot] = c
	if err := l.poller.addConn(fd, c.token); err != nil {
		l.close(c) // out of memory
		return
	}
	if l.stopping {
		l.close(c)
		return
	}
	// The registration reports what has come already as an event.
	if l.server.tls == nil {
		l.setDeadline(c, l.server.config.Limits.IdleTimeout)
	} else {
		c.phase = phaseGreet
		c.headBy = l.tickAfter(l.now, l.server.config.Limits.HeadTimeout)
		l.wheel.set(&c.timer, c.headBy)
	}
	c.owner.Store(ownerNobody)
}

// close ends c, which the loop owns, and frees its slot for another generation.
func (l *loop) close(c *conn) {
	if len(c.spill) == 0 { // all that was to be sent has been
		c.closeNotify()
	}
	l.detach(c)
	c.spill = nil
	c.countUntaken()
	l.wheel.remove(&c.timer)
	_ = unix.Close(c.fd)
	l.slots[c.token.slot] = nil
	l.gens[c.token.slot]++
	l.free = append(l.free, c.token.slot)
	l.open.Add(-1)
	l.server.admission.Leave(c.remote.Addr()) // first: who sees room in the counters may enter
	l.counters.Connections.Add(-1)
}

// reset ends c in a way the peer cannot take for a clean end.
func (l *loop) reset(c *conn) {
	c.phase = phaseBreak
	_ = unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	l.close(c)
}
