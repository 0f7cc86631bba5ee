package conformance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// caseMax bounds one case; every one of its requests ends with it.
const caseMax = 40 * time.Second

// Where rules are written. A case adds the page and, where the page has several, the words.
const (
	api   = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
	guide = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
)

// testCase asks one question through one driver.
type testCase struct {
	area, driver, name string
	rule               string // of AWS: an address, and what it says
	run                func(*probe)
}

func (c testCase) String() string { return c.area + "/" + c.driver + "/" + c.name }

// list gathers the cases of an area.
type list struct {
	area  string
	cases []testCase
}

func (l *list) raw(name, rule string, run func(*probe))   { l.add("raw", name, rule, run) }
func (l *list) aws(name, rule string, run func(*probe))   { l.add("aws", name, rule, run) }
func (l *list) minio(name, rule string, run func(*probe)) { l.add("minio", name, rule, run) }

func (l *list) add(driver, name, rule string, run func(*probe)) {
	l.cases = append(l.cases, testCase{l.area, driver, strings.ReplaceAll(name, " ", "_"), rule,
		run})
}

// probe is one run of a case against a target: what it needs, and what it found wrong.
type probe struct {
	*target
	testCase
	ctx      context.Context
	id       string // unique in this run and across runs: lower case letters and digits
	made     int    // buckets
	cleanups []func()
	wrong    []string
}

// stopped is what fatalf panics with.
type stopped struct{}

// ask runs the case and returns what is wrong, nil if nothing is.
func (c testCase) ask(t *target) (wrong []string) {
	ctx, cancel := context.WithTimeout(context.Background(), caseMax)
	defer cancel()
	p := &probe{target: t, testCase: c, ctx: ctx, id: randomID()}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopped); !ok {
				p.errorf("panic: %v\n%s", r, debug.Stack())
			}
		}
		wrong = p.wrong
		if t.ended != nil {
			t.ended()
		}
		for i := len(p.cleanups) - 1; i >= 0; i-- {
			p.cleanups[i]()
		}
	}()
	c.run(p)
	return p.wrong
}

// randomID is safe in bucket names.
func randomID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails, as crypto/rand says
	return hex.EncodeToString(b[:])
}

func (p *probe) errorf(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// fatalf ends the case.
func (p *probe) fatalf(format string, args ...any) {
	p.errorf(format, args...)
	panic(stopped{})
}

// equal compares two values as they print.
func (p *probe) equal(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		p.errorf("%s: got %q, want %q", what, g, w)
	}
}

// key is a key of this case alone.
func (p *probe) key(name string) string { return p.prefix() + name }

// prefix begins all keys of this case.
func (p *probe) prefix() string { return p.id + "/" }

// bucket makes a bucket that is removed with all it has after the case.
func (p *probe) bucket(fields ...string) string {
	p.made++
	name := fmt.Sprintf("conf-%s-%d", p.id, p.made)
	p.req("PUT", name, "").fields(fields...).send().status(200)
	p.remove(name)
	return name
}

// remove has a bucket removed after the case.
func (p *probe) remove(bucket string) {
	p.cleanups = append(p.cleanups, func() { p.sweep(bucket) })
}

// shared is the bucket of all cases of the area; each keeps to its own prefix.
func (p *probe) shared() string { return p.sharedBucket("plain") }

// versioned is a shared bucket with versioning.
func (p *probe) versioned() string { return p.sharedBucket("versioned") }

// locked is a shared bucket with object lock.
func (p *probe) locked() string { return p.sharedBucket("locked") }

func (p *probe) sharedBucket(kind string) string {
	name, err := p.shares.get(p, p.area, kind)
	if err != nil {
		p.fatalf("the bucket for %s: %v", kind, err)
	}
	return name
}
