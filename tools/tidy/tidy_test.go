package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a small repository; the rules of imports come first.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRules(t *testing.T) {
	const doc = "// Package x is.\npackage x\n"
	for _, c := range []struct{ name, file, text, want string }{
		{"allowed", "a/b/x.go", "package b\n\nimport _ \"flashstore/a\"\n", ""},
		{"tree allowed", "e/x.go", "package e\n\nimport _ \"flashstore/a/b\"\n", ""},
		{"child rules itself by its parent", "a/b/c/x.go", "package c\n\nimport _ \"flashstore/a\"\n", ""},
		{"parent imports child", "a/x.go", "package a\n\nimport _ \"flashstore/a/b\"\n",
			"a/x.go:3: a may not import a/b"},
		{"bench imports server", "bench/x.go", "package bench\n\nimport _ \"flashstore/a\"\n",
			"bench may not import a"},
		{"tests may more", "a/x_test.go", "package a\n\nimport _ \"flashstore/a/b\"\n", ""},
		{"tests of bench not", "bench/x_test.go", "package bench\n\nimport _ \"flashstore/a\"\n",
			"bench may not import a"},
		{"unsafe", "a/x.go", "package a\n\nimport _ \"unsafe\"\n", "a/x.go:3: a may not import unsafe"},
		{"unsafe with a rule", "e/x.go", "package e\n\nimport _ \"unsafe\"\n", ""},
		{"unsafe in a test", "a/x_test.go", "package a\n\nimport _ \"unsafe\"\n", ""},
		{"no rule", "z/x.go", "package z\n", "no rule for z"},
		{"no doc", "a/c/x.go", "package c\n", "no doc.go"},
		{"bad name", "a/util/x.go", "package util\n", "says nothing"},
		{"init", "a/x.go", "package a\n\nfunc init() {}\n", "an init function"},
		{"variable", "a/x.go", "package a\n\nvar x = 1\n", "warning: package variable x"},
		{"read-only", "a/x.go", "package a\n\n// x is read-only.\nvar x = 1\n", ""},
		{"sentinel", "a/x.go", "package a\n\nvar ErrX, _ = 1, 2\n", ""},
		{"long line", "a/x.go", "package a\n\n//" + strings.Repeat("x", 99) + "\n", "101 columns"},
		{"long file", "a/x.go", "package a\n" + strings.Repeat("\n", 400), "401 lines"},
		{"long function", "a/x.go", "package a\n\nfunc f() {" + strings.Repeat("\n", 70) + "}\n",
			"f has 71 lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := write(t, map[string]string{
				"tools/tidy/imports.txt": "a -> -\na/b -> a\ne -> a/... unsafe\nbench -> bench/...\n",
				"a/doc.go":               doc, "a/b/doc.go": doc, "a/b/c/doc.go": doc, "bench/doc.go": doc,
				"z/doc.go": doc, "e/doc.go": doc, "a/util/doc.go": doc, c.file: c.text,
			})
			findings, err := check(root)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				if f.file == c.file {
					got = append(got, f.String())
				}
			}
			text := strings.Join(got, "\n")
			if (c.want == "") != (text == "") || !strings.Contains(text, c.want) {
				t.Errorf("got %q, want %q", text, c.want)
			}
		})
	}
}

func TestBadRules(t *testing.T) {
	for _, text := range []string{"a\n", "-> b\n", "a ->\n", "a -> -\na -> b\n"} {
		if _, err := parseRules(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}
