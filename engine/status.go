package engine

import (
	"runtime"
	"runtime/debug"
	"time"

	"flashstore/engine/drive"
)

// Version of the software.
const Version = "0.1.0"

// Status is the document of GET /flashstore/v1/status.
type Status struct {
	Version string                `json:"version"`
	Go      string                `json:"go"`
	Axes    map[string]AxisStatus `json:"axes"`
	Sets    []SetStatus           `json:"sets"`
	Store   StoreStatus           `json:"store"`
	Drives  []DriveStatus         `json:"drives"`
	Heal    HealStatus            `json:"heal"`
	Cost    CostStatus            `json:"cost"`
	TLS     TLSStatus             `json:"tls"`
	// ServerErrors counts requests answered with a status of 5xx but 501.
	ServerErrors uint64 `json:"server_errors"`
}

// AxisStatus is what was asked of an axis, what runs, and a counter that proves it is in use.
type AxisStatus struct {
	Requested string `json:"requested"`
	Active    string `json:"active"`
	Why       string `json:"why,omitempty"` // active differs from requested
	Proof     Proof  `json:"proof"`
}

// Proof is a counter that only the active part moves.
type Proof struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// SetStatus is one erasure set.
type SetStatus struct {
	DataShards   int  `json:"data_shards"`
	ParityShards int  `json:"parity_shards"`
	WriteQuorum  int  `json:"write_quorum"`
	DrivesOnline int  `json:"drives_online"`
	ReadOnly     bool `json:"read_only"`
}

// StoreStatus is what all sets did together.
type StoreStatus struct {
	AckedBelowFull uint64 `json:"acked_below_full"`
	DegradedReads  uint64 `json:"degraded_reads"`
}

// TLSStatus says whether clients speak TLS, and how it goes.
type TLSStatus struct {
	Active           string     `json:"active"`            // on or off
	Expires          *time.Time `json:"expires,omitempty"` // of the certificate that is shown
	Handshakes       uint64     `json:"handshakes"`
	HandshakesFailed uint64     `json:"handshakes_failed"`
}

// DriveStatus is one drive, or a directory that was given and holds no drive of the set.
type DriveStatus struct {
	Path     string `json:"path"`
	Set      int    `json:"set"`      // -1: no place is left for it
	Position int    `json:"position"` // within the set
	Health   string `json:"health"`
	// Fault is a word for why the drive is away, Reason a sentence.
	Fault      string `json:"fault,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Term       uint64 `json:"term"`
	TotalBytes int64  `json:"total_bytes"`
	FreeBytes  int64  `json:"free_bytes"`
	Commits    uint64 `json:"commits"`
	Batches    uint64 `json:"batches"`
}

// status reads the present state of all parts.
func (e *Engine) status() Status {
	store := e.store.Stats()
	sets := make([]SetStatus, len(store.Sets))
	for i, s := range store.Sets {
		sets[i] = SetStatus{DataShards: s.Layout.Data, ParityShards: s.Layout.Parity,
			WriteQuorum: s.WriteQuorum, DrivesOnline: s.DrivesOnline, ReadOnly: !s.Writable}
	}
	return Status{
		Version: Version + revision(),
		Go:      runtime.Version(),
		Axes:    e.axes(),
		Sets:    sets,
		Store: StoreStatus{AckedBelowFull: store.AckedBelowFull,
			DegradedReads: store.DegradedReads},
		Drives: e.driveStatus(),
		Heal:   e.healing(),
		Cost:   e.cost(),
		TLS:    e.tlsStatus(),

		ServerErrors: e.s3.ServerErrors(),
	}
}

func (e *Engine) tlsStatus() TLSStatus {
	net := e.server.Stats()
	s := TLSStatus{Active: e.TLS(), Handshakes: net.Handshakes,
		HandshakesFailed: net.HandshakesFailed}
	if e.certs != nil {
		s.Expires = &e.certs.Leaf().NotAfter
	}
	return s
}

// Active is the value of an axis that runs, which may not be the one asked for.
func (e *Engine) Active(axis string) string { return e.axes()[axis].Active }

// axes says of each axis what was asked and what runs.
func (e *Engine) axes() map[string]AxisStatus {
	c := &e.config
	net, memory, io := e.server.Stats(), e.allocator.Stats(), e.io.Stats()
	simd := e.store.Stats().Codec
	all := map[string]AxisStatus{
		"netloop": {c.Netloop, net.Name, "", Proof{"requests", net.Requests}},
		"allocator": {c.Allocator, e.allocator.Properties().Name, "",
			Proof{"blocks_borrowed", memory.BlocksBorrowed}},
		"ioengine": {c.IOEngine, e.io.Properties().Name, e.ioWhy, Proof{"pool_ops", io.PoolOps}},
		"simd":     {c.SIMD, simd.Path, "", Proof{"codec_calls", simd.Encodes + simd.Rebuilds}},
		"durability": {c.Durability, c.Durability, "",
			Proof{"synced_writes", io.SyncWrites}},
		"checksum": {c.Checksum, c.Checksum, "",
			Proof{c.Checksum + "_chunks", e.drives.summedChunks()}},
		"etag": {c.ETag, c.ETag, "", Proof{c.ETag + "_etags", e.s3.ETags()}},
	}
	if a := all["netloop"]; a.Active == "epoll" {
		a.Proof = Proof{"epoll_events", net.EpollEvents}
		all["netloop"] = a
	}
	if a := all["ioengine"]; a.Active == "uring" {
		a.Proof = Proof{"cqes", io.CQEs}
		all["ioengine"] = a
	}
	if a := all["durability"]; c.Durability == "relaxed" {
		a.Proof = Proof{"write_bytes", io.WriteBytes}
		all["durability"] = a
	}
	return all
}

func (e *Engine) driveStatus() []DriveStatus {
	var all []DriveStatus
	away := func(s *slot, set, position int) {
		all = append(all, DriveStatus{Path: s.path, Set: set, Position: position,
			Health: drive.Offline.String(), Fault: string(faultOf(s.away)),
			Reason: s.away.Error()})
	}
	slots := e.drives.view()
	for i := range slots {
		s, set, position := &slots[i], i%len(e.drives.sizes), i/len(e.drives.sizes)
		if s.drive == nil {
			away(s, set, position)
			continue
		}
		info := s.drive.Info()
		all = append(all, DriveStatus{Path: s.path, Set: set, Position: position,
			Health: info.Health.String(), Reason: info.Reason, Term: info.Term, TotalBytes: info.TotalBytes,
			FreeBytes: info.FreeBytes, Commits: info.Counters.Commits,
			Batches: info.Counters.Batches})
	}
	for i := range e.drives.spare {
		away(&e.drives.spare[i], -1, -1)
	}
	return all
}

// revision is "+" and the short git revision of the build, if it is known.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "+" + s.Value[:12]
		}
	}
	return ""
}

// VersionString is the version as people quote it.
func VersionString() string { return Version + revision() }
