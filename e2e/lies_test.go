package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// TestRegisterSeesLies: the check of the crash test finds each way in which a server could
// break its word. Attempts 1 and 2 were acknowledged, 3 was not.
func TestRegisterSeesLies(t *testing.T) {
	for _, c := range []struct {
		name     string
		sequence uint64 // 0: answers 404
		body     func(g *register) []byte
		honest   bool
	}{
		{"the acknowledged state", 2, func(g *register) []byte { return g.content(2, 0).bytes() },
			true},
		{"a later state", 3, func(g *register) []byte { return g.content(3, 0).bytes() }, true},
		{"an older state", 1, func(g *register) []byte { return g.content(1, 0).bytes() }, false},
		{"a state nobody wrote", 4, func(*register) []byte { return nil }, false},
		{"absent", 0, nil, false},
		{"metadata of another state", 2, func(g *register) []byte {
			return g.content(3, 0).bytes()
		}, false},
		{"a torn end", 2, func(g *register) []byte { return g.content(2, 0).slice(0, 999) }, false},
		{"a byte too many", 2, func(g *register) []byte {
			return append(g.content(2, 0).bytes(), 0)
		}, false},
		{"a part of another key", 2, func(g *register) []byte {
			return content{g.content(2, 0).seed + 1, 1000}.bytes()
		}, false},
	} {
		g := newRegister("/bucket/key", 1)
		for s := range uint64(3) {
			g.sizes[s+1] = []int64{1000}
		}
		g.last, g.settled, g.pending = 3, 2, []uint64{3}
		liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.body == nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("X-Amz-Meta-Sequence", strconv.FormatUint(c.sequence, 10))
			fmt.Fprintf(w, "%s", c.body(g))
		}))
		if err := g.check(newClient(liar.URL)); (err == nil) != c.honest {
			t.Errorf("%s: %v", c.name, err)
		}
		liar.CloseClientConnections()
		liar.Close()
	}
}
