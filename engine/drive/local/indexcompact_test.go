package local

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"flashstore/engine/drive/local/indexfs"
	"flashstore/ioengine/threadpool"
)

// TestIndexCompacts: with one compaction at a time, begun only when the last is over or a flush
// says so, tables still do not pile up; what was left over goes on after a start.
func TestIndexCompacts(t *testing.T) {
	e, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c := Config{Engine: e, Logger: slog.New(slog.DiscardHandler)}.withDefaults()
	path := filepath.Join(t.TempDir(), indexDir)
	for round := range 3 {
		x, err := openIndex(&c, path, indexfs.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for n := range 30 {
					key := []byte(fmt.Sprintf("%c%d.%d.%d", 'a'+n%7, round, w, n))
					if err := x.db.Set(key, make([]byte, 100), pebble.NoSync); err != nil {
						t.Error(err)
					}
					if err := x.flush(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		settled(t, x)
		if err := x.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until little is left to compact; it gives up after a time that is long for this.
func settled(t *testing.T, x *index) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		m := x.db.Metrics()
		if m.Levels[0].Sublevels <= 4 && m.Compact.NumInProgress <= 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sublevels, %d compactions run", m.Levels[0].Sublevels, m.Compact.NumInProgress)
		}
		time.Sleep(time.Millisecond)
	}
}
