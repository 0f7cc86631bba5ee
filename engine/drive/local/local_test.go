package local_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/drivetest"
	"flashstore/engine/drive/local"
	"flashstore/ioengine"
	"flashstore/ioengine/ioenginetest"
	"flashstore/ioengine/threadpool"
)

// newEngine syncs nothing but in benchmarks: a drive that is not killed, or with its process only,
// cannot tell, and TestConformance has one that does.
func newEngine(t testing.TB) ioengine.Engine {
	e := newSyncing(t)
	if _, measures := t.(*testing.B); measures {
		return e
	}
	return ioenginetest.Unsynced(e)
}

func newSyncing(t testing.TB) ioengine.Engine {
	e, err := threadpool.New(threadpool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

var identity = drive.Identity{Deployment: "dep", DriveID: "d1", Drives: 4, Parity: 2}

// config is that of a drive with short segments that reads every shard from its log.
func config(e ioengine.Engine, path string) local.Config {
	return local.Config{Path: path, Engine: e, LogSegmentBytes: 4 << 20,
		BulkSegmentBytes: 8 << 20, ShardCacheBytes: -1, Logger: slog.New(slog.DiscardHandler)}
}

func open(t testing.TB, c local.Config) *local.Drive {
	t.Helper()
	d, err := local.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func newDrive(t testing.TB) (*local.Drive, local.Config) {
	t.Helper()
	return newDriveOn(t, newEngine(t))
}

func newDriveOn(t testing.TB, e ioengine.Engine) (*local.Drive, local.Config) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d1")
	if err := local.Format(e, path, identity); err != nil {
		t.Fatal(err)
	}
	c := config(e, path)
	return open(t, c), c
}

// TestConformanceOfChecksum: the other algorithm is nothing that a drive's user sees.
func TestConformanceOfChecksum(t *testing.T) {
	t.Parallel()
	drivetest.Run(t, func(t *testing.T) (drive.Drive, func() drive.Drive) {
		d, c := newDrive(t)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		c.Checksum = local.HighwayHash
		d = open(t, c)
		return d, func() drive.Drive {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = open(t, c)
			return d
		}
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	drivetest.Run(t, func(t *testing.T) (drive.Drive, func() drive.Drive) {
		d, c := newDriveOn(t, newSyncing(t))
		return d, func() drive.Drive {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d = open(t, c)
			return d
		}
	})
}
