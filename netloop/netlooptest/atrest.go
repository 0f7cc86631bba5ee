package netlooptest

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"flashstore/netloop"
)

// halfRecord: who sends half a record is late, not idle; who sends none is idle.
func (s *suite) halfRecord(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http does not see records: what is half here is idle to it")
	}
	// In which good clients have to shake hands, too.
	r := start(t, s, func(l *netloop.Limits) { l.HeadTimeout = time.Second })
	half := []byte{23, 3, 3, 1, 0, 'a'}
	idle := r.dial()
	idle.send(get("/x"))
	idle.want(200, "/x")
	for _, first := range []bool{true, false} { // behind a request in one write, and alone
		c, records := r.dialRecords(t, tls.VersionTLS13)
		request := records.out.seal(recordApplication, []byte(get("/x")))
		pieces := [][]byte{append(request, half...)}
		if !first {
			pieces = [][]byte{request, half}
		}
		for _, piece := range pieces {
			if _, err := records.TCPConn.Write(piece); err != nil {
				t.Fatal(err)
			}
			if len(piece) > len(half) {
				c.want(200, "/x")
			}
		}
	}
	s.wait(t, "the late ones to be cut", func() bool {
		stats := r.server.Stats()
		return stats.TimedOut == 2 && stats.Connections == 1
	})
	idle.send(get("/y"))
	idle.want(200, "/y")
}

// updateAtRest: new keys are no part of a request. Who asks for them, in two pieces even, goes on
// resting: it is not late, the head that comes then has all its time, and a shutdown does not wait.
func (s *suite) updateAtRest(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http does not see records")
	}
	const headTimeout = 1500 * time.Millisecond
	r := start(t, s, func(l *netloop.Limits) { l.HeadTimeout = headTimeout })
	c, records := r.dialRecords(t, tls.VersionTLS13)
	sent := func(piece []byte) {
		before := r.server.Stats().ReadBytes
		if _, err := records.TCPConn.Write(piece); err != nil {
			t.Fatal(err)
		}
		s.wait(t, "a piece to be read", func() bool {
			return r.server.Stats().ReadBytes == before+uint64(len(piece))
		})
	}
	c.send(get("/x"))
	c.want(200, "/x")
	update := records.keyUpdate()
	sent(update[:3])
	sent(update[3:])
	s.pause(t, 2*headTimeout)
	sent(records.out.seal(recordApplication, []byte(get("/y")[:9])))
	s.pause(t, headTimeout/3)
	c.send(get("/y")[9:])
	c.want(200, "/y")
	sent(records.keyUpdate())
	ctx, cancel := context.WithTimeout(context.Background(), hang/4)
	defer cancel()
	if err := r.server.Shutdown(ctx); err != nil {
		t.Error("the shutdown waits for who is idle:", err)
	}
	if n := r.server.Stats().TimedOut; n != 0 {
		t.Errorf("%d were late", n)
	}
}

// lateHead: the time of a head begins with its first record, whole or not.
func (s *suite) lateHead(t *testing.T) {
	if s.traits.NetHTTP {
		t.Skip("net/http does not see records")
	}
	r := start(t, s, func(l *netloop.Limits) { l.HeadTimeout = 2 * time.Second })
	c, records := r.dialRecords(t, tls.VersionTLS13)
	c.send(get("/x"))
	c.want(200, "/x")
	record := records.out.seal(recordApplication, []byte(get("/x")[:10]))
	began := time.Now()
	if _, err := records.TCPConn.Write(record[:10]); err != nil {
		t.Fatal(err)
	}
	s.pause(t, 1400*time.Millisecond)
	if _, err := records.TCPConn.Write(record[10:]); err != nil {
		t.Fatal(err)
	}
	s.wait(t, "the end", func() bool { return r.server.Stats().TimedOut == 1 })
	if took := time.Since(began); took > 3200*time.Millisecond { // 3.4 s from the second piece
		t.Errorf("the head had %v", took)
	}
}
