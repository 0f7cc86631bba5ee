package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"flashstore/bench/process"
)

// Foreign is how to start a server that is not ours, in the folder of its leg. In its texts the
// Words in braces are replaced: {binary}, {address}, {host}, {port}, {port2} to {port9} (more free
// ports), {dir} (the folder of the leg), {drives} (its n drives, apart by blanks; alone in an
// argument it becomes n arguments), {drive1}, {parity}, {access_key}, {secret_key}, {www} (the
// folder of static files).
type Foreign struct {
	Args   []string
	Env    []string
	Health string            // path that answers 200 once it is ready; empty: any answer below 500
	Files  map[string]string // written to {dir} before the start
	Setup  [][]string        // commands that run once it is ready; the first word is the program
	Region string            // empty: Region
	// AccessKey and SecretKey, where the server does not take those of the leg.
	AccessKey, SecretKey string
	// GetOnly is a server of static files: it is preloaded on disk and verified by GET.
	GetOnly bool
}

const (
	// setupMax bounds the commands of a setup.
	setupMax = 30 * time.Second
	// morePorts are drawn beside the address, for servers of several parts.
	morePorts = 8
	// setUpMark is a file that says that the setup was run over this data.
	setUpMark = "set-up"
)

// Words are those that Foreign replaces, without braces.
func Words() []string {
	words := []string{"binary", "address", "host", "port", "dir", "drives", "drive1", "parity",
		"access_key", "secret_key", "www"}
	for i := range morePorts {
		words = append(words, morePort(i))
	}
	return words
}

// morePort is the word for the i-th of the further ports.
func morePort(i int) string { return "port" + strconv.Itoa(i+2) }

// wwwDir is where a server of static files finds them.
func (c Config) wwwDir() string { return filepath.Join(c.Dir, "www") }

func (f *Foreign) replacer(s *Server) *strings.Replacer {
	host, port, _ := strings.Cut(s.Address, ":")
	c := s.config
	pairs := []string{"{binary}", c.Binary, "{address}", s.Address, "{host}", host,
		"{port}", port, "{dir}", c.Dir, "{drives}", strings.Join(c.drives(), " "),
		"{drive1}", c.drives()[0], "{parity}", strconv.Itoa(c.Parity), "{www}", c.wwwDir(),
		"{access_key}", s.AccessKey, "{secret_key}", s.SecretKey}
	for i, address := range s.more {
		_, port, _ := strings.Cut(address, ":")
		pairs = append(pairs, "{"+morePort(i)+"}", port)
	}
	return strings.NewReplacer(pairs...)
}

func (c Config) drives() []string {
	out := make([]string, c.Drives)
	for i := range out {
		out[i] = filepath.Join(c.Dir, "d"+strconv.Itoa(i+1))
	}
	return out
}

// fill replaces the words in each text.
func (f *Foreign) fill(s *Server, texts []string) []string {
	r := f.replacer(s)
	var out []string
	for _, text := range texts {
		if text == "{drives}" {
			out = append(out, s.config.drives()...)
			continue
		}
		out = append(out, r.Replace(text))
	}
	return out
}

// prepare writes the files of a foreign server and returns its arguments.
func (f *Foreign) prepare(s *Server) ([]string, error) {
	if err := os.MkdirAll(s.config.wwwDir(), 0o755); err != nil {
		return nil, err
	}
	for name, text := range f.Files {
		path := filepath.Join(s.config.Dir, filepath.Base(name))
		if err := os.WriteFile(path, []byte(f.replacer(s).Replace(text)), 0o600); err != nil {
			return nil, err
		}
	}
	return f.fill(s, f.Args), nil
}

// setUp runs the commands that a foreign server needs once it is up.
func (s *Server) setUp(ctx context.Context) error {
	mark := filepath.Join(s.config.Dir, setUpMark)
	if _, err := os.Stat(mark); err == nil {
		return nil // by an earlier leg, over the same data
	}
	ctx, cancel := context.WithTimeout(ctx, setupMax)
	defer cancel()
	f := s.config.Foreign
	for _, command := range f.Setup {
		words := f.fill(s, command)
		if err := s.runSetup(ctx, words); err != nil {
			return fmt.Errorf("setup: %s: %w", strings.Join(words, " "), err)
		}
	}
	return os.WriteFile(mark, nil, 0o600)
}

// runSetup runs one command; what it leaves behind ends with it.
func (s *Server) runSetup(ctx context.Context, words []string) error {
	dir := s.config.Dir
	p, err := process.Start(process.Spec{Path: words[0], Args: words[1:], Dir: dir,
		Env: s.config.env(s), Log: filepath.Join(dir, "setup.log")})
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		return p.Wait()
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%w\n%s", context.Cause(ctx), p.LogTail())
	}
}

// errForeign is where something of ours is asked of a server that is not.
var errForeign = errors.New("not our server: it has no status")

// Ours says whether the server is ours, so that it has a status.
func (s *Server) Ours() bool { return s.config.Foreign == nil }
