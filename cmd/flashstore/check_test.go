package main

import (
	"testing"

	"flashstore/engine"
)

// TestFindingText: what is not known of a place is not said.
func TestFindingText(t *testing.T) {
	for want, f := range map[string]engine.Finding{
		`log-damage: /d/log/1.log, at 4096: 2 batches are lost`: {Kind: "log-damage",
			File: "/d/log/1.log", OffsetBytes: 4096, Detail: "2 batches are lost"},
		`log-damage: /d/log/1.log: the segment is missing`: {Kind: "log-damage",
			File: "/d/log/1.log", Detail: "the segment is missing"},
		`index: key "b/k": a row is missing`: {Kind: "index", Key: `"b/k"`,
			Detail: "a row is missing"},
		`unreferenced: 7 bytes`: {Kind: "unreferenced", Detail: "7 bytes"},
	} {
		if got := findingText(&f); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
