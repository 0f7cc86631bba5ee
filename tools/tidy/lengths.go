package main

import (
	"fmt"
	"go/ast"
	"strings"
	"unicode/utf8"
)

// checkLengths only warns about tests: a table of cases may be long and wide.
func checkLengths(f source) []finding {
	var findings []finding
	add := func(line int, text string) {
		findings = append(findings, finding{f.path, line, text, f.test})
	}
	if ast.IsGenerated(f.file) {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(f.text, "\n"), "\n")
	if len(lines) > fileLinesMax {
		add(1, fmt.Sprintf("%d lines, at most %d", len(lines), fileLinesMax))
	}
	for i, line := range lines {
		columns := utf8.RuneCountInString(line) + strings.Count(line, "\t")*(tabColumns-1)
		if columns > columnsMax && !strings.Contains(line, "://") {
			add(i+1, fmt.Sprintf("%d columns, at most %d", columns, columnsMax))
		}
	}
	if f.test {
		return findings
	}
	for _, d := range f.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > funcLinesMax {
			add(f.line(fn.Pos()), fmt.Sprintf("%s has %d lines, at most %d", fn.Name.Name, n, funcLinesMax))
		}
	}
	return findings
}

// checkVariables finds init functions and package variables that somebody could change. Sentinel
// errors and compile-time checks are fine, and so is what its comment calls read-only.
func checkVariables(f source) []finding {
	if f.test {
		return nil
	}
	var findings []finding
	for _, d := range f.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == "init" && d.Recv == nil {
				findings = append(findings, finding{f.path, f.line(d.Pos()), "an init function", false})
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				v, ok := spec.(*ast.ValueSpec)
				if ok && d.Tok.String() == "var" && !constant(v, d) {
					findings = append(findings, finding{f.path, f.line(v.Pos()),
						"package variable " + v.Names[0].Name + ": make it a constant or a function, " +
							"or say in its comment that it is read-only", true})
				}
			}
		}
	}
	return findings
}

func constant(v *ast.ValueSpec, d *ast.GenDecl) bool {
	for _, doc := range []*ast.CommentGroup{v.Doc, v.Comment, d.Doc} {
		if doc != nil && strings.Contains(doc.Text(), "read-only") {
			return true
		}
	}
	for _, name := range v.Names {
		lower := strings.ToLower(name.Name)
		if name.Name != "_" && !strings.HasPrefix(lower, "err") {
			return false
		}
	}
	return true
}
