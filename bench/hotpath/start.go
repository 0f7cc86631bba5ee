package hotpath

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"flashstore/bench/load"
	"flashstore/bench/target"
)

const (
	startsMin  = 5 // starts are short: not fewer, whatever the number of repetitions
	startMax   = 10 * time.Second
	dialAgain  = 200 * time.Microsecond
	answerMax  = 5 * time.Second
	signedLong = time.Hour
)

// startSteps measure how long after its exec a server answers.
func (b *bench) startSteps() []step {
	if !b.config.wants(RowStart) {
		return nil
	}
	return []step{{"starts", startsMin * 200 * time.Millisecond,
		func(ctx context.Context) (string, error) {
			b.stop()
			for range max(startsMin, b.config.Repetitions) {
				took, err := b.startOnce(ctx)
				if err != nil {
					return "", err
				}
				b.row(RowStart).add(true, float64(took)/float64(time.Millisecond), 0)
			}
			return fmt.Sprintf("%.1f ms", b.row(RowStart).Ours), nil
		}}}
}

// startOnce starts a server on its core and asks at once, until the first answer is whole.
func (b *bench) startOnce(ctx context.Context) (time.Duration, error) {
	c := b.target(nil, b.server)
	began := time.Now()
	server, err := target.Launch(c)
	if err != nil {
		return 0, err
	}
	defer server.Kill()
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	socket, err := dialUntil(ctx, server.Address)
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, server.LogTail())
	}
	defer socket.Close()
	o := &b.small[len(b.small)/2]
	s := oursOf(server)
	if err := ask(socket, s, http.MethodGet, o, nil); err != nil {
		return 0, err
	}
	if err := answered(socket, o); err != nil {
		return 0, fmt.Errorf("first GET: %w", err)
	}
	took := time.Since(began)
	// A start after a kill would have more to do.
	return took, server.Stop()
}

// dialUntil connects as soon as somebody listens.
func dialUntil(ctx context.Context, address string) (net.Conn, error) {
	for {
		c, err := net.Dial("tcp", address)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(dialAgain):
		}
	}
}

// ask sends a request for o, presigned, with as much of its body as is given.
func ask(c net.Conn, s *side, method string, o *load.Object, body []byte) error {
	url := o.Path
	if s.signer != nil {
		url = s.signer.Clone().Presign(method, s.address, url, time.Now(), signedLong)
	}
	request := fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, url, s.address)
	if method == http.MethodPut {
		request = fmt.Appendf(request, "Content-Length: %d\r\n", o.Bytes)
	}
	_, err := c.Write(append(append(request, "\r\n"...), body...))
	return err
}

// answered reads an answer and checks its status and, where o has a hash, its body.
func answered(c net.Conn, o *load.Object) error {
	if err := c.SetReadDeadline(time.Now().Add(answerMax)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(c, 8<<10), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, largeBytes))
	switch {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: %s: %.300s", ErrInvalid, answer.Status, body)
	case o.Sum != [sha256.Size]byte{} && sha256.Sum256(body) != o.Sum:
		return fmt.Errorf("%w: %s: other bytes", ErrInvalid, o.Path)
	}
	return nil
}
