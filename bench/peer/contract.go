package peer

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Measured is a contract and how it was found.
type Measured struct {
	Contract    Contract
	SyncsPerPut float64
	How         string // or why it is unknown
}

func (m Measured) String() string {
	if m.Contract == Unknown {
		return "unknown: " + m.How
	}
	return fmt.Sprintf("%s: %.1f syncs per PUT (%s)", m.Contract, m.SyncsPerPut, m.How)
}

// syncsMin per PUT of one client that waits for each answer: it shares a sync with nobody.
const syncsMin = 1

// Of judges a number of syncs.
func Of(syncs float64, puts int, how string) Measured {
	m := Measured{Contract: Relaxed, SyncsPerPut: syncs / float64(puts), How: how}
	if m.SyncsPerPut >= syncsMin {
		m.Contract = Strict
	}
	return m
}

// NotLikeForLike begins what Unlike says.
const NotLikeForLike = "NOT LIKE FOR LIKE"

// Differ says whether figures of two servers are of different promises. What is unknown differs
// from everything: nothing says that it is the same.
func Differ(a, b Measured) bool {
	return a.Contract != b.Contract || a.Contract == Unknown
}

// Unlike says why figures of theirs beside ours are not of one promise; empty where they are.
func Unlike(theirs, ours Measured) string {
	switch {
	case !Differ(theirs, ours):
		return ""
	case theirs.Contract == Unknown || ours.Contract == Unknown:
		return fmt.Sprintf("%s: nobody knows whether a 200 of a PUT is worth the same (theirs %s; ours "+
			"%s)", NotLikeForLike, theirs, ours)
	}
	return fmt.Sprintf("%s: a 200 of a PUT is not worth the same (theirs %s; ours %s)", NotLikeForLike,
		theirs, ours)
}

// TraceCalls are the system calls that Trace must be given by strace.
const TraceCalls = "fsync,fdatasync,syncfs,sync,msync,open,openat,close,write,writev,pwrite64," +
	"pwritev,pwritev2,io_uring_setup,io_setup"

// Trace counts in the output of strace -f the calls that return only once something is on the
// device. See open(2) for O_SYNC and O_DSYNC, readv(2) for RWF_SYNC and RWF_DSYNC.
type Trace struct {
	Syncs  int
	Rings  int             // of io_uring and of io_submit: what they sync is in no trace
	opened map[string]bool // descriptors whose writes sync
	begun  map[string]bool // threads in an open of such a file
}

// lineBytesMax bounds a line; strace is told to leave strings out.
const lineBytesMax = 1 << 20

// Read goes on where the last Read ended.
func (t *Trace) Read(r io.Reader) error {
	if t.opened == nil {
		t.opened, t.begun = map[string]bool{}, map[string]bool{}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), lineBytesMax)
	for lines.Scan() {
		thread, call, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		t.line(thread, strings.TrimSpace(call))
	}
	return lines.Err()
}

func (t *Trace) line(thread, text string) {
	if strings.HasPrefix(text, "<... open") { // the end of a call that was told in two lines
		if t.begun[thread] {
			t.open(text)
			delete(t.begun, thread)
		}
		return
	}
	call, args, _ := strings.Cut(text, "(")
	descriptor, _, _ := strings.Cut(strings.TrimSuffix(args, ")"), ",")
	descriptor, _, _ = strings.Cut(descriptor, ")")
	switch call {
	case "fsync", "fdatasync", "syncfs", "sync":
		t.Syncs++
	case "msync":
		if strings.Contains(args, "MS_SYNC") {
			t.Syncs++
		}
	case "open", "openat":
		if !strings.Contains(args, "O_SYNC") && !strings.Contains(args, "O_DSYNC") {
			return
		}
		if strings.HasSuffix(text, "<unfinished ...>") {
			t.begun[thread] = true
			return
		}
		t.open(text)
	case "close":
		delete(t.opened, descriptor)
	case "write", "writev", "pwrite64", "pwritev", "pwritev2":
		if t.opened[descriptor] || strings.Contains(args, "RWF_DSYNC") ||
			strings.Contains(args, "RWF_SYNC") {
			t.Syncs++
		}
	case "io_uring_setup", "io_setup":
		t.Rings++
	}
}

// open notes the descriptor that a call has returned.
func (t *Trace) open(text string) {
	_, result, _ := strings.Cut(text, " = ")
	result, _, _ = strings.Cut(result, " ")
	if n, err := strconv.Atoi(result); err == nil && n >= 0 {
		t.opened[result] = true
	}
}
