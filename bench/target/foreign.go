package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Foreign is how to start a server that is not ours. In its texts these words are replaced:
// {binary}, {address}, {host}, {port}, {dir} (a folder of the leg), {drives} (its n drives, apart
// by blanks; alone in an argument it becomes n arguments), {drive1}, {parity}, {access_key},
// {secret_key}, {www} (the folder of static files).
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

// setupMax bounds the commands of a setup.
const setupMax = 30 * time.Second

// wwwDir is where a server of static files finds them.
func (c Config) wwwDir() string { return filepath.Join(c.Dir, "www") }

func (f *Foreign) replacer(s *Server) *strings.Replacer {
	host, port, _ := strings.Cut(s.Address, ":")
	c := s.config
	return strings.NewReplacer("{binary}", c.Binary, "{address}", s.Address, "{host}", host,
		"{port}", port, "{dir}", c.Dir, "{drives}", strings.Join(c.drives(), " "),
		"{drive1}", c.drives()[0], "{parity}", strconv.Itoa(c.Parity), "{www}", c.wwwDir(),
		"{access_key}", s.AccessKey, "{secret_key}", s.SecretKey)
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
	f := s.config.Foreign
	if _, err := os.Stat(filepath.Join(s.config.Dir, "set-up")); err == nil {
		return nil // by an earlier leg, over the same data
	}
	ctx, cancel := context.WithTimeout(ctx, setupMax)
	defer cancel()
	for _, command := range f.Setup {
		words := f.fill(s, command)
		cmd := exec.CommandContext(ctx, words[0], words[1:]...)
		cmd.Env = append(os.Environ(), f.fill(s, f.Env)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("setup: %s: %w\n%.2000s", strings.Join(words, " "), err, out)
		}
	}
	return os.WriteFile(filepath.Join(s.config.Dir, "set-up"), nil, 0o600)
}

// errForeign is where something of ours is asked of a server that is not.
var errForeign = errors.New("not our server: it has no status")

// Ours says whether the server is ours, so that it has a status.
func (s *Server) Ours() bool { return s.config.Foreign == nil }
