package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

const statusPath = "/flashstore/v1/status"

// status is what these tests read of the status document.
type status struct {
	Axes map[string]struct {
		Requested, Active, Why string
		Proof                  struct {
			Name  string
			Count uint64
		}
	}
	Sets []struct {
		DataShards   int  `json:"data_shards"`
		ParityShards int  `json:"parity_shards"`
		WriteQuorum  int  `json:"write_quorum"`
		DrivesOnline int  `json:"drives_online"`
		ReadOnly     bool `json:"read_only"`
	}
	Drives []struct{ Path, Health, Reason string }
	TLS    struct {
		Active           string
		Expires          time.Time
		Handshakes       uint64
		HandshakesFailed uint64 `json:"handshakes_failed"`
	}
	Cost cost
}

// cost is what the server has spent.
type cost struct {
	Requests     uint64
	Connections  int64
	Goroutines   int
	BlocksInUse  int64   `json:"blocks_in_use"`
	CPUSeconds   float64 `json:"cpu_seconds"`
	HeapObjects  uint64  `json:"heap_objects"`
	EpollWaits   uint64  `json:"epoll_waits"`
	SocketReads  uint64  `json:"socket_reads"`
	SocketWrites uint64  `json:"socket_writes"`
	IOEnters     uint64  `json:"io_enters"`
	CachedReads  uint64  `json:"cached_reads"`
	SyncedWrites uint64  `json:"synced_writes"`
	DriveRead    uint64  `json:"drive_bytes_read"`
	DriveWritten uint64  `json:"drive_bytes_written"`
	Copied       uint64  `json:"copied_bytes"`
	Sampled      uint64  `json:"sampled"`
	Phases       struct {
		Receive float64 `json:"receive_seconds"`
		Admit   float64 `json:"admit_seconds"`
		Execute float64 `json:"execute_seconds"`
		Respond float64 `json:"respond_seconds"`
	} `json:"phases"`
}

// since is what was spent after before, of what the targets of writes speak of.
func (c *cost) since(before *cost) cost {
	return cost{CPUSeconds: c.CPUSeconds - before.CPUSeconds,
		HeapObjects:  c.HeapObjects - before.HeapObjects,
		IOEnters:     c.IOEnters - before.IOEnters,
		SyncedWrites: c.SyncedWrites - before.SyncedWrites,
		Copied:       c.Copied - before.Copied}
}

func (s *server) status() (doc status) {
	s.t.Helper()
	a := s.must(s.t, http.StatusOK, request{method: "GET", path: statusPath})
	if err := json.Unmarshal(a.body, &doc); err != nil {
		s.t.Fatal(err)
	}
	return doc
}

// proveETag puts and gets an object whose entity tag has to be of a kind.
func (s *server) proveETag(kind string) {
	s.t.Helper()
	o := stored{path: "/proof/object", content: content{1, stripeBytes}}
	a := s.must(s.t, http.StatusOK, request{method: "PUT", path: o.path, stream: o.reader(),
		streamBytes: o.sizeBytes})
	if plain := a.etag() == o.content.etag(); plain != (kind == "md5") ||
		!plain && !strings.HasSuffix(a.etag(), "-1") {
		s.t.Errorf("etag %s: %s", kind, a.etag())
	}
	if err := s.readable(o); err != nil {
		s.t.Error(err)
	}
}

// TestStatusProvesTheAxes: what was asked runs, and a counter that only it moves says so.
func TestStatusProvesTheAxes(t *testing.T) {
	for _, want := range []map[string]string{
		{"netloop": "epoll", "allocator": "arena", "ioengine": "uring", "simd": "avx2",
			"durability": "full", "checksum": "highwayhash", "etag": "fast"},
		{"netloop": "nethttp", "allocator": "syncpool", "ioengine": "threadpool",
			"simd": "ssse3", "durability": "relaxed", "checksum": "xxh3", "etag": "md5"},
		{"netloop": "netconn", "allocator": "heap", "ioengine": "uring", "simd": "scalar",
			"durability": "full", "checksum": "highwayhash", "etag": "fast"},
	} {
		var args []string
		for axis, value := range want {
			args = append(args, "--"+axis, value)
		}
		s := newServer(t, 4, args...).start()
		before := s.status()
		s.must(t, http.StatusOK, request{method: "PUT", path: "/proof"})
		s.proveETag(want["etag"])
		after := s.status()
		for axis, value := range want {
			a, b := after.Axes[axis], before.Axes[axis]
			if a.Requested != value || a.Active != value && a.Why == "" {
				t.Errorf("%s: asked for %q: %+v", axis, value, a)
			}
			if a.Proof.Count <= b.Proof.Count {
				t.Errorf("%s %s: %s went from %d to %d", axis, value, a.Proof.Name,
					b.Proof.Count, a.Proof.Count)
			}
		}
		if set := after.Sets[0]; set.DataShards != 2 || set.ParityShards != 2 ||
			set.WriteQuorum != 3 || set.DrivesOnline != 4 || set.ReadOnly {
			t.Errorf("set: %+v", set)
		}
		if after.TLS.Active != "off" || !strings.Contains(s.log(), "tls=off") {
			t.Errorf("TLS: %+v, and the log says\n%s", after.TLS, s.log())
		}
		if want["durability"] == "relaxed" && !strings.Contains(s.log(), "relaxed") {
			t.Error("the log does not warn of relaxed durability")
		}
		s.stop()
	}
}

// TestStatusNamesTheDriveThatIsAway: and that the set cannot be written, where it cannot.
func TestStatusNamesTheDriveThatIsAway(t *testing.T) {
	s := formatted(t, 2)
	s.hide([]int{1})
	s.start()
	doc := s.status()
	if !doc.Sets[0].ReadOnly || doc.Sets[0].DrivesOnline != 1 || len(doc.Drives) != 2 ||
		doc.Drives[1].Health != "offline" || !strings.Contains(doc.Drives[1].Reason, s.drives[1]) {
		t.Errorf("%+v", doc)
	}
	for which, want := range map[string]int{"live": 200, "ready": 200, "cluster": 503} {
		if got := s.health(which); got != want {
			t.Errorf("health/%s: %d, want %d", which, got, want)
		}
	}
	s.wantKept()
	s.stop()
}

// TestOwnEndpointsNeedCredentials: health says one word to everybody; status wants root's
// signature in the header, metrics the token; everything else is not there.
func TestOwnEndpointsNeedCredentials(t *testing.T) {
	s := newServer(t, 1)
	s.env = append(s.env, "FLASHSTORE_METRICS_TOKEN=let-me-see")
	s.start()
	bearer := func(token string) http.Header {
		return http.Header{"Authorization": {"Bearer " + token}}
	}
	for _, c := range []struct {
		name, path string
		header     http.Header
		want       int
	}{
		{"live", "/flashstore/health/live", nil, 200},
		{"ready", "/flashstore/health/ready", nil, 200},
		{"cluster", "/flashstore/health/cluster", nil, 200},
		{"metrics without a token", "/flashstore/metrics", nil, 401},
		{"metrics with another", "/flashstore/metrics", bearer("let-me-se"), 401},
		{"metrics with none", "/flashstore/metrics", bearer(""), 401},
		{"metrics with the token", "/flashstore/metrics", bearer("let-me-see"), 200},
		{"status without a signature", statusPath, nil, 403},
		{"status with the token of metrics", statusPath, bearer("let-me-see"), 403},
		{"profiles", "/flashstore/debug/pprof/", nil, 404},
		{"a way around", "/flashstore/health/../v1/status", nil, 404},
		{"buckets without a signature", "/", nil, 403},
	} {
		a, err := s.plain("GET", c.path, c.header)
		if err != nil || a.status != c.want {
			t.Errorf("%s: %v, %v, want %d", c.name, a, err, c.want)
		}
		if c.want == 200 && strings.HasPrefix(c.path, "/flashstore/health") && len(a.body) > 64 {
			t.Errorf("%s says too much: %s", c.name, a.body)
		}
	}
	s.must(t, http.StatusOK, request{method: "GET", path: statusPath})
	wrong := *s.client
	wrong.who.SecretAccessKey = "another secret"
	wrong.must(t, http.StatusForbidden, request{method: "GET", path: statusPath})
	if strings.Contains(s.log(), "let-me-see") {
		t.Error("the token is in the log")
	}
	s.stop()
}

// TestPublicMetrics: on demand, and complete enough to watch a server by.
func TestPublicMetrics(t *testing.T) {
	s := newServer(t, 4, "--metrics-public").start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/measured"})
	s.put("/measured/object", content{1, 1000}, http.StatusOK)
	a, err := s.plain("GET", "/flashstore/metrics", nil)
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%v, %v", a, err)
	}
	for _, want := range []string{`flashstore_axis_info{active="epoll",axis="netloop"} 1`,
		`flashstore_drives_online{set="0"} 4`, `flashstore_write_quorum{set="0"} 3`,
		"flashstore_drive_commits_total{", "flashstore_http_requests_total"} {
		if !strings.Contains(string(a.body), want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(string(a.body), rootPassword) {
		t.Error("the secret is in the metrics")
	}
	s.stop()
}

// TestAdminStatus: the command asks the server, and says what is wrong when it cannot.
func TestAdminStatus(t *testing.T) {
	s := newServer(t, 1).start()
	code, said := flashstore(t, s.env, "admin", "status", "--server", s.base)
	if code != 0 || !json.Valid([]byte(said)) || !strings.Contains(said, s.drives[0]) {
		t.Errorf("exit %d\n%s", code, said)
	}
	wrong := []string{s.env[0], "FLASHSTORE_ROOT_PASSWORD=another secret"}
	if code, said = flashstore(t, wrong, "admin", "status", "--server", s.base); code != 1 ||
		!strings.Contains(said, "credentials") {
		t.Errorf("with a wrong secret: exit %d\n%s", code, said)
	}
	if code, said = flashstore(t, nil, "admin", "status", "--server", s.base); code != 2 ||
		!strings.Contains(said, "FLASHSTORE_ROOT_USER") {
		t.Errorf("without credentials: exit %d\n%s", code, said)
	}
	s.stop()
	if code, said = flashstore(t, s.env, "admin", "status", "--server", s.base); code != 1 ||
		!strings.Contains(said, "running") {
		t.Errorf("without a server: exit %d\n%s", code, said)
	}
}
