package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	module     = "flashstore"
	unsafePath = "unsafe" // needs permission like a package of the module
)

// rules maps a folder to what it may import.
type rules map[string][]string

// parseRules reads imports.txt.
func parseRules(text string) (rules, error) {
	r := rules{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		folder, allowed, ok := strings.Cut(line, "->")
		folder = strings.TrimSpace(folder)
		words := strings.Fields(allowed)
		if !ok || folder == "" || len(words) == 0 {
			return nil, fmt.Errorf("imports.txt:%d: want folder -> imports", number)
		}
		if r[folder] != nil {
			return nil, fmt.Errorf("imports.txt:%d: second rule for %s", number, folder)
		}
		r[folder] = words
	}
	return r, nil
}

// of finds the rule of a folder: its own or that of the nearest folder above.
func (r rules) of(folder string) (allowed []string, ok bool) {
	for {
		if allowed, ok := r[folder]; ok {
			return allowed, true
		}
		i := strings.LastIndexByte(folder, '/')
		if i < 0 {
			return nil, false
		}
		folder = folder[:i]
	}
}

func (r rules) check(f source) []finding {
	if f.dir == "tools" || strings.HasPrefix(f.dir, "tools/") {
		return nil // modules of their own
	}
	allowed, ok := r.of(f.dir)
	if !ok {
		return []finding{{f.path, 1, "no rule for " + f.dir + " in tools/tidy/imports.txt", false}}
	}
	var findings []finding
	for _, spec := range f.file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		folder, internal := strings.CutPrefix(path, module+"/")
		if !internal && path != unsafePath || folder == f.dir || allows(allowed, folder) {
			continue
		}
		if f.test && (!internal || side(folder) == side(f.dir)) {
			continue
		}
		findings = append(findings, finding{f.path, f.line(spec.Pos()),
			fmt.Sprintf("%s may not import %s", f.dir, folder), false})
	}
	return findings
}

func allows(allowed []string, folder string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		below, tree := strings.CutSuffix(a, "/...")
		return a == "*" || a == folder ||
			tree && (folder == below || strings.HasPrefix(folder, below+"/"))
	})
}

// side tells the harness from the server.
func side(folder string) bool {
	return folder == "bench" || strings.HasPrefix(folder, "bench/") || folder == "cmd/flashbench"
}
