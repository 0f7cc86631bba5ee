package model

import (
	"errors"
	"fmt"
	"slices"
)

// Event is a step of a Script.
type Event struct {
	What  What
	Who   int // the holder that does it
	Drive int // where it happens
	Write int // that it is about, counted from 0 in the order of their beginnings
}

// What happens.
type What uint8

// The kinds of events.
const (
	Other       What = iota // of the reader without the lock, which no script has so far
	Put                     // a put begins
	Purge                   // a purge begins
	Commit                  // a drive takes a commit
	Settle                  // a drive takes a settle
	Acknowledge             // a write is acknowledged, if the code does that
	GiveUp                  // an operation ends with an error
	Read                    // somebody reads
	Away                    // a drive goes away
	Back                    // it comes back
	Blank                   // it is replaced by a blank one, which takes part with the next term
	Start                   // a holder starts, with a new term
	Term                    // a drive takes that
	Raised                  // it is on the write quorum
	Crash                   // a holder dies
	Roll                    // a drive takes a commit that rolls an earlier write forward
	Rolled                  // what was rolled forward is served
	Round                   // a fenced round begins
	Fence                   // a drive takes its fence
	Judged                  // the answers from behind the fence are judged
	Discard                 // a drive takes a discard
	Heal                    // healing begins
	Complete                // drives are complete, behind healing
	Forget                  // a tombstone is to be forgotten
	Forgotten               // a drive forgets it
	Lost                    // what was sent never arrives
	whatCount
)

var whatNames = [whatCount]string{"other", "put", "purge", "commit", "settle", "acknowledge",
	"give-up", "read", "away", "back", "blank", "start", "term", "raised", "crash", "roll", "rolled",
	"round", "fence", "judged", "discard", "heal", "complete", "forget", "forgotten", "lost"}

func (w What) String() string { return whatNames[w] }

// byDrive and aboutWrite say which fields of an event mean something.
func (w What) byDrive() bool {
	switch w {
	case Commit, Settle, Away, Back, Blank, Term, Roll, Fence, Discard, Forgotten:
		return true
	}
	return false
}

func (w What) aboutWrite() bool {
	switch w {
	case Put, Purge, Commit, Settle, Acknowledge, GiveUp, Roll, Rolled, Discard, Forgotten:
		return true
	}
	return false
}

func (e Event) String() string {
	text := fmt.Sprintf("holder %d %s", e.Who, e.What)
	if e.What.byDrive() {
		text = fmt.Sprintf("drive %d %s", e.Drive, e.What)
	}
	if e.What.aboutWrite() {
		text += fmt.Sprintf(" %d", e.Write)
	}
	return text
}

// parseEvent reads what String has written.
func parseEvent(text string) (e Event, err error) {
	subject, name, number := "", "", 0
	if _, err = fmt.Sscan(text, &subject, &number, &name); err != nil {
		return e, fmt.Errorf("event %q: %w", text, err)
	}
	e.What = What(max(slices.Index(whatNames[:], name), 0))
	if e.Who = number; e.What.byDrive() {
		e.Who, e.Drive = 0, number
	}
	if e.What.aboutWrite() {
		_, err = fmt.Sscan(text, &subject, &number, &name, &e.Write)
	}
	if err == nil && e.String() != text {
		err = errors.New("of an unknown kind")
	}
	if err != nil {
		err = fmt.Errorf("event %q: %w", text, err)
	}
	return e, err
}

// whats are the events of actions that are always the same one.
var whats = map[action]What{put: Put, purge: Purge, acknowledge: Acknowledge, giveUp: GiveUp,
	read: Read, depart: Away, comeBack: Back, wipe: Blank, start: Start, raised: Raised, crash: Crash,
	rolled: Rolled, discard: Round, fenced: Judged, heal: Heal, restored: Complete, forget: Forget,
	lose: Lost}

// takes are the events of what drives take.
var takes = map[kind]What{sendTerm: Term, sendCommit: Commit, sendSettle: Settle, sendFence: Fence,
	sendDiscard: Discard, sendForget: Forgotten}

// event is t in s, on a drive named as at the beginning.
func (t step) event(s *state, drive uint8) (e Event) {
	g := &s.sending[t.slot]
	if e.What = whats[t.action]; t.action == deliver {
		e.What = takes[g.kind]
	}
	if e.What == Commit && g.token != s.orders[g.id] {
		e.What = Roll
	}
	if e.Who = int(t.who); e.What.byDrive() {
		e.Who, e.Drive = 0, int(drive)
	}
	switch {
	case !e.What.aboutWrite():
	case e.What == Put || e.What == Purge:
		e.Write = int(s.begun)
	case t.action == deliver:
		e.Write = int(g.id)
	default:
		e.Write = int(s.actors[t.who].id)
	}
	return e
}
