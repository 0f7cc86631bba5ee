package netlooptest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// wire is a client that sends streams, each on a connection of its own, and reads answers
// without a body.
type wire struct {
	address string
	dialer  net.Dialer
	in      *bufio.Reader
}

func newWire(address string) *wire {
	return &wire{address: address, dialer: net.Dialer{KeepAlive: -1}, // three calls fewer
		in: bufio.NewReaderSize(nil, 4<<10)}
}

// wireAnswer is a response head.
type wireAnswer struct {
	status int
	seen   string // digest of the request
	close  bool
}

// converse sends stream, in two pieces if cut is not 0, and compares what comes back with what
// reading says. The connection must end where it says so, and nowhere else.
func (w *wire) converse(stream string, reading *Reading, cut int) error {
	conn, err := w.dialer.Dial("tcp", w.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := conn.(*net.TCPConn)
	if err := errors.Join(c.SetDeadline(time.Now().Add(hang)), c.SetLinger(0)); err != nil {
		return err // linger 0: no port stays behind in TIME_WAIT
	}
	w.in.Reset(c)
	for _, piece := range []string{stream[:cut], stream[cut:]} {
		if _, err := io.WriteString(c, piece); err != nil {
			return err
		}
	}
	if reading.Status == 0 {
		// Nothing but the end of the stream ends this connection.
		if err := c.CloseWrite(); err != nil {
			return err
		}
	}
	for i := range reading.Messages {
		if err := w.answered(&reading.Messages[i]); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
	}
	status := reading.Status
	if reading.Begun != nil {
		status = 400 // by the handler, which cannot read its body
	}
	if status != 0 {
		a, err := w.final()
		if err != nil || a.status != status || !a.close || a.seen != "" {
			return fmt.Errorf("%+v, %w, want status %d and close", a, err, status)
		}
	}
	if rest, err := io.ReadAll(w.in); err != nil || len(rest) > 0 {
		return fmt.Errorf("%q, %w, want the end", rest, err)
	}
	return nil
}

func (w *wire) answered(m *Message) error {
	a, err := w.final()
	if err != nil {
		return err
	}
	if want := (wireAnswer{200, m.digest(), m.Close}); a != want {
		return fmt.Errorf("%+v, want %+v", a, want)
	}
	return nil
}

// final reads a response head, after a 100 perhaps.
func (w *wire) final() (wireAnswer, error) {
	for {
		a, err := w.head()
		if err != nil || a.status != 100 {
			return a, err
		}
	}
}

func (w *wire) head() (a wireAnswer, err error) {
	line, err := w.line()
	if err != nil {
		return a, err
	}
	status, ok := strings.CutPrefix(line, "HTTP/1.1 ")
	if a.status, err = strconv.Atoi(status[:min(3, len(status))]); err != nil || !ok {
		return a, fmt.Errorf("status line %q", line)
	}
	for {
		line, err := w.line()
		if err != nil || line == "" {
			return a, err
		}
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == seenField:
			a.seen = value
		case name == "Connection":
			a.close = value == "close"
		case name == "Content-Length" && value != "0", name == "Transfer-Encoding":
			return a, fmt.Errorf("a body: %q", line)
		}
	}
}

func (w *wire) line() (string, error) {
	line, err := w.in.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%q: %w", line, err)
	}
	return strings.TrimSuffix(line, "\r\n"), nil
}
