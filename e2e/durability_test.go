package e2e

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

const relaxedRounds = 3

// relaxedWriters are four of small objects and one of bulk.
func relaxedWriters() (kinds []kind) {
	small := func(r *rand.Rand) []int64 { return []int64{r.Int64N(8 << 10)} }
	bulk := func(r *rand.Rand) []int64 { return []int64{300<<10 + r.Int64N(1<<20)} }
	for range 4 {
		kinds = append(kinds, kind{8, small, false})
	}
	return append(kinds, kind{3, bulk, false})
}

// TestRelaxedSaysSo: who runs without syncs can see it everywhere, before and while they do.
func TestRelaxedSaysSo(t *testing.T) {
	const relaxed = "relaxed"
	s := newServer(t, 4, "--durability", relaxed, "--metrics-public")
	code, said := flashstore(t, s.env, "server", "--drives", s.drives[0], "--durability", relaxed,
		"--print-config")
	if code != 0 || !strings.Contains(said, `durability: "relaxed"`) {
		t.Errorf("--print-config: exit %d\n%s", code, said)
	}
	s.start()
	log := s.log()
	for _, want := range []string{`level=WARN msg="durability is relaxed`, "durability=" + relaxed} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log:\n%s", want, log)
		}
	}
	if a := s.status().Axes["durability"]; a.Requested != relaxed || a.Active != relaxed {
		t.Errorf("status: %+v", a)
	}
	a, err := s.plain("GET", "/flashstore/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := `flashstore_axis_info{active="relaxed",axis="durability"} 1`; !strings.Contains(
		string(a.body), want) {
		t.Errorf("no %s in the metrics", want)
	}
	s.stop()
}

// TestRelaxedSurvivesKill: what a relaxed server acknowledged is with the operating system, so a
// crash of the process loses nothing.
func TestRelaxedSurvivesKill(t *testing.T) {
	t.Parallel()
	r := newRand(t)
	writers := newWriters(r, relaxedWriters())
	s := newServer(t, 4, "--durability", "relaxed").start()
	s.must(t, http.StatusOK, request{method: "PUT", path: "/" + crashBucket})
	for range relaxedRounds {
		s.killUnderLoad(writers, time.Duration(r.IntN(50))*time.Millisecond)
		s.start()
		s.verifyAll(writers)
	}
	s.stop()
}

// TestPowerCutRelaxed: after a power cut a relaxed server may have lost what it acknowledged,
// but it comes back, what it serves are whole objects, what it has lost it says it has, and can
// be written again.
func TestPowerCutRelaxed(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	p := newPowerCut(t, newRand(t), newLoopDisk(t), relaxedWriters())
	p.base = append(p.base, "--durability", "relaxed")
	p.disk.mount(p.options())
	p.begin()
	for range relaxedRounds {
		p.ensureBucket()
		p.loadAndCut(time.Duration(p.rand.IntN(50)) * time.Millisecond)
		p.begin()
		p.ensureBucket()
		p.wantWhole()
		p.stop()
		p.check([]string{"bulk-shard"}, []string{"unreadable"})
		p.begin()
	}
	p.stop()
	t.Logf("%d power cuts: %d acknowledged, %d lost, %d mixed", relaxedRounds, p.acked, p.lost,
		p.mixed)
}

// wantWhole reads all registers twice: each is in the state of some attempt, or cannot be read,
// and stays like that.
func (p *powerCut) wantWhole() {
	for _, w := range p.writers {
		for _, g := range w.registers {
			acked := g.settled
			g.allowAll()
			first := g.check(p.client)
			if g.settled != acked || first != nil {
				p.lost++
			}
			for _, err := range []error{first, g.check(p.client)} {
				if err != nil && !errors.Is(err, errUnavailable) {
					p.t.Error(err)
				}
				if errors.Is(err, errMixed) {
					p.mixed++
				}
			}
		}
	}
}

// ensureBucket makes the bucket unless it is there.
func (p *powerCut) ensureBucket() {
	bucket := request{method: "HEAD", path: "/" + crashBucket}
	if a, err := p.do(bucket); err != nil || a.status != http.StatusOK {
		bucket.method = "PUT"
		p.must(p.t, http.StatusOK, bucket)
	}
}
