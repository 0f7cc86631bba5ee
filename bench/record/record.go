package record

import (
	"time"

	"flashstore/bench/host"
)

// Schema is the version of the lines written.
const Schema = 1

// Line is one line of the index: exactly one of its parts is set.
type Line struct {
	Schema    int         `json:"schema"`
	Session   *Session    `json:"session,omitempty"`
	Leg       *Leg        `json:"leg,omitempty"`
	End       *End        `json:"end,omitempty"`
	Verdict   *Verdict    `json:"verdict,omitempty"`
	Counts    *Counts     `json:"counts,omitempty"`
	Profile   *Profile    `json:"profile,omitempty"`
	Withdrawn *Withdrawal `json:"withdrawn,omitempty"`
}

// Profile is what an untimed leg has shown of a server.
type Profile struct {
	Session  string             `json:"session"`
	Scenario string             `json:"scenario"`
	Label    string             `json:"label"`
	At       time.Time          `json:"at"`
	Files    map[string]string  `json:"files"` // kind → path beside the record
	Numbers  map[string]float64 `json:"numbers"`
	Calls    map[string]float64 `json:"calls_per_op"`
	Notes    []string           `json:"notes,omitempty"` // what could not be measured
}

// End says that a session has measured all it wanted to: there is nothing to resume.
type End struct {
	Session string    `json:"session"`
	At      time.Time `json:"at"`
}

// Withdrawal takes back what a session has measured of a scenario. The legs stay in the file.
type Withdrawal struct {
	Session  string    `json:"session"`
	Scenario string    `json:"scenario"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
}

// Verdict is what a gate has decided on the legs before it.
type Verdict struct {
	Session  string `json:"session"`
	Scenario string `json:"scenario"`
	Verdict  string `json:"verdict"` // PASS, FAIL, INCONCLUSIVE or INVALID
	Reason   string `json:"reason"`
	Pairs    int    `json:"pairs"` // that count

	// Change is of what decided, primary metric or CPU: -0.05 is 5% worse. It and P are nil where
	// nothing was computed; earlier versions wrote 0 there.
	Change *float64 `json:"change,omitempty"`
	P      *float64 `json:"p,omitempty"`
}

// Counts are what requests have cost one server in exact counts.
type Counts struct {
	Session    string                        `json:"session"`
	Side       string                        `json:"side"`        // base or candidate
	Repetition int                           `json:"repetition"`  // from 1, each on a fresh process
	PerRequest map[string]map[string]float64 `json:"per_request"` // kind of request → name → count
}

// Session is one start of the harness.
type Session struct {
	ID          string            `json:"id"`
	Purpose     string            `json:"purpose,omitempty"` // "": run; gate, aa, peer, tune, profile
	Start       time.Time         `json:"start"`
	Machine     string            `json:"machine"` // ID of Fingerprint
	Fingerprint host.Fingerprint  `json:"fingerprint"`
	Revision    string            `json:"revision"` // of git, empty outside a repository
	Dirty       bool              `json:"dirty"`    // files changed since, records aside
	Binaries    map[string]string `json:"binaries"` // name → SHA-256
	Args        []string          `json:"args"`
	Peer        string            `json:"peer,omitempty"` // hash of what its file says
}

// Outcome of a leg. Only OK legs have figures that count.
type Outcome string

// The outcomes.
const (
	OK        Outcome = "ok"
	Skipped   Outcome = "skipped"   // the server does not run what was asked for
	Invalid   Outcome = "invalid"   // something failed: no figures
	Unsuited  Outcome = "unsuited"  // the machine is too small for the question: nothing was run
	Discarded Outcome = "discarded" // the machine drifted within the pair, which was run again
	Withdrawn Outcome = "withdrawn" // a Withdrawal takes it back: never written, but read
)

// Moment is a part of a leg's window; all are equally long.
type Moment struct {
	Seconds float64            `json:"seconds"` // from the window's begin to the end of the part
	Metrics map[string]float64 `json:"metrics"` // of the part, by the names scenario files use
}

// Leg is one server process under one load.
type Leg struct {
	Session      string            `json:"session"`
	Scenario     string            `json:"scenario"`
	ScenarioHash string            `json:"scenario_hash"` // of the scenario as run
	Base         string            `json:"base"`          // levels that differ: "nethttp"
	Candidate    string            `json:"candidate"`     // "epoll"
	Primary      string            `json:"primary"`       // metric that decides
	MinEffect    float64           `json:"min_effect"`    // share below which a difference is nothing
	Writes       bool              `json:"writes"`        // the load writes
	Pair         int               `json:"pair"`          // from 1
	Attempt      int               `json:"attempt"`       // from 1, more after drift
	Side         string            `json:"side"`          // base or candidate
	Position     int               `json:"position"`      // 1 or 2 within the pair
	Seed         uint64            `json:"seed"`
	Config       map[string]string `json:"config"` // axes asked for
	Active       map[string]string `json:"active"` // axes as the server says they are
	Start        time.Time         `json:"start"`
	Outcome      Outcome           `json:"outcome"`
	Reason       string            `json:"reason,omitempty"` // unless OK
	Report       []string          `json:"report,omitempty"` // metrics that are shown beside Primary
	Caveat       string            `json:"caveat,omitempty"` // what no figure of it says
	Noisy        bool              `json:"noisy,omitempty"`  // the machine differed between legs
	Drift        float64           `json:"drift,omitempty"`  // against the pair's first leg

	Calibration host.Calibration   `json:"calibration"`
	ServerCores []int              `json:"server_cores,omitempty"`
	ClientCores []int              `json:"client_cores,omitempty"`
	OtherCPU    float64            `json:"other_cpu,omitempty"` // share of the machine
	Driver      string             `json:"driver,omitempty"`
	Concurrent  int                `json:"concurrent,omitempty"`
	Family      string             `json:"family,omitempty"`       // of the scenarios of a sweep
	Rate        float64            `json:"rate,omitempty"`         // asked for, per second; open loop
	Quantiles   []float64          `json:"quantiles_us,omitempty"` // at figure.Percents
	Cost        map[string]float64 `json:"cost_per_op,omitempty"`  // the server's own account
	Operations  int                `json:"operations,omitempty"`
	Metrics     map[string]float64 `json:"metrics,omitempty"` // by the names scenario files use
	Course      []Moment           `json:"course,omitempty"`  // of a window of minutes, by warp
	Raw         string             `json:"raw,omitempty"`     // file of operations, if kept
	RawHash     string             `json:"raw_sha256,omitempty"`

	// CPUMinEffect is MinEffect where the server's CPU decides; nil in older records: the same.
	CPUMinEffect *float64 `json:"cpu_min_effect,omitempty"`
	// Corroborate are metrics that say whether they agree with what decides; nil in older records too.
	Corroborate []string `json:"corroborate,omitempty"`
}
