package peer

import "fmt"

// Fate of a write after a crash.
type Fate int

// The fates.
const (
	Kept       Fate = iota
	Lost            // acknowledged, and not there, or an older write is in its place
	Corrupt         // there, with other bytes
	Unreadable      // the server answers an error
)

// Score is what a 200 of a server was worth over some crashes.
type Score struct {
	Server       string
	How          string // kill -9 or power cut
	Crashes      int
	Acknowledged int
	Fates        [4]int // of acknowledged writes, by Fate
	Torn         int    // of writes without an answer: there, but not whole
	Problem      string // why it could not be measured, or not to the end
}

// Add counts an acknowledged write.
func (s *Score) Add(f Fate) {
	s.Acknowledged++
	s.Fates[f]++
}

// Measured says whether enough came of it to say what a 200 is worth: a server that acknowledges
// nothing has lost nothing either.
func (s *Score) Measured() bool { return s.Problem == "" && s.Crashes > 0 && s.Acknowledged > 0 }

// Broken says whether something that was acknowledged is not as it was.
func (s *Score) Broken() bool {
	return s.Fates[Lost]+s.Fates[Corrupt]+s.Fates[Unreadable]+s.Torn > 0
}

// String is what a 200 is worth, in words.
func (s *Score) String() string {
	switch {
	case s.Problem != "" && s.Crashes == 0:
		return "not measured: " + s.Problem
	case s.Fates[Lost] > 0:
		return fmt.Sprintf("acknowledged but lost: %d of %d", s.Fates[Lost], s.Acknowledged)
	case s.Fates[Corrupt]+s.Torn > 0:
		return fmt.Sprintf("damaged: %d acknowledged, %d not", s.Fates[Corrupt], s.Torn)
	case s.Fates[Unreadable] > 0:
		return fmt.Sprintf("unreadable: %d of %d", s.Fates[Unreadable], s.Acknowledged)
	case s.Problem != "":
		return "not to the end: " + s.Problem
	case s.Acknowledged == 0:
		return "not measured: no write was acknowledged"
	}
	return fmt.Sprintf("all %d there", s.Acknowledged)
}
