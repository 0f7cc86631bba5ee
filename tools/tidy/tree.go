package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one parsed Go file.
type source struct {
	path string // relative to the repository, with slashes
	dir  string // folder of path
	test bool
	text string
	set  *token.FileSet
	file *ast.File
}

func (s source) line(p token.Pos) int { return s.set.Position(p).Line }

// readTree parses all Go files below root but those of testdata and hidden folders.
func readTree(root string) ([]source, error) {
	var files []source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := readSource(root, path)
		files = append(files, f)
		return err
	})
	return files, err
}

func readSource(root, path string) (source, error) {
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return source{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	f := source{path: filepath.ToSlash(relative), text: string(text), set: token.NewFileSet()}
	f.dir = filepath.ToSlash(filepath.Dir(relative))
	f.test = strings.HasSuffix(path, "_test.go")
	f.file, err = parser.ParseFile(f.set, path, text, parser.ParseComments)
	return f, err
}

// checkPackages wants a doc.go with a package comment in each folder, and names that say something.
func checkPackages(files []source) []finding {
	var findings []finding
	var lengths []int
	documented, seen := map[string]bool{}, map[string]string{}
	for _, f := range files {
		if f.test {
			continue
		}
		lengths = append(lengths, strings.Count(f.text, "\n"))
		if seen[f.dir] == "" {
			seen[f.dir] = f.path
		}
		// A command of one file documents itself.
		name := filepath.Base(f.path)
		if f.file.Doc != nil && (name == "doc.go" || f.file.Name.Name == "main") {
			documented[f.dir] = true
		}
		if slices.Contains(badNames(), f.file.Name.Name) {
			findings = append(findings, finding{f.path, 1, "package " + f.file.Name.Name +
				": a name that says nothing", false})
		}
	}
	for dir, path := range seen {
		if !documented[dir] {
			findings = append(findings, finding{path, 1, "no doc.go with a package comment", false})
		}
	}
	slices.Sort(lengths)
	if n := len(lengths); n > 0 && lengths[n/2] > fileLinesMedian {
		findings = append(findings, finding{".", 0, "the median file is too long", true})
	}
	return findings
}
