package main

import (
	"os"
	"strings"
	"testing"
)

// TestTable: every fault of the table fits the code as it is. That each is caught takes minutes:
// make mutants.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, err := parse(string(text))
	if err != nil || len(all) < 20 {
		t.Fatalf("%d faults, %v", len(all), err)
	}
	for _, m := range all {
		if _, err := m.plant("../..", t.TempDir()); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// TestParseRefuses: what is no table.
func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{"file x": "begins with ==", "== a\nwhat": "not understood",
		"== a\nfile x\n-y": "are wanted"} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
