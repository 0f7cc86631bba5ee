package engine

import (
	"fmt"

	"flashstore/engine/erasure"
	"flashstore/engine/metrics"
)

// figures turns the Stats of the parts into metrics at each scrape.
func (e *Engine) figures(emit func(metrics.Figure)) {
	counter := func(name, help string, value uint64, labels ...metrics.Label) {
		emit(metrics.Figure{Name: name, Help: help, Kind: metrics.Counter, Labels: labels,
			Value: float64(value)})
	}
	level := func(name, help string, value int64, labels ...metrics.Label) {
		emit(metrics.Figure{Name: name, Help: help, Kind: metrics.Level, Labels: labels,
			Value: float64(value)})
	}
	for axis, s := range e.axes() {
		level("axis_info", "The active value of each axis.", 1, metrics.Label{Name: "axis",
			Value: axis}, metrics.Label{Name: "active", Value: s.Active})
	}
	e.frontFigures(counter, level)
	e.storeFigures(counter, level)
	for i, h := range e.store.Healing() {
		emit(metrics.Figure{Name: "scan_coverage_ratio", Kind: metrics.Level, Value: h.Coverage(),
			Help:   "Share of the registers that the present pass has seen; 1 behind a whole one.",
			Labels: []metrics.Label{{Name: "set", Value: fmt.Sprint(i)}}})
	}
	for i, d := range e.driveStatus() {
		label := metrics.Label{Name: "drive", Value: d.Path}
		if d.Path == "" { // no directory was given for its place
			label.Value = fmt.Sprintf("number %d", i+1)
		}
		online := int64(0)
		if d.Health == "online" {
			online = 1
		}
		level("drive_online", "1 if the drive reads and writes.", online, label)
		if d.Fault != "" {
			level("drive_away", "1 for a drive that is away, with the word for its fault.", 1,
				label, metrics.Label{Name: "fault", Value: d.Fault})
		}
		level("drive_free_bytes", "Free space of the drive's file system.", d.FreeBytes, label)
		counter("drive_commits_total", "Records committed.", d.Commits, label)
		counter("drive_batches_total", "Log writes that carried them.", d.Batches, label)
	}
}

type (
	countFunc func(name, help string, value uint64, labels ...metrics.Label)
	levelFunc func(name, help string, value int64, labels ...metrics.Label)
)

// frontFigures are those of the server and of memory.
func (e *Engine) frontFigures(counter countFunc, level levelFunc) {
	n := e.server.Stats()
	level("connections", "Open connections.", n.Connections)
	counter("connections_accepted_total", "Connections accepted.", n.Accepted)
	counter("connections_refused_total",
		"Connections over a limit: of all, of an address, of files, of handshakes.", n.Refused)
	counter("http_requests_total", "Requests parsed.", n.Requests)
	counter("http_busy_total", "Requests answered 503 before they had a worker and memory.", n.Busy)
	counter("http_aborted_total", "Answers that ended before their end.", n.AbortedReplies)
	counter("http_malformed_total", "Heads and chunk framings refused by the parser.", n.Malformed)
	counter("http_timeouts_total", "Connections cut by a deadline or rate.", n.TimedOut)
	counter("socket_read_bytes_total", "Bytes read from clients.", n.ReadBytes)
	counter("socket_written_bytes_total", "Bytes written to clients.", n.WrittenBytes)
	counter("socket_writes_total", "Write calls to clients.", n.WriteCalls)
	if e.certs != nil {
		counter("tls_handshakes_total", "TLS handshakes that succeeded.", n.Handshakes)
		counter("tls_handshakes_failed_total", "TLS handshakes that did not.", n.HandshakesFailed)
		level("tls_expires_seconds", "When the certificate expires, in Unix time.",
			e.certs.Leaf().NotAfter.Unix())
	}
	md5 := e.s3.MD5Lanes()
	counter("md5_lane_steps_total", "Steps of MD5 in lanes: a block of each stream in them.",
		md5.Steps)
	counter("md5_lane_blocks_total", "Blocks of 64 bytes hashed in them.", md5.Blocks)
	m := e.allocator.Stats()
	level("blocks_in_use", "64 KiB blocks lent out.", m.BlocksInUse)
	level("memory_reserved_bytes", "Memory the allocator holds.", m.ReservedBytes)
	counter("blocks_borrowed_total", "Blocks lent.", m.BlocksBorrowed)
	counter("memory_exhausted_total", "Times that no block was left for a head or a body.",
		m.Exhausted+e.bodies.Exhausted()+e.answers.Exhausted())
	counter("memory_heap_fallbacks_total", "Allocations served by the Go heap.",
		m.HeapFallbacks)
}

// healFigures are those of the healing of a set.
func (e *Engine) healFigures(set metrics.Label, h *erasure.HealStatus, counter countFunc,
	level levelFunc) {
	level("objects_short_of_parity", "Registers that are known not to be on every drive.",
		int64(h.Short), set)
	level("heal_undecided", "Registers that the last pass could not decide.", int64(h.Undecided), set)
	level("heal_running", "1 while a pass over all registers runs.", int64(oneIf(h.Running)), set)
	level("heal_whole", "1 if every register is on every drive, as far as is known.",
		int64(oneIf(h.Whole)), set)
	counter("healed_total", "Registers of which a drive was given its copy.", h.Healed, set)
	counter("heal_bytes_total", "Bytes written to heal.", uint64(h.Bytes), set)
}

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// storeFigures are those of the erasure sets and the I/O engine.
func (e *Engine) storeFigures(counter countFunc, level levelFunc) {
	s := e.store.Stats()
	counter("lost_undecided_total", "Unacknowledged writes that no drive could bring back.",
		s.LostUndecided)
	counter("tombstones_forgotten_total", "Tombstones that every drive had, dropped.", s.Forgotten)
	for i, h := range e.store.Healing() {
		e.healFigures(metrics.Label{Name: "set", Value: fmt.Sprint(i)}, &h, counter, level)
	}
	for i, one := range s.Sets {
		set := metrics.Label{Name: "set", Value: fmt.Sprint(i)}
		level("drives_online", "Drives of the set that read and write.", int64(one.DrivesOnline), set)
		level("write_quorum", "Drives of the set that must hold a write.", int64(one.WriteQuorum),
			set)
	}
	counter("acked_below_full_total", "Writes acknowledged on fewer than all drives.",
		s.AckedBelowFull)
	counter("writes_decided_total", "Undecided writes rolled forward.", s.Decided)
	counter("reads_degraded_total", "Stripes rebuilt from parity.", s.DegradedReads)
	counter("reads_undecided_total", "Reads answered 503 until a write is decided.",
		s.Undecided)
	counter("quorum_missed_total", "Commits below the write quorum.", s.QuorumMissed)
	counter("codec_calls_total", "Reed-Solomon calls.", s.Codec.Encodes+s.Codec.Rebuilds)
	i := e.io.Stats()
	counter("io_read_bytes_total", "Bytes read from drives.", i.ReadBytes)
	counter("io_write_bytes_total", "Bytes written to drives.", i.WriteBytes)
	counter("io_synced_writes_total", "Writes and syncs that reached stable storage.",
		i.SyncWrites)
	counter("io_errors_total", "Failed operations on drives.", i.Errors)
	counter("io_cached_reads_total", "Reads served by the page cache at once.", i.CachedReads)
}
