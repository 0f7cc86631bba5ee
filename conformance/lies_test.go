package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// liar is a proxy that alters answers: the n-th, or all where at is everyAnswer.
type liar struct {
	mu       sync.Mutex
	answered int
	at       int
	lie      func(*http.Response)
}

const (
	noAnswer    = 0
	everyAnswer = -1
)

// lieAt makes the proxy lie from now on about the answer at.
func (p *liar) lieAt(at int, lie func(*http.Response)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered, p.at, p.lie = 0, at, lie
}

// stop ends the lies and says how many answers there were.
func (p *liar) stop() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = noAnswer
	return p.answered
}

func (p *liar) modify(res *http.Response) error {
	p.mu.Lock()
	p.answered++
	lies := p.at == everyAnswer || p.at == p.answered
	lie := p.lie
	p.mu.Unlock()
	if !lies {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	lie(res)
	return nil
}

// replace gives an answer another body.
func replace(res *http.Response, body []byte) {
	res.Body = io.NopCloser(bytes.NewReader(body))
	if res.Request.Method != "HEAD" {
		res.ContentLength = int64(len(body))
		res.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
}

// content is the body that the proxy holds.
func content(res *http.Response) []byte {
	body, _ := io.ReadAll(res.Body) // of memory
	return body
}

// lieStatus makes a failure of what succeeded, and a success of what failed.
func lieStatus(res *http.Response) {
	if res.StatusCode < 400 {
		res.StatusCode = http.StatusTeapot
	} else {
		res.StatusCode = http.StatusOK
		res.Header.Del("Content-Type")
	}
	replace(res, nil)
}

// lieHeaders leaves out all that S3 adds to HTTP.
func lieHeaders(res *http.Response) {
	for name := range res.Header {
		if name == "Etag" || strings.HasPrefix(name, "X-Amz-") || name == "Content-Range" ||
			name == "Last-Modified" {
			res.Header.Del(name)
		}
	}
}

// lieBody changes the first letter or digit of an object, or the first text of a document.
func lieBody(res *http.Response) {
	body := content(res)
	if at := regexp.MustCompile(`>[A-Za-z0-9]`).FindIndex(body); at != nil && bytes.HasPrefix(body,
		[]byte("<?xml")) {
		body[at[1]-1] ^= 1
	} else if len(body) > 0 {
		body[0] ^= 1
	}
	replace(res, body)
}

// lieElements leaves out every second element of a document: what lies deepest, with its text.
func lieElements(res *http.Response) {
	n := 0
	replace(res, regexp.MustCompile(`<(\w+)>[^<]*</\w+>`).ReplaceAllFunc(content(res),
		func(b []byte) []byte {
			if n++; n%2 == 0 {
				return nil
			}
			return b
		}))
}

// lieCode tells of another error.
func lieCode(res *http.Response) {
	replace(res, regexp.MustCompile(`<Code>\w+</Code>`).ReplaceAll(content(res),
		[]byte("<Code>NoSuchLie</Code>")))
}

// TestLies asks the server through a proxy that lies. Each case that passes without lies must
// fail when the status of its last answer is another one; the other lies must be noticed in each
// area, but for those that have nothing of the kind.
func TestLies(t *testing.T) {
	honest := startServer(t, compositions[0])
	t.Cleanup(func() { honest.shares.sweep(honest) })
	honest.makeShares(t)
	lies := []struct {
		name   string
		lie    func(*http.Response)
		except string // areas
	}{
		{"headers", lieHeaders, "xml listing"}, {"body", lieBody, ""},
		{"elements", lieElements, "keys ranges"}, {"code", lieCode, "keys"},
	}
	noticed, few := map[string]int{}, fewCases()
	var passed atomic.Int64
	var mu sync.Mutex
	eachCase(t, honest, func(p *liar, to *target, c testCase) {
		p.lieAt(noAnswer, nil)
		var answers int
		to.ended = func() { answers = p.stop() }
		if wrong := c.ask(to); len(wrong) > 0 {
			return // TestConformance reports it
		}
		passed.Add(1)
		for last := 0; last != answers; { // a case that waits for something asks more or less often
			last = answers
			p.lieAt(last, lieStatus)
			if wrong := c.ask(to); len(wrong) > 0 {
				break
			}
			if answers >= last {
				t.Errorf("%s believes that answer %d of %d had another status", c, last, answers)
				break
			}
		}
		if !few[c.String()] {
			return
		}
		for _, l := range lies {
			p.lieAt(everyAnswer, l.lie)
			if wrong := c.ask(to); len(wrong) > 0 {
				mu.Lock()
				noticed[c.area+" "+l.name]++
				mu.Unlock()
			}
		}
	})
	if n := passed.Load(); n < casesMin {
		t.Errorf("only %d cases pass without lies", n)
	}
	for _, a := range areas() {
		line := fmt.Sprintf("%-12s", a.name)
		for _, l := range lies {
			n := noticed[a.name+" "+l.name]
			line += fmt.Sprintf(" %s %d", l.name, n)
			if n == 0 && !strings.Contains(l.except, a.name) {
				t.Errorf("nobody of %s notices a lie about %s", a.name, l.name)
			}
		}
		t.Log("noticed: " + line)
	}
}

// fewCases are those that are asked with the lies that need not be noticed by all: all of a small
// area, every fourth of a large one.
func fewCases() map[string]bool {
	few := map[string]bool{}
	for _, a := range areas() {
		l := &list{area: a.name}
		for _, add := range a.add {
			add(l)
		}
		for i, c := range l.cases {
			few[c.String()] = len(l.cases) < 70 || i%4 == 0
		}
	}
	return few
}

// makeShares makes all shared buckets, so that no case does and each asks as often again.
func (t *target) makeShares(tb testing.TB) {
	tb.Helper()
	for _, a := range areas() {
		p := &probe{target: t, testCase: testCase{area: a.name}, id: randomID()}
		for _, make := range []func() string{p.shared, p.versioned, p.locked} {
			make()
		}
	}
}

// liarsAtOnce is how many proxies are at work, each for one case at a time.
const liarsAtOnce = 8

// eachCase runs do for all cases, each with a proxy that nobody else uses meanwhile.
func eachCase(t *testing.T, honest *target, do func(*liar, *target, testCase)) {
	t.Helper()
	cases := make(chan testCase)
	var wg sync.WaitGroup
	for range liarsAtOnce {
		p := &liar{}
		to, err := newTarget(p.serve(t, honest.base), honest.accessKey, honest.secretKey, honest.region)
		if err != nil {
			t.Fatal(err)
		}
		to.domain, to.shares = honest.domain, honest.shares
		wg.Go(func() {
			for c := range cases {
				do(p, to, c)
			}
		})
	}
	for _, c := range allCases() {
		cases <- c
	}
	close(cases)
	wg.Wait()
}

// serve runs the proxy and returns its address.
func (p *liar) serve(t *testing.T, base string) string {
	t.Helper()
	behind, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{ModifyResponse: p.modify,
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: connectionsMax},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = behind.Scheme, behind.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
		}}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}
