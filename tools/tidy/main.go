package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	root := flag.String("root", "..", "`folder` of the repository")
	quiet := flag.Bool("quiet", false, "leave out warnings")
	flag.Parse()
	findings, err := check(*root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tidy:", err)
		os.Exit(2)
	}
	errors := 0
	for _, f := range findings {
		if !f.warning {
			errors++
		} else if *quiet {
			continue
		}
		fmt.Println(f)
	}
	if errors > 0 {
		fmt.Printf("tidy: %d findings\n", errors)
		os.Exit(1)
	}
}

// finding is one breach of a rule.
type finding struct {
	file    string // relative to the repository
	line    int
	text    string
	warning bool
}

func (f finding) String() string {
	kind := ""
	if f.warning {
		kind = "warning: "
	}
	return fmt.Sprintf("%s:%d: %s%s", f.file, f.line, kind, f.text)
}

// check reads the rules and the tree below root.
func check(root string) ([]finding, error) {
	text, err := os.ReadFile(filepath.Join(root, "tools/tidy/imports.txt"))
	if err != nil {
		return nil, err
	}
	rules, err := parseRules(string(text))
	if err != nil {
		return nil, err
	}
	files, err := readTree(root)
	if err != nil {
		return nil, err
	}
	findings := checkPackages(files)
	for _, f := range files {
		findings = append(findings, rules.check(f)...)
		findings = append(findings, checkLengths(f)...)
		findings = append(findings, checkVariables(f)...)
	}
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	return findings, nil
}
