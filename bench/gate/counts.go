package gate

import (
	"fmt"
	"maps"
	"slices"

	"flashstore/bench/stat"
)

// Counts of one request: socket reads, synced writes, copied bytes… by name.
type Counts map[string]float64

// Tolerances of a count: what a status request between, or a batch that fell on the other side of
// the window, changes of a few hundred requests. One that differs by itself, from one process to
// the next, must differ by spreadsMin times as much.
const (
	countShareMax = 0.01
	countAbsolute = 0.02
	spreadsMin    = 3
)

// CountFinding is a count that is another one now, or that the candidate no longer keeps: what is
// not counted is not compared, and might be anything.
type CountFinding struct {
	Request, Count  string
	Base, Candidate float64 // a request
	Worse           bool    // decides
	NotCompared     bool
	Inexact         string // why it decides nothing, whatever it is
}

// Differs says whether both were compared: what is the same then is no finding.
func (f CountFinding) Differs() bool { return !f.NotCompared }

func (f CountFinding) String() string {
	if f.NotCompared {
		return fmt.Sprintf("not compared: %s: %s per request: only the base counts it", f.Request,
			f.Count)
	}
	word := map[bool]string{true: "more", false: "less"}[f.Candidate > f.Base]
	said := fmt.Sprintf("%s: %s per request: %s than before: %.2f, was %.2f", f.Request, f.Count, word,
		f.Candidate, f.Base)
	if f.Inexact != "" {
		said += ", which decides nothing: " + f.Inexact
	}
	return said
}

// CompareCounts compares repetitions on fresh processes. A count differs if all of the candidate's
// repetitions lie beyond all of the base's, by more than the tolerance and by several times what
// they differ among themselves. One that is Inexact is no worse for that. A count that is new in
// the candidate has nothing to be compared with.
func CompareCounts(request string, base, candidate []Counts) []CountFinding {
	var out []CountFinding
	if len(base) == 0 || len(candidate) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(base[0])) {
		f := CountFinding{Request: request, Count: name, Inexact: Inexact(request, name)}
		if _, both := candidate[0][name]; !both { // not counted is not 0
			f.NotCompared = true
			out = append(out, f)
			continue
		}
		lo, hi := span(base, name)
		newLo, newHi := span(candidate, name)
		tolerance := max(countAbsolute, countShareMax*hi, spreadsMin*(hi-lo),
			spreadsMin*(newHi-newLo))
		switch {
		case newLo > hi+tolerance:
			f.Base, f.Candidate, f.Worse = hi, newLo, f.Inexact == ""
		case newHi < lo-tolerance:
			f.Base, f.Candidate = lo, newHi
		default:
			continue
		}
		out = append(out, f)
	}
	return out
}

// Ledger is what one kind of request costs two servers: of each count the median of repetitions.
type Ledger struct {
	Request   string `json:"request"`
	Base      Counts `json:"base"`
	Candidate Counts `json:"candidate"`
}

// LedgerOf is the ledger of what CompareCounts compares.
func LedgerOf(request string, base, candidate []Counts) Ledger {
	return Ledger{Request: request, Base: medians(base), Candidate: medians(candidate)}
}

// Compared are the names of exact counts that both servers keep, sorted: those that may decide.
func (l *Ledger) Compared() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.Base)), func(name string) bool {
		_, both := l.Candidate[name]
		return !both || Inexact(l.Request, name) != ""
	})
}

// Disjoint says whether a count of all repetitions of one side lies beyond all of the other, by
// more than the tolerance. It shows, and decides nothing, so that it does not ask how far they are
// spread, as CompareCounts does.
func Disjoint(base, candidate []Counts, name string) bool {
	lo, hi := span(base, name)
	newLo, newHi := span(candidate, name)
	return newLo > hi+max(countAbsolute, countShareMax*hi) ||
		lo > newHi+max(countAbsolute, countShareMax*newHi)
}

func medians(all []Counts) Counts {
	out := Counts{}
	if len(all) == 0 {
		return out
	}
	for name := range all[0] {
		var values []float64
		for _, counts := range all {
			values = append(values, counts[name])
		}
		out[name] = stat.Median(values)
	}
	return out
}

func span(all []Counts, name string) (lo, hi float64) {
	lo, hi = all[0][name], all[0][name]
	for _, c := range all[1:] {
		lo, hi = min(lo, c[name]), max(hi, c[name])
	}
	return lo, hi
}
