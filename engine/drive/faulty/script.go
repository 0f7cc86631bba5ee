package faulty

import (
	"sync"
	"time"

	"flashstore/engine/drive"
)

// Op is a kind of call.
type Op uint8

// The calls that rules are about.
const (
	Commit Op = iota
	Lookup
	Create
	Write
	Seal
	Read
	Scan
	opCount
)

// Rule injects a fault into calls of one kind. The first rule that matches a call decides.
type Rule struct {
	Op Op
	// Match chooses calls by register and record type; nil: all. Calls without a register
	// (Create, Write, Seal, Scan) have a zero key, all but Commit a zero type.
	Match func(key drive.Key, kind drive.Type) bool
	Skip  int // leave so many matching calls alone first
	Times int // then inject into so many; 0: all
	// After lets the call take effect on the wrapped drive before the fault: its answer is
	// what gets lost.
	After bool
	Delay time.Duration // before going on
	Hang  bool          // go on only after Release
	Err   error         // then answer this; nil: the call's own answer
}

// script is the rules in force and what they have seen.
type script struct {
	mu      sync.Mutex
	rules   []Rule
	seen    []int // matching calls, by rule
	calls   [opCount]int
	release chan struct{} // closed by Release
}

// decide returns the rule for a call, or nil.
func (s *script) decide(op Op, key drive.Key, kind drive.Type) *Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	for i := range s.rules {
		r := &s.rules[i]
		if r.Op != op || r.Match != nil && !r.Match(key, kind) {
			continue
		}
		n := s.seen[i]
		if r.Times > 0 && n >= r.Skip+r.Times {
			continue
		}
		s.seen[i]++
		if n >= r.Skip {
			copied := *r
			return &copied
		}
	}
	return nil
}

// waits reports whether the rule for the next call, which is not counted, would make it wait.
func (s *script) waits(op Op, key drive.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rules {
		r := &s.rules[i]
		if r.Op == op && (r.Match == nil || r.Match(key, 0)) && s.seen[i] >= r.Skip &&
			(r.Times == 0 || s.seen[i] < r.Skip+r.Times) {
			return r.Hang || r.Delay > 0
		}
	}
	return false
}

func (s *script) set(rules []Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append([]Rule(nil), rules...)
	s.seen = make([]int, len(rules))
}

// hung returns what a hung call waits for.
func (s *script) hung() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.release
}

func (s *script) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.release)
	s.release = make(chan struct{})
}
