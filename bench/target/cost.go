package target

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
}

// Phases are seconds of the requests that were sampled.
type Phases struct {
	Receive float64 `json:"receive_seconds"`
	Admit   float64 `json:"admit_seconds"`
	Execute float64 `json:"execute_seconds"`
	Respond float64 `json:"respond_seconds"`
}

// Add adds to c what was spent between two accounts.
func (c *Cost) Add(after, before *Cost) {
	to, a, b := c.fields(), after.fields(), before.fields()
	for i := range to {
		*to[i] += *a[i] - *b[i]
	}
}

func (c *Cost) fields() []*float64 {
	return []*float64{&c.Requests, &c.CPUSeconds, &c.HeapObjects, &c.EpollWaits, &c.SocketReads,
		&c.SocketWrites, &c.IOEnters, &c.CachedReads, &c.SyncedWrites, &c.DriveRead, &c.DriveWritten,
		&c.Copied, &c.Sampled, &c.Phases.Receive, &c.Phases.Admit, &c.Phases.Execute,
		&c.Phases.Respond}
}
