package load

import (
	"golang.org/x/sys/unix"
)

// state of a connection.
type state uint8

const (
	stateClosed  state = iota // waits to be opened again
	stateOpening              // connect has begun
	stateIdle                 // ready for a request
	stateBusy                 // a request is on its way, or its answer
)

// conn is a connection, and the request it has in flight. All times are nanoseconds since the
// loop's base.
type conn struct {
	slot       int32
	generation int32 // counts the sockets it has had
	fd         int
	state      state
	reopenAt   int64 // stateClosed

	due     int64  // when the request should have been sent
	sentAt  int64  // when it was
	head    []byte // what is left to send
	body    []byte
	waits   bool   // for room in the socket's buffer
	scratch []byte // of signed heads
	answer  answer
}

// open begins to connect.
func (l *loop) open(c *conn) error {
	fd, err := dial(l.family, l.peer)
	if err != nil {
		return err
	}
	c.generation++
	err = l.poller.watch(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLOUT, c.slot, c.generation)
	if err != nil {
		unix.Close(fd)
		return err
	}
	c.fd, c.state, c.waits = fd, stateOpening, true
	return nil
}

// send writes what fits, and waits for room for the rest. It returns the kind of error, if any.
func (l *loop) send(c *conn) string {
	for len(c.head)+len(c.body) > 0 {
		n, errno := write(c.fd, c.head, c.body)
		switch errno {
		case 0:
			cut := min(n, len(c.head))
			c.head, c.body = c.head[cut:], c.body[n-cut:]
		case unix.EINTR:
		case unix.EAGAIN:
			return l.await(c, true)
		default:
			return KindReset
		}
	}
	return l.await(c, false)
}

// await says whether the connection waits for room too.
func (l *loop) await(c *conn, room bool) string {
	if c.waits == room {
		return ""
	}
	c.waits = room
	events := uint32(unix.EPOLLIN)
	if room {
		events |= unix.EPOLLOUT
	}
	if l.poller.watch(unix.EPOLL_CTL_MOD, c.fd, events, c.slot, c.generation) != nil {
		return KindReset
	}
	return ""
}

// receive reads what is there, until the answer is whole, nothing is left, or something is wrong.
func (l *loop) receive(c *conn) (done bool, wrong *fault) {
	for {
		n, errno := read(c.fd, l.buffer)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return false, nil
		case errno != 0:
			return false, &fault{KindReset, errno.Error()}
		case n == 0:
			return false, &fault{KindClosed, "before the answer was whole"}
		case c.state != stateBusy:
			return false, &fault{KindFraming, "an answer nobody asked for"}
		}
		done, wrong := c.answer.feed(l.buffer[:n])
		if done && len(c.head)+len(c.body) > 0 {
			wrong = &fault{KindFraming, "answered before the request was sent"}
		}
		if done || wrong != nil || n < len(l.buffer) {
			return done && wrong == nil, wrong
		}
	}
}

// shut closes the socket.
func (c *conn) shut() {
	if c.state != stateClosed {
		unix.Close(c.fd)
		c.state = stateClosed
	}
}
