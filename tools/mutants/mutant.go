package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is a deliberate fault: lines of a file that are replaced.
type mutant struct {
	name     string
	file     string // below the repository
	old, new string
	pkg, run string // the tests that are to notice it
	hangs    bool   // they may do so by not ending
}

// parse reads a table: a fault begins with "== NAME", then "file PATH", "test PACKAGE PATTERN",
// "hangs" where its tests need not end, and lines of the file, "-" those that go and "+" those that
// come. "#" begins a comment.
func parse(text string) (all []mutant, err error) {
	var m *mutant
	for number, line := range strings.Split(text, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case word == "==":
			all = append(all, mutant{name: rest})
			m = &all[len(all)-1]
		case m == nil:
			return nil, fmt.Errorf("line %d: a fault begins with == NAME", number+1)
		case line == "hangs":
			m.hangs = true
		case word == "file":
			m.file = rest
		case word == "test":
			m.pkg, m.run, _ = strings.Cut(rest, " ")
		case line[0] == '-':
			m.old += line[1:] + "\n"
		case line[0] == '+':
			m.new += line[1:] + "\n"
		default:
			return nil, fmt.Errorf("line %d: %q is not understood", number+1, line)
		}
	}
	for _, m := range all {
		if m.file == "" || m.old == "" || m.pkg == "" || m.run == "" {
			return nil, fmt.Errorf("%s: file, test and lines that go are wanted", m.name)
		}
	}
	return all, nil
}

// plant writes the changed file, and what lays it over the tree, into dir.
func (m *mutant) plant(root, dir string) (overlay string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, m.file)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("the lines that go are %d times in %s: the table is out of date", n,
			m.file)
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.old, m.new, 1)),
		0o600); err != nil {
		return "", err
	}
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, doc, 0o600)
}
