package engine

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/engine/config"
)

// TestAddressInUse: the address is taken before a drive is made, so a start that fails for it
// leaves nothing behind.
func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, netloop := range []string{"epoll", "nethttp", "netconn"} {
		c := config.Defaults()
		c.Address, c.Netloop, c.IOEngine = taken.Addr().String(), netloop, "threadpool"
		c.RootUser, c.RootPassword = "someone", "a password"
		c.Drives = []string{filepath.Join(t.TempDir(), "d1")}
		_, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.Address) ||
			!strings.Contains(err.Error(), "--address") {
			t.Errorf("%s: %v", netloop, err)
		}
		if _, err := os.Stat(c.Drives[0]); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the drive was made: %v", netloop, err)
		}
	}
}
