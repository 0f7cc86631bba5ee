package hotpath

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flashstore/bench/load"
)

// TestHeldConnectionsMustLast: what the server has closed meanwhile was not held.
func TestHeldConnectionsMustLast(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/closes") {
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, "x")
	}))
	t.Cleanup(server.Close)
	for path, lasts := range map[string]bool{"/stays": true, "/closes": false} {
		s := &side{address: server.Listener.Addr().String()}
		all := newHeld(s, 40)
		t.Cleanup(all.close)
		use := func(c *heldConn) error {
			o := load.Object{Path: path, Bytes: 1}
			if err := ask(c.socket, s, http.MethodGet, &o, nil); err != nil {
				return err
			}
			return answered(c.socket, &o)
		}
		all.last = use
		if err := all.open(use); err != nil {
			t.Fatal(err)
		}
		if err := all.finish(); (err == nil) != lasts {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

func TestHeldNoServer(t *testing.T) {
	all := newHeld(&side{address: "127.0.0.1:1"}, 2)
	defer all.close()
	var refused *net.OpError
	if err := all.open(func(*heldConn) error { return nil }); !errors.As(err, &refused) {
		t.Errorf("error %v", err)
	}
}
