package target

import "encoding/json"

// Cost is what our server says it has spent since it began; see the status document. All are sums.
type Cost struct {
	Requests     float64 `json:"requests"`
	CPUSeconds   float64 `json:"cpu_seconds"`
	HeapObjects  float64 `json:"heap_objects"`
	EpollWaits   float64 `json:"epoll_waits"`
	SocketReads  float64 `json:"socket_reads"`
	SocketWrites float64 `json:"socket_writes"`
	IOEnters     float64 `json:"io_enters"`
	CachedReads  float64 `json:"cached_reads"`
	SyncedWrites float64 `json:"synced_writes"`
	DriveRead    float64 `json:"drive_bytes_read"`
	DriveWritten float64 `json:"drive_bytes_written"`
	Copied       float64 `json:"copied_bytes"`
	Sampled      float64 `json:"sampled"`
	Phases       Phases  `json:"phases"`

	said map[string]json.RawMessage // what the document holds; nil where there was none
}

// Phases are seconds of the requests that were sampled.
type Phases struct {
	Receive float64 `json:"receive_seconds"`
	Admit   float64 `json:"admit_seconds"`
	Execute float64 `json:"execute_seconds"`
	Respond float64 `json:"respond_seconds"`
}

// UnmarshalJSON notes which accounts the document has: an older server lacks some.
func (c *Cost) UnmarshalJSON(text []byte) error {
	type plain Cost
	if err := json.Unmarshal(text, (*plain)(c)); err != nil {
		return err
	}
	return json.Unmarshal(text, &c.said)
}

// Add adds to c what was spent between two accounts.
func (c *Cost) Add(after, before *Cost) {
	to, a, b := c.fields(), after.fields(), before.fields()
	for i := range to {
		*to[i] += *a[i] - *b[i]
	}
}

// PerRequest is what a request cost between two accounts, by the names of the status document that
// it has; nil without requests.
func (c *Cost) PerRequest(before *Cost) map[string]float64 {
	n := c.Requests - before.Requests
	if !(n > 0) {
		return nil
	}
	out := map[string]float64{}
	earlier := before.counts()
	for name, field := range c.counts() {
		if _, ok := c.said[name]; ok || c.said == nil {
			out[name] = (field - earlier[name]) / n
		}
	}
	return out
}

// counts are the accounts that do not depend on time.
func (c *Cost) counts() map[string]float64 {
	return map[string]float64{
		"socket_reads": c.SocketReads, "socket_writes": c.SocketWrites, "io_enters": c.IOEnters,
		"cached_reads": c.CachedReads, "synced_writes": c.SyncedWrites,
		"drive_bytes_read": c.DriveRead, "drive_bytes_written": c.DriveWritten,
		"copied_bytes": c.Copied, "heap_objects": c.HeapObjects, "epoll_waits": c.EpollWaits,
	}
}

func (c *Cost) fields() []*float64 {
	return []*float64{&c.Requests, &c.CPUSeconds, &c.HeapObjects, &c.EpollWaits, &c.SocketReads,
		&c.SocketWrites, &c.IOEnters, &c.CachedReads, &c.SyncedWrites, &c.DriveRead, &c.DriveWritten,
		&c.Copied, &c.Sampled, &c.Phases.Receive, &c.Phases.Admit, &c.Phases.Execute,
		&c.Phases.Respond}
}
