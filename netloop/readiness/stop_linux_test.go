package readiness

import (
	"errors"
	"os"
	"testing"
	"time"

	"flashstore/netloop"
)

// TestStopWhileOthersAccept: a loop that has stopped is still given connections by one that has
// not heard of it. None may be left without an answer or an end.
func TestStopWhileOthersAccept(t *testing.T) {
	c := config(t, 0)
	c.Loops = 2
	s, address := start(t, c, handlerFunc(func(*netloop.Exchange) {}))
	s.loops[1].send(letter{order: orderStop})
	until(t, func() bool { return s.accepting.Load() == 1 })
	for range 16 {
		conn := dial(t, address)
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n")) // it may be closed already
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection was given to a loop that had ended")
		}
	}
}
