package adminapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flashstore/engine/iam"
	"flashstore/engine/metrics"
	"flashstore/engine/sigv4"
	"flashstore/netloop"
	"flashstore/netloop/nethttp"
	"flashstore/netloop/netlooptest"
)

const (
	user   = "test-user"
	secret = "correct-horse-battery"
	token  = "metrics-token"
	empty  = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// start serves a Handler and returns its URL.
func start(t *testing.T, edit func(*Config)) string {
	t.Helper()
	root, err := iam.NewRoot(iam.Credentials{AccessKey: user, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := sigv4.New(sigv4.Config{Keys: root, Services: []string{"s3", "iam"}})
	if err != nil {
		t.Fatal(err)
	}
	yes := func() bool { return true }
	config := Config{Ready: yes, Cluster: yes, Status: func() any { return map[string]int{"cqes": 7} },
		Healing: func() any { return map[string]bool{"whole": true} },
		Heal:    func(scrub bool) any { return map[string]bool{"scrub": scrub} },
		Adopt: func(dir string) (any, error) {
			if dir == "/refused" {
				return nil, errors.New("not adopted")
			}
			return map[string]string{"adopted": dir}, nil
		},
		Gatherer: metrics.New(), Verifier: verifier, Authorizer: root, MetricsToken: token,
		Log: slog.New(slog.DiscardHandler)}
	edit(&config)
	h, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	s, err := nethttp.New(nethttp.Config{Limits: netloop.DefaultLimits(),
		Allocator: netlooptest.NewMemory(t)})
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + netlooptest.Serve(t, s, h)
}

func request(t *testing.T, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func send(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestHealth(t *testing.T) {
	var ready, cluster atomic.Bool
	url := start(t, func(c *Config) { c.Ready, c.Cluster = ready.Load, cluster.Load })
	for _, good := range []bool{false, true} {
		ready.Store(good)
		cluster.Store(!good)
		for path, want := range map[string]bool{"live": true, "ready": good, "cluster": !good} {
			for _, method := range []string{"GET", "HEAD"} {
				status, body := send(t, request(t, method, url+"/flashstore/health/"+path))
				if (status == 200) != want || status != 200 && status != 503 {
					t.Errorf("%s %s: %d, want good: %v", method, path, status, want)
				}
				if (method == "HEAD") != (body == "") {
					t.Errorf("%s %s: body %q", method, path, body)
				}
			}
		}
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	url := start(t, func(*Config) {})
	for _, path := range []string{"", "/", "/health", "/health/live/", "/Metrics", "/v1/status/x",
		"/health/../metrics", "/metrics%20"} {
		status, body := send(t, request(t, "GET", url+"/flashstore"+path))
		if status != 404 || !json.Valid([]byte(body)) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := send(t, request(t, "POST", url+"/flashstore/health/live")); status != 405 {
		t.Errorf("POST: %d", status)
	}
}

func TestMetricsNeedTheToken(t *testing.T) {
	url := start(t, func(*Config) {}) + "/flashstore/metrics"
	for header, want := range map[string]int{
		"": 401, "Bearer": 401, "Bearer ": 401, "Bearer x": 401, "Basic " + token: 401,
		"Bearer " + token + "x": 401, "Bearer " + token: 200, "bearer " + token: 200,
	} {
		req := request(t, "GET", url)
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		status, body := send(t, req)
		if status != want || (status == 200) != strings.Contains(body, "go_goroutines") {
			t.Errorf("%q: %d, want %d\n%.200s", header, status, want, body)
		}
	}
	req := request(t, "GET", url)
	req.Header["Authorization"] = []string{"Bearer x", "Bearer " + token}
	if status, _ := send(t, req); status == 200 {
		t.Error("two Authorization fields let in")
	}
}

func TestMetricsWithoutToken(t *testing.T) {
	closed := start(t, func(c *Config) { c.MetricsToken = "" }) + "/flashstore/metrics"
	req := request(t, "GET", closed)
	req.Header.Set("Authorization", "Bearer ")
	if status, _ := send(t, req); status != 401 {
		t.Errorf("no token configured: %d", status)
	}
	public := start(t, func(c *Config) { c.MetricsPublic = true }) + "/flashstore/metrics"
	if status, _ := send(t, request(t, "GET", public)); status != 200 {
		t.Errorf("public: %d", status)
	}
}

// TestOwnEndpointsNeedASignatureInTheHeader: each of them, by each method that it knows.
func TestOwnEndpointsNeedASignatureInTheHeader(t *testing.T) {
	for _, c := range []struct {
		method, path, want string
		status             int
	}{
		{"GET", "/v1/status", `{"cqes":7}`, 200},
		{"GET", "/v1/admin/heal", `{"whole":true}`, 200},
		{"POST", "/v1/admin/heal", `{"scrub":false}`, 202},
		{"POST", "/v1/admin/heal?scrub=true", `{"scrub":true}`, 202},
		{"POST", "/v1/admin/heal?scrub=maybe", `{"error":"scrub is true or false"}`, 400},
		{"POST", "/v1/admin/heal?scrap=true", `{"error":"the only parameter is scrub"}`, 400},
		{"POST", "/v1/admin/adopt", `{"adopted":""}`, 200},
		{"POST", "/v1/admin/adopt?drive=%2Fdata%2Fd3", `{"adopted":"/data/d3"}`, 200},
		{"POST", "/v1/admin/adopt?drive=%2Frefused", `{"error":"not adopted"}`, 409},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			needsSignature(t, c.method, c.path, c.status, c.want)
		})
	}
	url := start(t, func(*Config) {}) + "/flashstore/v1"
	for path, method := range map[string]string{"/status": "POST", "/admin/adopt": "GET",
		"/admin/heal": "DELETE"} {
		if status, _ := send(t, request(t, method, url+path)); status != 405 {
			t.Errorf("%s %s: %d", method, path, status)
		}
	}
}

func needsSignature(t *testing.T, method, path string, wantStatus int, want string) {
	url := start(t, func(*Config) {}) + "/flashstore" + path
	sign := func(key, secret, region, service string) *http.Request {
		req := request(t, method, url)
		_, err := sigv4.Sign(req, key, secret, region, service, empty, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	status, body := send(t, sign(user, secret, "us-east-1", "s3"))
	if status != wantStatus || strings.TrimSpace(body) != want {
		t.Errorf("root: %d %s", status, body)
	}
	presigned := request(t, method, url)
	if err := sigv4.Presign(presigned, user, secret, "us-east-1", "s3", time.Minute,
		time.Now()); err != nil {
		t.Fatal(err)
	}
	withBody := sign(user, secret, "us-east-1", "s3")
	withBody.Body, withBody.ContentLength = io.NopCloser(bytes.NewReader([]byte("x"))), 1
	for name, req := range map[string]*http.Request{
		"anonymous": request(t, method, url), "wrong secret": sign(user, "wrong-secret", "us-east-1", "s3"),
		"unknown key": sign("other", secret, "us-east-1", "s3"), "presigned": presigned,
		"other service": sign(user, secret, "us-east-1", "iam"), "with body": withBody,
		"other region": sign(user, secret, "eu-west-1", "s3"),
	} {
		if status, body := send(t, req); status != 403 || body == want {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration is accepted")
	}
	if _, err := New(Config{Ready: func() bool { return true }}); err == nil {
		t.Error("half a configuration is accepted")
	}
}
