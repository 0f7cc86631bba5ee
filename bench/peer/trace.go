package peer

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// TraceCalls are the system calls that Trace must be given by strace: those that sync or open what
// syncs, and those that read requests and write answers.
const TraceCalls = "fsync,fdatasync,syncfs,sync,msync,open,openat,close,write,writev,pwrite64," +
	"pwritev,pwritev2,io_uring_setup,io_setup,read,readv,recvfrom,recvmsg,sendto,sendmsg"

// TraceStrings is how much of each string strace has to show, for a request to be known by.
const TraceStrings = 64

// Trace reads the output of strace -f: which calls return only once something is on the device, see
// open(2) for O_SYNC and O_DSYNC, readv(2) for RWF_SYNC and RWF_DSYNC; and which of them are begun
// once a request has been read and have returned before its answer is written. What is written and
// synced is in no trace, so that a server that syncs without end for reasons of its own, and does
// so once in each request, is taken for one that syncs what it was sent.
type Trace struct {
	Request string // how the requests that are looked for begin, as in "PUT /bucket/key"
	Syncs   int    // that ended well
	Rings   int    // of io_uring and of io_submit: what they sync is in no trace
	Puts    int    // requests that were answered
	Synced  int    // of them with a sync before the answer
	Before  int    // syncs before the answers of those

	quoted  *regexp.Regexp
	read    int              // requests
	pending map[string]*put  // by descriptor
	begun   map[string]*call // by thread: what has not returned yet
	opened  map[string]bool  // descriptors whose writes sync
}

// put is a request that was read and is not answered yet.
type put struct{ number, syncs int }

// call is a system call from its begin to its return.
type call struct {
	name       string
	descriptor string
	syncs      bool
	opens      bool // what is written to what it returns syncs
	after      int  // requests had been read when it began
}

// quotedString is a string that strace has quoted, in which anything may stand.
const quotedString = `"(?:[^"\\]|\\.)*"`

// lineBytesMax bounds a line; strace is told to shorten strings.
const lineBytesMax = 1 << 20

// Read goes on where the last Read ended.
func (t *Trace) Read(r io.Reader) error {
	if t.opened == nil {
		t.pending, t.begun, t.opened = map[string]*put{}, map[string]*call{}, map[string]bool{}
		t.quoted = regexp.MustCompile(quotedString)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), lineBytesMax)
	for lines.Scan() {
		thread, text, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		t.line(thread, strings.TrimSpace(text))
	}
	return lines.Err()
}

func (t *Trace) line(thread, text string) {
	bare := t.quoted.ReplaceAllString(text, `""`)
	if strings.HasPrefix(bare, "<... ") { // the end of a call that was told in two lines
		if c := t.begun[thread]; c != nil {
			delete(t.begun, thread)
			t.end(c, text, bare)
		}
		return
	}
	name, args, isCall := strings.Cut(bare, "(")
	if !isCall {
		return
	}
	c := t.begin(name, args, text)
	if strings.HasSuffix(bare, "<unfinished ...>") {
		t.begun[thread] = c
		return
	}
	t.end(c, text, bare)
}

// begin is where an answer is on its way, and where what syncs begins to.
func (t *Trace) begin(name, args, text string) *call {
	descriptor, _, _ := strings.Cut(strings.TrimSuffix(args, ")"), ",")
	descriptor, _, _ = strings.Cut(descriptor, ")")
	c := &call{name: name, descriptor: descriptor, after: t.read}
	switch name {
	case "fsync", "fdatasync", "syncfs", "sync":
		c.syncs = true
	case "msync":
		c.syncs = strings.Contains(args, "MS_SYNC")
	case "open", "openat":
		c.opens = strings.Contains(args, "O_SYNC") || strings.Contains(args, "O_DSYNC")
	case "close":
		delete(t.opened, descriptor)
	case "write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg":
		c.syncs = t.opened[descriptor] || strings.Contains(args, "RWF_DSYNC") ||
			strings.Contains(args, "RWF_SYNC")
		if strings.Contains(text, `"HTTP/1.`) && !strings.Contains(text, `"HTTP/1.1 100 `) {
			t.answer(descriptor)
		}
	case "io_uring_setup", "io_setup":
		t.Rings++
	}
	return c
}

// end is where a request has come, and where what syncs has.
func (t *Trace) end(c *call, text, bare string) {
	result, ok := resultOf(bare)
	if !ok {
		return
	}
	switch {
	case c.syncs:
		t.Syncs++
		for _, p := range t.pending {
			if p.number <= c.after {
				p.syncs++
			}
		}
	case c.opens:
		t.opened[result] = true
	case c.name == "read" || c.name == "readv" || c.name == "recvfrom" || c.name == "recvmsg":
		// Go's net/http reads the first byte of a next request by itself.
		if t.Request != "" && t.pending[c.descriptor] == nil &&
			(strings.Contains(text, `"`+t.Request) || strings.Contains(text, `"`+t.Request[1:])) {
			t.read++
			t.pending[c.descriptor] = &put{number: t.read}
		}
	}
}

// answer ends the request of a descriptor, if there is one.
func (t *Trace) answer(descriptor string) {
	p := t.pending[descriptor]
	if p == nil {
		return
	}
	delete(t.pending, descriptor)
	t.Puts++
	t.Before += p.syncs
	if p.syncs > 0 {
		t.Synced++
	}
}

// resultOf is what a call has returned; not ok where it has failed.
func resultOf(text string) (result string, ok bool) {
	i := strings.LastIndex(text, " = ")
	if i < 0 {
		return "", false
	}
	result, _, _ = strings.Cut(text[i+len(" = "):], " ")
	n, err := strconv.Atoi(result)
	return result, err == nil && n >= 0
}

// Contract is what the trace of a client's requests says, who waits for each answer and has sent
// at least puts.
func (t *Trace) Contract(puts int) Measured {
	switch {
	case t.Rings > 0:
		return Measured{Contract: Unknown, How: "it submits to a ring of the kernel, whose syncs are " +
			"in no trace"}
	case t.Puts < puts:
		return Measured{Contract: Unknown, How: fmt.Sprintf("of %d PUTs its trace has %d from the "+
			"request to the answer", puts, t.Puts)}
	}
	m := Of(float64(t.Before), t.Puts, "counted by strace, from the request to the answer")
	if t.Synced < t.Puts {
		m.Contract = Relaxed
		m.How += fmt.Sprintf("; %d of %d answers came before any", t.Puts-t.Synced, t.Puts)
	}
	return m
}
