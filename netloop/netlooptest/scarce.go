package netlooptest

import (
	"net/http"
	"strings"
	"testing"

	"flashstore/arena"
	"flashstore/arena/heap"
	"flashstore/netloop"
)

const (
	scarceBlocks = 4
	scarceBytes  = scarceBlocks * 64 << 10
	scarceHalves = 25 // clients that wait with half a head, for each block there is
)

// Scarce has the conversations of servers that have next to no memory, without and with TLS.
func Scarce(t *testing.T, new New, traits Traits) {
	identity := NewIdentity(t)
	for _, secure := range []bool{false, true} {
		traits, server, name := traits, identity.Server, "TLS"
		if traits.TLS = identity.Client; !secure {
			traits.TLS, server, name = nil, nil, "plain"
		}
		s := &suite{new: new, traits: traits, memory: scarceMemory, tls: server}
		t.Run(name, func(t *testing.T) {
			t.Run("half heads", s.halfHeads)
			t.Run("long half heads", s.longHalves)
			t.Run("unread bodies", s.unreadWaits)
			t.Run("exhausted", s.exhausted)
		})
	}
}

// scarceMemory is from the heap, whose budget may be of a few blocks.
func scarceMemory(t testing.TB) arena.Allocator {
	memory, err := heap.New(heap.Config{BudgetBytes: scarceBytes})
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, memory)
}

// halfHeads: who has sent a part of a head keeps no memory from others, and is answered when the
// rest has come, however small its pieces are.
func (s *suite) halfHeads(t *testing.T) {
	r := start(t, s, nil)
	var half []*client
	for range scarceHalves * scarceBlocks {
		c := r.dial()
		c.send(get("/first"), "GET /half HTTP/1.1\r\nX-A: ")
		c.want(200, "/first")
		half = append(half, c)
	}
	c := r.dial()
	c.send(put("/echo", pattern(100_000)))
	c.want(200, string(pattern(100_000)))
	for _, c := range half {
		c.send(strings.Repeat("a", 3000), "\r\nHost: h\r", "\n\r", "\n"+get("/x"))
		c.want(200, "/half")
		c.want(200, "/x")
	}
	if n := r.server.Stats().Busy; n != 0 {
		t.Errorf("%d were refused", n)
	}
}

// longHalves: what all who wait have sent has a limit. Who exceeds it is refused, in the handler's
// words, and once there is room nobody is.
func (s *suite) longHalves(t *testing.T) {
	r := start(t, s, nil)
	share := int(netloop.WaitingBytesMax(scarceBytes))
	first := "GET /half HTTP/1.1\r\nHost: h\r\nX-A: " + strings.Repeat("a", share*3/4)
	clients := []*client{r.dial(), r.dial()}
	statuses := make([]chan int, len(clients))
	for i, c := range clients {
		statuses[i] = make(chan int, 1)
		c.send(first)
		go func() {
			resp, err := http.ReadResponse(c.in, nil)
			if err != nil {
				t.Error(err)
				resp = &http.Response{}
			}
			statuses[i] <- resp.StatusCode
		}()
	}
	var refused, waits int
	select {
	case refused = <-statuses[0]:
		waits = 1
	case refused = <-statuses[1]:
	}
	if n := r.server.Stats().Busy; refused != 503 || n != 1 {
		t.Fatalf("%d to the first of two who want more room than there is; %d refused", refused, n)
	}
	c := r.dial()
	c.send(get("/x"))
	c.want(200, "/x")
	clients[waits].send("\r\n\r\n")
	if got := <-statuses[waits]; got != 200 {
		t.Errorf("%d to the other", got)
	}
	for range 3 {
		c.send(first)
		c.send("\r\n\r\n")
		c.want(200, "/half")
	}
}

// unreadWaits: a client whose body was not read, and has not come, keeps no memory from others.
func (s *suite) unreadWaits(t *testing.T) {
	r := start(t, s, func(l *netloop.Limits) { l.DrainTimeout = hang })
	body := string(pattern(1000))
	var unread []*client
	for i := range scarceHalves * scarceBlocks {
		c := r.dial()
		prefix := []string{"", "/inline"}[i%2]
		c.send("PUT " + prefix + "/refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" +
			body[:i])
		c.want(403, "no")
		unread = append(unread, c)
	}
	c := r.dial()
	c.send(put("/echo", pattern(100_000)))
	c.want(200, string(pattern(100_000)))
	for i, c := range unread {
		c.send(body[i:], get("/x"))
		c.want(200, "/x")
	}
}

// exhausted: while others have all memory, a request is refused in the handler's words, and keeps
// its connection if all of it has come. A loop answers even then what it can answer itself.
func (s *suite) exhausted(t *testing.T) {
	r := start(t, s, nil)
	var running []*client
	for range scarceBlocks {
		c := r.dial()
		c.send(get("/block"))
		<-r.handler.entered
		running = append(running, c)
	}
	refused, cut := r.dial(), r.dial()
	refused.send(get("/a"), put("/b", pattern(100)), get("/c")+"GET /d HTTP/1.1\r\nHo")
	for range 3 {
		if resp := refused.want(503, busyText); resp.Close {
			t.Error("a connection is to end whose request has come")
		}
	}
	refused.send("st: h\r\n\r\n")
	refused.want(503, busyText)
	if s.traits.Inline {
		refused.send(get("/inline"))
		refused.want(200, "/inline")
	}
	cut.send("PUT /e HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")
	if resp := cut.want(503, busyText); !resp.Close {
		t.Error("it is not said that the connection ends")
	}
	cut.wantEnd()
	if n := r.server.Stats().Busy; n != 5 {
		t.Errorf("%d refusals were counted, want 5", n)
	}
	close(r.handler.leave)
	for _, c := range running {
		c.want(200, "/block")
	}
	s.wait(t, "memory", func() bool {
		refused.send(get("/x"))
		resp, _ := refused.answer("GET")
		return resp.StatusCode == 200
	})
}
