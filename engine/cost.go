package engine

import (
	"runtime"
	"runtime/metrics"
	"syscall"
	"time"

	"flashstore/netloop"
)

// CostStatus is what the process has spent since it began, by exact counts and by the kernel's
// accounting: the difference of two of them, by the requests between, is what a request costs.
type CostStatus struct {
	Requests         uint64  `json:"requests"`
	Connections      int64   `json:"connections"`        // open now
	Goroutines       int     `json:"goroutines"`         // now
	BlocksInUse      int64   `json:"blocks_in_use"`      // now, of request memory
	CPUSeconds       float64 `json:"cpu_seconds"`        // user and system
	CPUSystemSeconds float64 `json:"cpu_system_seconds"` // part of it
	HeapObjects      uint64  `json:"heap_objects"`       // made; tiny ones that share a block are one
	EpollWaits       uint64  `json:"epoll_waits"`
	SocketReads      uint64  `json:"socket_reads"`
	SocketWrites     uint64  `json:"socket_writes"`
	SocketBytesIn    uint64  `json:"socket_bytes_in"`
	SocketBytesOut   uint64  `json:"socket_bytes_out"`
	// IOEnters are system calls of the I/O engine: io_uring_enter, or operations of pool threads.
	IOEnters        uint64 `json:"io_enters"`
	CachedReads     uint64 `json:"cached_reads"` // preadv2 calls that the page cache answered
	CachedMisses    uint64 `json:"cached_misses"`
	SyncedWrites    uint64 `json:"synced_writes"`
	DriveBytesRead  uint64 `json:"drive_bytes_read"` // of files, those in the page cache too
	DriveBytesWrite uint64 `json:"drive_bytes_written"`
	// CopiedBytes of payload were copied in user space.
	CopiedBytes uint64 `json:"copied_bytes"`
	// Phases is the time that Sampled requests took in each phase: of those only that an event loop
	// answered itself, which waits for nothing, so that it is CPU time.
	Phases  PhaseStatus `json:"phases"`
	Sampled uint64      `json:"sampled"`
}

// PhaseStatus is seconds by the phases of a request; see netloop.Phase.
type PhaseStatus struct {
	Receive float64 `json:"receive_seconds"`
	Admit   float64 `json:"admit_seconds"`
	Execute float64 `json:"execute_seconds"`
	Respond float64 `json:"respond_seconds"`
}

// cost reads the present sums.
func (e *Engine) cost() CostStatus {
	net, io := e.server.Stats(), e.io.Stats()
	c := CostStatus{Requests: net.Requests, Connections: net.Connections,
		EpollWaits: net.EpollWaits, SocketReads: net.ReadCalls, SocketWrites: net.WriteCalls,
		SocketBytesIn: net.ReadBytes, SocketBytesOut: net.WrittenBytes,
		IOEnters: io.Enters + io.PoolOps, CachedReads: io.CachedReads, CachedMisses: io.CachedMiss,
		SyncedWrites: io.SyncWrites, DriveBytesRead: io.ReadBytes, DriveBytesWrite: io.WriteBytes,
		CopiedBytes: net.CopiedBytes, Sampled: net.Sampled, Phases: PhaseStatus{
			Receive: net.Phases[netloop.PhaseReceive].Seconds(),
			Admit:   net.Phases[netloop.PhaseAdmit].Seconds(),
			Execute: net.Phases[netloop.PhaseExecute].Seconds(),
			Respond: net.Phases[netloop.PhaseRespond].Seconds()}}
	for _, s := range e.drives.view() {
		if d := s.drive; d != nil {
			c.CopiedBytes += d.Info().Counters.CopiedBytes
		}
	}
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(heap)
	c.HeapObjects = heap[0].Value.Uint64()
	c.Goroutines, c.BlocksInUse = runtime.NumGoroutine(), e.allocator.Stats().BlocksInUse
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		system := time.Duration(used.Stime.Nano())
		c.CPUSystemSeconds = system.Seconds()
		c.CPUSeconds = (system + time.Duration(used.Utime.Nano())).Seconds()
	}
	return c
}
