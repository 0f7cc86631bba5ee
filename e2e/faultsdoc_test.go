package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFaultsAreTested: every test that docs/faults.md names exists, and the number of a vulnerability
// is in the name of one in its row.
func TestFaultsAreTested(t *testing.T) {
	root := repository(t)
	doc, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(doc, -1)
	if len(named) < 50 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, m := range named {
		if !there[string(m[1])] {
			t.Errorf("there is no %s", m[1])
		}
	}
	number := regexp.MustCompile(`CVE-\d+-\d+|GHSA(-\w{4}){3}`)
	numbers := 0
	for row := range strings.Lines(string(doc)) {
		for _, n := range number.FindAllString(row, -1) {
			numbers++
			if !strings.Contains(row, strings.ReplaceAll(n, "-", "")) {
				t.Errorf("no test in the row of %s has its number", n)
			}
		}
	}
	if numbers < 7 {
		t.Errorf("%d numbers of vulnerabilities", numbers)
	}
}
