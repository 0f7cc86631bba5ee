package load

import "net/http"

// ready gives an idle connection its next request, or none.
func (l *loop) ready(c *conn, now int64) {
	switch {
	case l.interval > 0:
		due := l.dueAt(l.sent)
		if due > float64(now) || due >= float64(l.to) {
			l.free = append(l.free, c.slot)
			return
		}
		l.sent++
		l.begin(c, int64(due), now)
	case now < l.to && l.plan.more():
		l.begin(c, now, now)
	}
}

// dueAt is when request i of this thread is due.
func (l *loop) dueAt(i int64) float64 { return l.first + float64(i)*l.interval }

// sendDue sends what is due, as far as connections are free. The rest is sent by ready when one
// has become so: late, and its latency says so.
func (l *loop) sendDue(now int64) {
	for len(l.free) > 0 {
		due := l.dueAt(l.sent)
		if due > float64(now) || due >= float64(l.to) {
			return
		}
		c := &l.conns[l.free[len(l.free)-1]]
		l.free = l.free[:len(l.free)-1]
		if c.state != stateIdle {
			continue // closed by the server meanwhile; it comes back once it is open again
		}
		l.sent++
		if int64(due) >= l.from {
			record(l.tally.late, now-int64(due))
		}
		l.begin(c, int64(due), now)
		now = l.now()
	}
}

// begin sends a request that is due at due.
func (l *loop) begin(c *conn, due, now int64) {
	object, hashed := l.plan.next()
	o := &l.config.Objects[object]
	c.head, c.scratch = l.plan.head(object, c.scratch)
	if l.config.Method == http.MethodPut {
		c.body = o.Body
	}
	c.answer.begin(l.config.Method, o, hashed)
	c.due, c.sentAt, c.state = due, now, stateBusy
	l.busy++
	if kind := l.send(c); kind != "" {
		l.fail(c, &fault{kind, "while sending"})
	}
}

// answered counts a whole answer and goes on. A refusal is an error, but no reason to give up the
// connection.
func (l *loop) answered(c *conn) {
	now := l.now()
	l.busy--
	l.lastEnd = now
	c.state = stateIdle
	if c.answer.refused != nil {
		l.tally.fail(c.answer.refused, 1)
	} else {
		l.succeed(c, now)
	}
	if c.answer.closes {
		l.reopen(c, now)
		return
	}
	l.ready(c, now)
}

// succeed counts a good answer.
func (l *loop) succeed(c *conn, now int64) {
	counts := now >= l.from && now < l.to
	if counts {
		l.tally.answered++
	}
	if l.interval > 0 {
		counts = c.due >= l.from // and before to, or it would not have been sent
	}
	if counts {
		l.tally.operations++
		record(l.tally.latency, now-c.due)
		if !c.answer.noBody {
			l.tally.bytes += uint64(c.answer.object.Bytes)
		}
		if c.answer.hashed {
			l.tally.hashed++
		}
	}
}

// fail counts an error and closes the connection, to be opened again later.
func (l *loop) fail(c *conn, wrong *fault) {
	l.tally.fail(wrong, 1)
	if c.state == stateBusy {
		l.busy--
	}
	c.shut()
	c.head, c.body = nil, nil
	c.reopenAt = l.now() + reopenAfter
	l.closed++
}

// reopen replaces a connection that the server has closed in good order.
func (l *loop) reopen(c *conn, now int64) {
	c.shut()
	if err := l.open(c); err != nil {
		l.tally.fail(&fault{KindConnect, err.Error()}, 1)
		c.reopenAt = now + reopenAfter
		l.closed++
	}
}

// opened judges a connection that has ended to connect.
func (l *loop) opened(c *conn) {
	if err := dialled(c.fd); err != nil {
		l.fail(c, &fault{KindConnect, err.Error()})
		return
	}
	if kind := l.await(c, false); kind != "" {
		l.fail(c, &fault{kind, "while connecting"})
		return
	}
	l.tally.connects++
	c.state = stateIdle
	l.ready(c, l.now())
}

// tick does what time alone decides: edges of the window, timeouts, connections to open again.
func (l *loop) tick(now int64) {
	l.nextTick = now + tickEvery
	for l.edge != nil && l.edges < 2 && now >= l.nextEdge {
		l.edge(l.edges == 0)
		l.edges++
		l.nextEdge = l.to
	}
	if l.edge != nil && l.edges < 2 {
		l.nextTick = min(l.nextTick, l.nextEdge)
	}
	for i := range l.conns {
		c := &l.conns[i]
		switch {
		case c.state == stateBusy && now-c.sentAt > l.timeout:
			l.fail(c, &fault{KindTimeout, c.answer.object.Path})
		case c.state == stateClosed && l.closed > 0 && now >= c.reopenAt && now < l.giveUp:
			l.closed--
			l.reopen(c, now)
		}
	}
}

// finish counts what was given up.
func (l *loop) finish() {
	if l.edge != nil && l.edges < 2 {
		if l.edges == 0 {
			l.edge(true)
		}
		l.edge(false)
		l.edges = 2
	}
	if l.busy > 0 {
		l.tally.fail(&fault{KindTimeout, "in flight at the end"}, uint64(l.busy))
	}
	if l.interval > 0 {
		unsent := uint64(0)
		for l.dueAt(l.sent) < float64(l.to) {
			l.sent++
			unsent++
		}
		if unsent > 0 {
			l.tally.fail(&fault{KindUnsent, "the server is slower than the rate"}, unsent)
		}
	}
}
