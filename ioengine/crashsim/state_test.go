package crashsim

import "testing"

// TestCommitAfterDataSync: a DataSync between the two operations of a DSync write settles the
// first, and the second settles nothing else.
func TestCommitAfterDataSync(t *testing.T) {
	s := newState()
	put := func(text string, at int64) *op {
		return &op{action: write, from: at, to: at + int64(len(text)),
			parts: cut([][]byte{[]byte(text)}, at, len(text))}
	}
	for i, o := range []*op{
		{action: create, entry: entry{name: "f"}},
		{action: syncDir, upTo: 1},
		put("first", 0),
		{action: dataSync, upTo: 3},
		put("later", 0),
		{action: commit, from: 0, to: 5, committed: 3},
		put("again", sectorBytes),
		{action: commit, from: sectorBytes, to: sectorBytes + 5, committed: 7},
	} {
		o.number = i + 1
		s.apply(o)
	}
	after := powerCut{loss: LoseAll, before: s}.run().files[0].live
	p := make([]byte, sectorBytes+5)
	after.read(p, 0)
	if string(p[:5]) != "first" || string(p[sectorBytes:]) != "again" {
		t.Fatalf("%q, %q", p[:5], p[sectorBytes:])
	}
}
