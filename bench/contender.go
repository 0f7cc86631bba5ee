package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"flashstore/bench/pair"
	"flashstore/bench/record"
	"flashstore/bench/scenario"
	"flashstore/bench/target"
)

// contender is one side of a comparison: a program, and how it is started.
type contender struct {
	label   string
	binary  string
	axes    scenario.Configuration // of our own server; empty for foreign ones
	env     []string
	foreign *target.Foreign // nil: ours
}

// sharesData says whether both can read what one of them has written before the clock runs, so
// that it is written once. A level that is written into the data must be written by its own side.
func (c contender) sharesData(other contender) bool {
	if c.binary != other.binary || c.foreign != nil || other.foreign != nil {
		return false
	}
	written := func(choices scenario.Configuration) scenario.Configuration {
		return slices.DeleteFunc(slices.Clone(choices), func(choice scenario.Choice) bool {
			return choice.Axis != "checksum" && choice.Axis != "etag"
		})
	}
	return slices.Equal(written(c.axes), written(other.axes))
}

// contenders of a comparison of configurations of one server.
func (s *session) contenders(c scenario.Comparison) [2]contender {
	base, candidate := c.Labels()
	return [2]contender{
		{label: base, binary: s.options.server, axes: c.Base},
		{label: candidate, binary: s.options.server, axes: c.Candidate},
	}
}

// comparison is one candidate against its base, within a session.
type comparison struct {
	*session
	scenario *scenario.Scenario
	sides    [2]contender // by pair.Side
	hash     string
	data     [2]string // folders with preloaded drives, empty if each leg starts fresh
	caveat   string    // what the figures cannot say; empty: nothing
	rate     float64   // requests per second of an open loop; 0: closed
}

func (s *session) newComparison(
	sc *scenario.Scenario, sides [2]contender,
) (*comparison, error) {
	text, err := json.Marshal(sc)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &comparison{session: s, scenario: sc, sides: sides, hash: hex.EncodeToString(sum[:6])}, nil
}

// newLeg fills in what is known before a leg runs.
func (m *comparison) newLeg(side pair.Side, number, attempt int) record.Leg {
	config := map[string]string{}
	for _, choice := range m.sides[side].axes {
		config[choice.Axis] = choice.Value
	}
	server, client := m.cores()
	margins := m.scenario.Gate
	cpuMargin := float64(margins.CPUMinEffect) / 100
	return record.Leg{
		Session: m.id, Scenario: m.scenario.Name, ScenarioHash: m.hash, Family: m.scenario.Family,
		Base: m.sides[0].label, Candidate: m.sides[1].label,
		Primary: m.scenario.Metrics.Primary, MinEffect: float64(margins.MinEffect) / 100,
		CPUMinEffect: &cpuMargin, Writes: m.writes(), Driver: m.scenario.Workload.Driver,
		Concurrent: m.scenario.Workload.Concurrent, Rate: m.rate, Caveat: m.caveat,
		Corroborate: m.scenario.Metrics.Corroborate,
		Report:      slices.Concat(m.scenario.Metrics.Corroborate, m.scenario.Metrics.Report),
		Pair:        number, Attempt: attempt, Side: side.String(),
		Seed: m.scenario.Run.Seed, Config: config, Start: m.now(),
		ServerCores: server, ClientCores: client,
	}
}

func (m *comparison) writes() bool { return !m.scenario.Workload.Reads() }

// cores are those of the session, or as many as a sweep over cores says.
func (m *comparison) cores() (server, client []int) {
	server, client = m.session.server, m.client
	if n := m.scenario.Server.Cores; n > 0 && len(server) >= n {
		server = server[:n]
	}
	return server, client
}

func (m *comparison) target(side pair.Side, dir string, cores []int) target.Config {
	c := m.sides[side]
	return target.Config{
		Binary: c.binary, Axes: c.axes, Dir: dir, Cores: cores, Env: c.env, Foreign: c.foreign,
		Drives: m.scenario.Server.Drives, Parity: m.scenario.Server.Parity,
		TLS: m.scenario.Server.TLS,
	}
}
