package session

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestListenLimitsUnsent: the sockets of a client that takes nothing hold a limited part of what it
// is sent, and it gets all of it in the end.
func TestListenLimitsUnsent(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const windowBytes = 64 << 10
	if err := client.(*net.TCPConn).SetReadBuffer(windowBytes); err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	answer := make([]byte, 16<<20)
	if err := server.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	stuck, err := server.Write(answer)
	if !errors.Is(err, os.ErrDeadlineExceeded) || stuck > unsentBytesMax+1<<20 {
		t.Fatalf("the sockets hold %d bytes, %v", stuck, err)
	}
	if err := server.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = server.Write(answer[stuck:])
		_ = server.Close()
	}()
	if n, err := io.Copy(io.Discard, client); int(n) != len(answer) || err != nil {
		t.Errorf("%d of %d bytes, %v", n, len(answer), err)
	}
}
