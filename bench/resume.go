package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"flashstore/bench/record"
)

// startAnew is what to do where a session cannot be gone on with.
const startAnew = "the same without --resume starts anew"

// resume looks for the last session of the same purpose and arguments that has not ended, claims it
// and makes its legs known, so that they are not run again. It refuses where the machine, a program
// or what the file of a peer says is another one now, since such legs are not of one session, and
// while the session is still running. Without such a session it starts anew.
func (s *session) resume(start *record.Session) error {
	lines, _, err := s.index.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	last := lastLike(lines, start)
	if last == nil || ended(lines, last.ID) {
		fmt.Fprintln(s.messages, "nothing to resume of these arguments: a new session")
		s.sayOthers(lines, start)
		return nil
	}
	if last.Machine != start.Machine {
		return fmt.Errorf("%w: --resume: session %s ran on machine %s, this is %s: its legs do not "+
			"belong together; %s", errUsage, last.ID, last.Machine, start.Machine, startAnew)
	}
	if others := differing(last.Binaries, start.Binaries); len(others) > 0 {
		return fmt.Errorf("%w: --resume: session %s ran another %s; %s", errUsage, last.ID,
			strings.Join(others, ", another "), startAnew)
	}
	if last.Peer != start.Peer {
		return fmt.Errorf("%w: --resume: session %s ran another peer: what its file says has changed; %s",
			errUsage, last.ID, startAnew)
	}
	if s.claim, err = s.index.Claim(last.ID); err != nil {
		return fmt.Errorf("%w: --resume: %w; %s", errUsage, err, startAnew)
	}
	if lines, _, err = s.index.Read(); err != nil { // what was added before it was claimed counts too
		return err
	}
	if ended(lines, last.ID) {
		return fmt.Errorf("%w: --resume: session %s has ended in this moment; %s", errUsage, last.ID,
			startAnew)
	}
	s.id, s.resumed = last.ID, true
	for _, line := range lines {
		if line.Leg != nil && line.Leg.Session == last.ID {
			s.before = append(s.before, *line.Leg)
		}
		if line.Counts != nil && line.Counts.Session == last.ID {
			s.counted = append(s.counted, *line.Counts)
		}
	}
	fmt.Fprintf(s.messages, "resuming session %s: %d legs and %d counts are there\n", s.id,
		len(s.before), len(s.counted))
	return nil
}

// goOn is what to type to go on with a session.
func goOn(purpose string, args []string) string {
	return toType(slices.Concat([]string{cmp.Or(purpose, "run")}, args, []string{"--resume"}))
}

// sayOthers names the sessions that other arguments would go on with: whoever has forgotten them
// has hours of legs there, and sees it before others are spent. That is no reason to stop, since
// make bench-full asks to resume even where there is nothing.
func (s *session) sayOthers(lines []record.Line, start *record.Session) {
	for i, line := range lines {
		other := line.Session
		if other == nil || ended(lines, other.ID) || lastLike(lines[i:], other) != other ||
			!mayBeResumed(other, start) {
			continue
		}
		claim, err := s.index.Claim(other.ID)
		if err != nil || claim.Release() != nil { // it is running
			continue
		}
		fmt.Fprintf(s.messages, "session %s of other arguments has not ended; to go on with it: %s\n",
			other.ID, goOn(other.Purpose, other.Args))
	}
}

// mayBeResumed says whether nothing is known for which a session would be refused. What servers it
// ran, its own arguments say.
func mayBeResumed(other, start *record.Session) bool {
	const harness = "flashbench"
	return other.Purpose == start.Purpose && other.Machine == start.Machine &&
		other.Binaries[harness] == start.Binaries[harness]
}

// differing are the names under which two sets of binaries do not have the same hash.
func differing(a, b map[string]string) (names []string) {
	both := map[string]string{}
	maps.Copy(both, a)
	maps.Copy(both, b)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	return names
}

// lastLike is the last session of the same purpose and arguments, nil without one.
func lastLike(lines []record.Line, start *record.Session) (last *record.Session) {
	for _, line := range lines {
		if line.Session != nil && line.Session.Purpose == start.Purpose &&
			slices.Equal(line.Session.Args, start.Args) {
			last = line.Session
		}
	}
	return last
}

func ended(lines []record.Line, session string) bool {
	return slices.ContainsFunc(lines, func(line record.Line) bool {
		return line.End != nil && line.End.Session == session
	})
}

// recordedPair returns the legs of a pair that was run to its end before, nil otherwise. A leg that
// was skipped or invalid is an answer too; what is missing is a pair that was cut off. A pair
// begins with the first leg of its first attempt and ends with a second leg that drift has not
// discarded with the first: what was cut off even while it was recorded does not count.
func (m *comparison) recordedPair(number int) (whole []record.Leg) {
	var legs []record.Leg
	for _, leg := range m.before {
		if leg.Pair != number || !m.isMine(&leg) {
			continue
		}
		if leg.Position == 1 && leg.Attempt == 1 {
			legs = nil
		}
		drifted := len(legs) > 0 && legs[len(legs)-1].Outcome == record.Discarded &&
			leg.Outcome == record.Discarded
		if legs = append(legs, leg); leg.Position == 2 && !drifted {
			whole = legs
		}
	}
	return whole
}

// isMine says whether a recorded leg is of this comparison.
func (m *comparison) isMine(leg *record.Leg) bool {
	return leg.ScenarioHash == m.hash && leg.Base == m.sides[0].label &&
		leg.Candidate == m.sides[1].label
}

// recorded are the legs of a stage that are recorded, and whether there will be no others.
func (m *comparison) recorded(st stage) (legs []record.Leg, whole bool) {
	for _, leg := range m.before {
		if leg.Pair == 0 && m.isMine(&leg) { // why nothing could be run
			return []record.Leg{leg}, true
		}
	}
	for i := range st.pairs {
		pair := m.recordedPair(st.first + i + 1)
		if pair == nil {
			return legs, hopeless(legs)
		}
		legs = append(legs, pair...)
	}
	return legs, true
}

// recordedRate is the rate that legs of this comparison had before, 0 without any.
func (m *comparison) recordedRate() float64 {
	for _, leg := range m.before {
		if m.isMine(&leg) && leg.Rate > 0 {
			return leg.Rate
		}
	}
	return 0
}
