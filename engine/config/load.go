package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Loaded is a Config with what was asked besides.
type Loaded struct {
	Config
	PrintConfig bool
}

// Load reads the configuration: defaults, then the file named by --config, then variables of
// environ (os.Environ form), then args. Help goes to out. Errors: ErrUsage, ErrHelp.
func Load(args, environ []string, out io.Writer) (*Loaded, error) {
	l := &Loaded{Config: Defaults()}
	given, file, err := l.parseFlags(args, out)
	if err != nil {
		return nil, err
	}
	values := make(map[string][]string)
	if file != "" {
		if err := readFile(file, values); err != nil {
			return nil, err
		}
	}
	if err := readEnviron(environ, values); err != nil {
		return nil, err
	}
	for key, v := range given {
		values[key] = v
	}
	for _, s := range settings() {
		if v := values[s.key]; len(v) > 0 {
			if err := s.set(&l.Config, v); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrUsage, s.key, err)
			}
		}
	}
	return l, l.Validate()
}

// parseFlags collects what the command line says, by key.
func (l *Loaded) parseFlags(args []string, out io.Writer) (map[string][]string, string, error) {
	given := make(map[string][]string)
	var valid []string
	set := flag.NewFlagSet("server", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	file := set.String("config", "", "YAML `FILE` with any of these settings")
	set.BoolVar(&l.PrintConfig, "print-config", false,
		"print the effective configuration as YAML and exit")
	for _, s := range settings() {
		if s.secret {
			continue
		}
		take := func(v string) error { given[s.key] = append(given[s.key], v); return nil }
		if s.toggle {
			set.BoolFunc(s.flag(), s.usage, take)
		} else {
			set.Func(s.flag(), s.usage, take)
		}
	}
	set.VisitAll(func(f *flag.Flag) { valid = append(valid, "--"+f.Name) })
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(out, "usage: flashstore server --drives DIRS [flags]\n\nFlags (each is "+
			"also a YAML key and a FLASHSTORE_ variable):")
		set.SetOutput(out)
		set.PrintDefaults()
		return nil, "", ErrHelp
	case err != nil:
		return nil, "", fmt.Errorf("%w: %w; valid flags: %s", ErrUsage, err,
			strings.Join(valid, ", "))
	case set.NArg() > 0:
		return nil, "", fmt.Errorf("%w: %q is not a flag; directories go to --drives", ErrUsage,
			set.Arg(0))
	}
	return given, *file, nil
}

// readFile adds the settings of a YAML mapping of keys to scalars or lists of scalars.
func readFile(path string, values map[string][]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: --config: %w", ErrUsage, err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUsage, path, err)
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		pairs, ok := doc.Body.(ast.MapNode)
		if !ok {
			return fmt.Errorf("%w: %s: a mapping of settings is wanted", ErrUsage, path)
		}
		for it := pairs.MapRange(); it.Next(); {
			if err := readPair(path, it.Key(), it.Value(), values); err != nil {
				return err
			}
		}
	}
	return nil
}

func readPair(path string, key ast.MapKeyNode, value ast.Node,
	values map[string][]string) error {
	name, line := key.GetToken().Value, key.GetToken().Position.Line
	if !slices.Contains(keys(), name) {
		return fmt.Errorf("%w: %s:%d: unknown key %q; valid: %s", ErrUsage, path, line, name,
			strings.Join(keys(), ", "))
	}
	if len(values[name]) > 0 {
		return fmt.Errorf("%w: %s:%d: %s is set twice", ErrUsage, path, line, name)
	}
	nodes := []ast.Node{value}
	if list, ok := value.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	for _, n := range nodes {
		scalar, ok := n.(ast.ScalarNode)
		if !ok {
			return fmt.Errorf("%w: %s:%d: %s wants a value or a list of values", ErrUsage, path,
				line, name)
		}
		values[name] = append(values[name], fmt.Sprint(scalar.GetValue()))
	}
	return nil
}

func keys() (all []string) {
	for _, s := range settings() {
		all = append(all, s.key)
	}
	return all
}

// readEnviron adds FLASHSTORE_ variables, above what the file said.
func readEnviron(environ []string, values map[string][]string) error {
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "FLASHSTORE_") {
			continue
		}
		key := strings.ToLower(strings.TrimPrefix(name, "FLASHSTORE_"))
		if !slices.Contains(keys(), key) {
			return fmt.Errorf("%w: the variable %s is not a setting; valid: FLASHSTORE_ and one "+
				"of %s", ErrUsage, name, strings.ToUpper(strings.Join(keys(), ", ")))
		}
		values[key] = []string{value}
	}
	return nil
}

// Print writes the effective configuration as YAML that --config reads, without its secrets.
func (c *Config) Print(out io.Writer) {
	for _, s := range settings() {
		v := s.get(c)
		switch {
		case s.secret && len(v) > 0 && v[0] != "":
			fmt.Fprintf(out, "# %s: set, not shown\n", s.key)
		case s.secret:
			fmt.Fprintf(out, "# %s: not set\n", s.key)
		case s.list:
			fmt.Fprintf(out, "%s: [%s]\n", s.key, quoted(v))
		default:
			fmt.Fprintf(out, "%s: %s\n", s.key, quoted(v))
		}
	}
}

func quoted(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(all, ", ")
}
