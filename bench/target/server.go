package target

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"flashstore/bench/process"
	"flashstore/bench/scenario"
)

// ErrNotReady is wrapped by Start where the server did not come up.
var ErrNotReady = errors.New("server not ready")

const (
	readyMax        = 15 * time.Second // the server promises 10 s on small data
	foreignReadyMax = time.Minute      // others promise nothing, and some elect a leader first
	stopGrace       = 15 * time.Second // the server's own grace is 10 s
	pollInterval    = 10 * time.Millisecond
)

// Region is what requests to the server are signed for.
const Region = "us-east-1"

// Config says which server to start, and how.
type Config struct {
	Binary string
	Axes   scenario.Configuration
	Drives int
	Parity int
	Dir    string // holds the drives d1…dn, created where missing, and server.log
	Cores  []int
	Env    []string // as in "GOMAXPROCS=1"; of the harness's own it gets what process.Spec says
	TLS    bool     // HTTPS with a certificate made here; not with Foreign
	Trace  []string // a program and its arguments that runs the server's, as in strace -f -o FILE
	// Foreign says how to start a server that is not ours; nil for ours.
	Foreign *Foreign
}

// Validate returns an error for a config that cannot start.
func (c Config) Validate() error {
	switch {
	case c.Binary == "":
		return errors.New("target: no binary")
	case c.Dir == "":
		return errors.New("target: no folder for the drives")
	case c.Drives < 1:
		return fmt.Errorf("target: %d drives", c.Drives)
	}
	return nil
}

// Server is a running server of one leg.
type Server struct {
	Address   string
	AccessKey string
	SecretKey string

	more    []string // further free addresses, of foreign servers
	config  Config
	process *process.Process
	client  *minio.Client
	http    *http.Client
}

// Start starts the server and returns once it is ready. The caller ends it by Stop or Kill.
// Errors wrap ErrNotReady and quote the server's log.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := Launch(c)
	if err != nil {
		return nil, err
	}
	err = s.awaitReady(ctx)
	if err == nil && c.Foreign != nil {
		err = s.setUp(ctx)
	}
	if err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	return s, nil
}

// Launch starts the server and returns as soon as its program runs, which may be long before it
// answers. The caller ends it by Stop or Kill. Errors of the start wrap ErrNotReady.
func Launch(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	for i := range c.Drives {
		if err := os.MkdirAll(filepath.Join(c.Dir, "d"+strconv.Itoa(i+1)), 0o700); err != nil {
			return nil, err
		}
	}
	ports := 1
	if c.Foreign != nil {
		ports += morePorts
	}
	addresses, err := freeAddresses(ports)
	if err != nil {
		return nil, err
	}
	address := addresses[0]
	s := &Server{Address: address, more: addresses[1:], AccessKey: "bench" + rand.Text()[:8],
		SecretKey: rand.Text(), config: c, http: newClient(nil)}
	if c.Foreign != nil && c.Foreign.AccessKey != "" {
		s.AccessKey, s.SecretKey = c.Foreign.AccessKey, c.Foreign.SecretKey
	}
	if c.TLS {
		if s.http, err = newCertificate(c.certsDir()); err != nil {
			return nil, err
		}
	}
	s.client, err = minio.New(address, &minio.Options{
		Creds:        credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region:       c.region(),
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   1, // a retry would hide what the pass is looking for
		Secure:       c.TLS,
		Transport:    s.http.Transport,
	})
	if err != nil {
		return nil, err
	}
	spec := process.Spec{Path: c.Binary, Args: c.args(address), Env: c.env(s),
		Log: filepath.Join(c.Dir, "server.log"), Cores: c.Cores}
	if c.Foreign != nil {
		spec.Dir = c.Dir // what it writes beside its drives goes with the leg
		if spec.Args, err = c.Foreign.prepare(s); err != nil {
			return nil, err
		}
	}
	if len(c.Trace) > 0 {
		spec.Path, spec.Args = c.Trace[0], slices.Concat(c.Trace[1:], []string{c.Binary}, spec.Args)
	}
	if s.process, err = process.Start(spec); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	return s, nil
}

func (c Config) certsDir() string { return filepath.Join(c.Dir, "certs") }

func (c Config) region() string {
	if c.Foreign != nil && c.Foreign.Region != "" {
		return c.Foreign.Region
	}
	return Region
}

// env is what the process is told by its environment.
func (c Config) env(s *Server) []string {
	if c.Foreign != nil {
		return append(c.Foreign.fill(s, c.Foreign.Env), c.Env...)
	}
	env := append([]string{
		"FLASHSTORE_ROOT_USER=" + s.AccessKey, "FLASHSTORE_ROOT_PASSWORD=" + s.SecretKey,
	}, c.Env...)
	for _, axis := range scenario.Axes() {
		for _, choice := range c.Axes {
			if axis.Env != "" && choice.Axis == axis.Name {
				env = append(env, axis.Env+"="+choice.Value)
			}
		}
	}
	return env
}

func (c Config) args(address string) []string {
	drives := filepath.Join(c.Dir, "d1")
	if c.Drives > 1 {
		drives = fmt.Sprintf("%s{1...%d}", filepath.Join(c.Dir, "d"), c.Drives)
	}
	args := []string{
		"server", "--address", address, "--drives", drives, "--parity", strconv.Itoa(c.Parity),
	}
	if c.TLS {
		args = append(args, "--certs-dir", c.certsDir())
	}
	for _, choice := range c.Axes {
		if envOf(choice.Axis) == "" {
			args = append(args, "--"+choice.Axis, choice.Value)
		}
	}
	return args
}

// envOf is the variable that sets an axis, empty where a flag does.
func envOf(name string) string {
	for _, axis := range scenario.Axes() {
		if axis.Name == name {
			return axis.Env
		}
	}
	return ""
}

// FreeAddress asks the kernel for a port nobody uses. It may be taken before a server binds it;
// the server then fails to start, and the leg says so.
func FreeAddress() (string, error) {
	addresses, err := freeAddresses(1)
	if err != nil {
		return "", err
	}
	return addresses[0], nil
}

// freeAddresses asks for n at once, so that no two are the same.
func freeAddresses(n int) (addresses []string, err error) {
	for range n {
		listener, listenErr := net.Listen("tcp", "127.0.0.1:0")
		if listenErr != nil {
			return nil, listenErr
		}
		defer func() { err = errors.Join(err, listener.Close()) }()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	patience := readyMax
	if s.config.Foreign != nil {
		patience = foreignReadyMax
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	last := errors.New("no answer yet")
	for {
		if err := s.probe(ctx); err == nil {
			return nil
		} else if ctx.Err() == nil {
			last = err
		}
		select {
		case <-s.process.Done():
			if err := s.process.Wait(); err != nil {
				return err
			}
			return fmt.Errorf("ended with exit code 0\n%s", s.process.LogTail())
		case <-ctx.Done():
			return fmt.Errorf("%w: %w\n%s", context.Cause(ctx), last, s.process.LogTail())
		case <-poll.C:
		}
	}
}

func (s *Server) probe(ctx context.Context) error {
	path := "/flashstore/health/ready"
	if s.config.Foreign != nil {
		path = s.config.Foreign.Health
	}
	url := s.URL() + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := s.http.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	// Any answer below 500 shows that a foreign server without a health path is up.
	anyAnswer := s.config.Foreign != nil && path == "" && answer.StatusCode < 500
	if answer.StatusCode != http.StatusOK && !anyAnswer {
		return fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return nil
}

// URL is where the server answers, without a path.
func (s *Server) URL() string {
	if s.config.TLS {
		return "https://" + s.Address
	}
	return "http://" + s.Address
}

// Region is what requests are signed for.
func (s *Server) Region() string { return s.config.region() }

// PID is the server's process number.
func (s *Server) PID() int { return s.process.PID() }

// newClient makes the harness's own connections, apart from those of the load.
func newClient(trust *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: trust,
		DisableCompression: true, MaxIdleConnsPerHost: preloadWorkers}}
}

// Stop ends the server as an operator would; an error if it does not obey or its exit code is not
// 0. How a foreign server ends that was asked to is its own business: some die by the signal.
func (s *Server) Stop() error {
	ran := true
	select {
	case <-s.process.Done():
		ran = false
	default:
	}
	// net/http waits five seconds for a connection that has not asked for anything yet.
	s.http.CloseIdleConnections()
	err := s.process.Stop(stopGrace)
	if ran && s.config.Foreign != nil && errors.Is(err, process.ErrExited) {
		return nil
	}
	return err
}

// Kill ends the server at once.
func (s *Server) Kill() {
	s.process.Kill()
	if len(s.config.Trace) > 0 {
		s.process.AwaitGroup(stopGrace) // what is traced ends after its tracer
	}
}

// LogTail quotes the end of what the server has written.
func (s *Server) LogTail() string { return s.process.LogTail() }
