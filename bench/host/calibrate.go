package host

import (
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Calibration is how long fixed work took: a machine that changes between two legs shows here.
type Calibration struct {
	Hash time.Duration `json:"hash_ns"` // SHA-256 over the same 8 MiB, all rounds for such a load
	Sync time.Duration `json:"sync_ns"` // median of synced 4 KiB overwrites
}

// The shares by which two calibrations of a pair may differ. A disk that others share moves by 4 to
// 95% from leg to leg (ARCHITECTURE, "The testbed"), whatever the legs then measure:
// a single pair is spoilt by a stall only. Whether the disk leans to one side, all pairs tell.
const (
	DriftMax     = 0.05 // of the hashing
	SyncDriftMax = 0.5  // of synced writes
)

// Drift is the relative change from a to b of the part nearest to its bound, and whether that is
// exceeded; synced writes count only where the load writes.
func Drift(a, b Calibration, writes bool) (drift float64, tooMuch bool) {
	hash, sync := relative(a.Hash, b.Hash), relative(a.Sync, b.Sync)
	if writes && sync/SyncDriftMax > hash/DriftMax {
		return sync, sync > SyncDriftMax
	}
	return hash, hash > DriftMax
}

func relative(a, b time.Duration) float64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	return math.Abs(float64(b-a)) / float64(min(a, b))
}

const (
	hashRounds = 40      // of 8 MiB: 200 ms with SHA-NI
	hashBytes  = 8 << 20 // larger than most L2 caches
	syncWrites = 64      // some 10 ms where a flush costs 150 µs
	syncBytes  = 4 << 10
)

// loadFull is the shortest load for which all of that is done: a tenth of it with SHA-NI and a fast
// disk. Before shorter ones, which only tests have, it is done in proportion, down to an eighth.
const (
	loadFull   = 2 * time.Second
	shareLeast = 1. / 8
)

// Calibrate runs the fixed work, the same for loads of the same length, with the synced writes in a
// file below dir, which it removes.
func Calibrate(dir string, load time.Duration) (Calibration, error) {
	var c Calibration
	share := shareFor(load)
	buffer := make([]byte, hashBytes)
	start := time.Now()
	for range int(share * hashRounds) {
		sum := sha256.Sum256(buffer)
		buffer[0] = sum[0] // the next round depends on this one
	}
	c.Hash = time.Since(start)
	var err error
	if c.Sync, err = syncedWrites(filepath.Join(dir, "calibrate"),
		int(share*syncWrites)); err != nil {
		return Calibration{}, fmt.Errorf("calibrate: %w", err)
	}
	return c, nil
}

// shareFor is how much of the work is done before such a load.
func shareFor(load time.Duration) float64 {
	return min(1, max(shareLeast, load.Seconds()/loadFull.Seconds()))
}

// syncedWrites is the median of n overwrites.
func syncedWrites(path string, n int) (time.Duration, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC|unix.O_DSYNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	defer f.Close()
	block := make([]byte, syncBytes)
	var took []time.Duration
	for i := range 2 * n {
		start := time.Now()
		if _, err := f.WriteAt(block, int64(i%n)*syncBytes); err != nil {
			return 0, err
		}
		// The first pass allocates; only overwrites are like each other.
		if i >= n {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
