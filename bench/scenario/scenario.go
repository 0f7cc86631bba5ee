package scenario

import "time"

// Schema is the only version of the file format so far.
const Schema = 1

// Scenario is one question and how to answer it.
type Scenario struct {
	Schema   int      `yaml:"schema"`
	Name     string   `yaml:"name"`
	Question string   `yaml:"question"`
	Workload Workload `yaml:"workload"`
	Run      Run      `yaml:"run"`
	Server   Server   `yaml:"server"`
	Matrix   Matrix   `yaml:"matrix"`
	Sweep    Sweep    `yaml:"sweep"`
	Requires Requires `yaml:"requires"`
	Metrics  Metrics  `yaml:"metrics"`
	Gate     Gate     `yaml:"gate"`

	// Family is the name in the file, where a sweep has made several scenarios of it.
	Family string `yaml:"-"`
}

// Workload is what the client does.
type Workload struct {
	Driver         string  `yaml:"driver"`          // warp, or load: our own, which takes less CPU
	Op             string  `yaml:"op"`              // see Ops
	ObjSize        Bytes   `yaml:"obj_size"`        // of every object
	RangeSize      Bytes   `yaml:"range_size"`      // get: of each read, at a random offset; 0: all
	Batch          int     `yaml:"batch"`           // delete: objects a request
	Objects        int     `yaml:"objects"`         // on the server before the clock runs; not for put
	Concurrent     int     `yaml:"concurrent"`      // requests in flight
	Rate           Percent `yaml:"rate"`            // load: of the base's peak, due whatever happens
	PayloadSigning string  `yaml:"payload_signing"` // signed or unsigned
	Data           string  `yaml:"data"`            // preload (once a comparison) or fresh (each leg)
	Cache          string  `yaml:"cache"`           // get: hot (default) or cold, both proven, or any
}

// Ops lists what a workload can do. multipart is a put in parts of 16 MiB, warp's own size.
func Ops() []string {
	return []string{"get", "put", "mixed", "list", "stat", "delete", "multipart"}
}

// Reads says whether nothing is written while the clock runs.
func (w *Workload) Reads() bool { return w.Op == "get" || w.Op == "stat" || w.Op == "list" }

// StartsEmpty says whether the load needs no objects to be there.
func (w *Workload) StartsEmpty() bool { return w.Op == "put" || w.Op == "multipart" }

// Server is what does not vary within the scenario.
type Server struct {
	Drives     int    `yaml:"drives"`
	Parity     int    `yaml:"parity"`
	Durability string `yaml:"durability"` // full or relaxed
	// Lost drives are taken away once the data is preloaded: reads of it need parity.
	Lost int  `yaml:"lost"`
	TLS  bool `yaml:"tls"` // HTTPS with a certificate made for the leg
	// Cores of the server, as many for the client; 0: half of the machine.
	Cores int `yaml:"-"`
}

// Requires says what a machine must have; where it lacks it, the scenario is skipped.
type Requires struct {
	DiskFree Bytes `yaml:"disk_free"`
	Cores    int   `yaml:"cores"`
}

// Metrics names the measure that decides, those that say whether they agree and those only shown.
type Metrics struct {
	Primary     string   `yaml:"primary"`
	Corroborate []string `yaml:"corroborate"`
	Report      []string `yaml:"report"`
}

// Gate holds the margins within which a difference does not matter.
type Gate struct {
	MinEffect    Percent `yaml:"min_effect"`
	CPUMinEffect Percent `yaml:"cpu_min_effect"`
	P99          string  `yaml:"p99"` // warn or fail
	MaxErrors    int     `yaml:"max_errors"`
}

// Margin is the share of a metric below which a difference does not matter.
func (g *Gate) Margin(metric string) float64 {
	if metric == "server_cpu_us_per_op" {
		return float64(g.CPUMinEffect) / 100
	}
	return float64(g.MinEffect) / 100
}

// defaults is what a file need not say.
func defaults() Scenario {
	return Scenario{
		Workload: Workload{Driver: "warp", Concurrent: 16, PayloadSigning: "signed"},
		Run: Run{
			Duration: 14 * time.Second, TrimHead: 2 * time.Second, TrimTail: 2 * time.Second,
			Design: "paired", Pairs: 6, ConfirmPairs: 12, Seed: 42,
		},
		Server:  Server{Drives: 4, Parity: 2, Durability: "full"},
		Metrics: Metrics{Primary: "ops_per_s"},
		Gate:    Gate{MinEffect: 3, CPUMinEffect: 3, P99: "warn"},
	}
}
