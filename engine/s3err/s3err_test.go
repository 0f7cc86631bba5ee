package s3err

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flashstore/engine/object"
	"flashstore/engine/sigv4"
	"flashstore/netloop/http1"
)

// declared returns the package-level variables of the Go files in dir whose name begins so.
func declared(t *testing.T, dir, prefix string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, n := range spec.(*ast.ValueSpec).Names {
					if n.IsExported() && strings.HasPrefix(n.Name, prefix) {
						names[n.Name] = true
					}
				}
			}
		}
	}
	return names
}

// mapped returns the sentinels that table.go names, as "package.Name".
func mapped(t *testing.T) map[string]int {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "table.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if pkg, ok := s.X.(*ast.Ident); ok && strings.HasPrefix(s.Sel.Name, "Err") {
				names[pkg.Name+"."+s.Sel.Name]++
			}
		}
		return true
	})
	return names
}

func TestEverySentinelHasACode(t *testing.T) {
	in := mapped(t)
	for pkg, dir := range map[string]string{"object": "../object", "sigv4": "../sigv4",
		"s3xml": "../s3xml", "netloop": "../../netloop"} {
		for name := range declared(t, dir, "Err") {
			if in[pkg+"."+name] != 1 {
				t.Errorf("%s.%s stands in the table %d times", pkg, name, in[pkg+"."+name])
			}
		}
	}
	if len(in) != len(table) {
		t.Errorf("%d names for %d lines", len(in), len(table))
	}
}

func TestEverySentinelFindsItsLine(t *testing.T) {
	for _, line := range table {
		got, foreseen := Of(fmt.Errorf("context: %w", line.sentinel))
		if got != line.code || !foreseen {
			t.Errorf("%v became %v", line.sentinel, got)
		}
	}
}

func TestCodesRoundTrip(t *testing.T) {
	names := declared(t, ".", "")
	seen := map[string]bool{}
	for _, e := range codes {
		if seen[e.Code] || !names[e.Code] {
			t.Errorf("%s stands twice or is no variable of its name", e.Code)
		}
		seen[e.Code] = true
		if back, ok := ByCode(e.Code); !ok || back != e {
			t.Errorf("%s does not come back", e.Code)
		}
		if http.StatusText(e.Status) == "" || e.Status < 304 || e.Message == "" {
			t.Errorf("%s: status %d, message %q", e.Code, e.Status, e.Message)
		}
	}
	for name := range names {
		if !seen[name] {
			t.Errorf("%s is not among the codes", name)
		}
	}
	if _, ok := ByCode("Nonsense"); ok {
		t.Error("an unknown code was found")
	}
}

// TestEveryStatusHasAPhrase: the servers that write their own status lines know all of ours.
func TestEveryStatusHasAPhrase(t *testing.T) {
	phrase := func(status int) string {
		_, p, _ := strings.Cut(string(http1.AppendStatusLine(nil, status))[len("HTTP/1.1 "):], " ")
		return strings.TrimSpace(p)
	}
	unknown := phrase(599)
	for _, e := range codes {
		if p := phrase(e.Status); p == "" || p == unknown {
			t.Errorf("%s: status %d has the phrase %q", e.Code, e.Status, p)
		}
	}
}

func TestUnforeseenIsInternalAndSaysNothing(t *testing.T) {
	got, foreseen := Of(fmt.Errorf("open /secret/path: %w", io.ErrUnexpectedEOF))
	if got != InternalError || foreseen || strings.Contains(got.Message, "secret") {
		t.Errorf("got %v, foreseen %v", got, foreseen)
	}
}

func TestCopiesLeaveTheOriginal(t *testing.T) {
	e := InvalidArgument.With("max-keys").Detail("ArgumentName", "max-keys")
	if InvalidArgument.Message == "max-keys" || len(InvalidArgument.Extra) != 0 {
		t.Error("the original changed")
	}
	got, foreseen := Of(fmt.Errorf("wrapped: %w", e))
	if got != e || !foreseen || !errors.Is(got, InvalidArgument) || errors.Is(got, NoSuchKey) {
		t.Errorf("got %v", got)
	}
}

func TestTwoErrorsAtOnceTakeTheFirstLine(t *testing.T) {
	got, _ := Of(errors.Join(sigv4.ErrSignature, object.ErrNoSuchKey))
	if got != NoSuchKey {
		t.Errorf("got %v", got)
	}
}
