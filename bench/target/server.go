package target

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
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
	readyMax     = 15 * time.Second // the server promises 10 s on small data
	stopGrace    = 15 * time.Second // the server's own grace is 10 s
	pollInterval = 10 * time.Millisecond
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
	Env    []string // added to the harness's own, as in "GOMAXPROCS=1"
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

	process *process.Process
	client  *minio.Client
}

// Start starts the server and returns once it is ready. The caller ends it by Stop or Kill.
// Errors wrap ErrNotReady and quote the server's log.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := Launch(c)
	if err != nil {
		return nil, err
	}
	if err := s.awaitReady(ctx); err != nil {
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
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	s := &Server{Address: address, AccessKey: "bench" + rand.Text()[:8], SecretKey: rand.Text()}
	s.client, err = minio.New(address, &minio.Options{
		Creds:        credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region:       Region,
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   1, // a retry would hide what the pass is looking for
	})
	if err != nil {
		return nil, err
	}
	s.process, err = process.Start(process.Spec{
		Path: c.Binary, Args: c.args(address), Log: filepath.Join(c.Dir, "server.log"),
		Cores: c.Cores,
		Env: append([]string{
			"FLASHSTORE_ROOT_USER=" + s.AccessKey, "FLASHSTORE_ROOT_PASSWORD=" + s.SecretKey,
		}, c.Env...),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotReady, err)
	}
	return s, nil
}

func (c Config) args(address string) []string {
	drives := filepath.Join(c.Dir, "d1")
	if c.Drives > 1 {
		drives = fmt.Sprintf("%s{1...%d}", filepath.Join(c.Dir, "d"), c.Drives)
	}
	args := []string{
		"server", "--address", address, "--drives", drives, "--parity", strconv.Itoa(c.Parity),
	}
	for _, choice := range c.Axes {
		args = append(args, "--"+choice.Axis, choice.Value)
	}
	return args
}

// FreeAddress asks the kernel for a port nobody uses. It may be taken before a server binds it;
// the server then fails to start, and the leg says so.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyMax)
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
	url := "http://" + s.Address + "/flashstore/health/ready"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return nil
}

// PID is the server's process number.
func (s *Server) PID() int { return s.process.PID() }

// Stop ends the server as an operator would; an error if it does not obey or
// its exit code is not 0.
func (s *Server) Stop() error { return s.process.Stop(stopGrace) }

// Kill ends the server at once.
func (s *Server) Kill() { s.process.Kill() }

// LogTail quotes the end of what the server has written.
func (s *Server) LogTail() string { return s.process.LogTail() }
