package hotpath

import (
	"fmt"
	"net"
	"sync"
	"syscall"
)

// openersMax connect and use connections at the same time: fewer than a listener's backlog.
const openersMax = 32

// held is many connections to one server that are kept open.
type held struct {
	server *side
	conns  []heldConn
	last   func(*heldConn) error // what each does in the end
}

type heldConn struct {
	number int
	socket net.Conn
}

func newHeld(s *side, n int) *held { return &held{server: s, conns: make([]heldConn, n)} }

// open connects all and lets each be used once.
func (h *held) open(use func(*heldConn) error) error {
	for i := range h.conns {
		h.conns[i].number = i
	}
	return h.each(func(c *heldConn) (err error) {
		if c.socket, err = net.Dial("tcp", h.server.address); err != nil {
			return err
		}
		return use(c)
	})
}

// finish lets each do its last; whoever cannot was not held.
func (h *held) finish() error { return h.each(h.last) }

// each calls work for all connections, some at a time, and returns the first error.
func (h *held) each(work func(*heldConn) error) error {
	var running sync.WaitGroup
	errs := make([]error, openersMax)
	for worker := range openersMax {
		running.Go(func() {
			for i := worker; i < len(h.conns) && errs[worker] == nil; i += openersMax {
				if err := work(&h.conns[i]); err != nil {
					errs[worker] = fmt.Errorf("connection %d of %d: %w", i+1, len(h.conns), err)
				}
			}
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *held) close() {
	for i := range h.conns {
		if socket := h.conns[i].socket; socket != nil {
			socket.Close()
		}
	}
}

// filesBeside is what client and server open beside the connections that are held.
const filesBeside = 1000

// raiseFiles raises the limit of open files of this process, and so of the servers it starts, to
// what n connections need.
func raiseFiles(n int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	need := uint64(n + filesBeside)
	if limit.Cur >= need && limit.Cur == limit.Max {
		return nil
	}
	limit.Cur = max(limit.Max, need)
	limit.Max = limit.Cur // beyond the old one only with privileges
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d open files are not allowed: %w", need, err)
	}
	return nil
}
