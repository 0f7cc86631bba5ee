package engine

import (
	"fmt"
	"strings"
	"testing"

	"flashstore/engine/drive"
)

// parseSlots reads directories from a line: each is a deployment's letter, its number of drives
// and a position (A4.2), with a drive's name behind a slash if it is another's copy (A4.2/x), or
// - for one that is missing.
func parseSlots(t *testing.T, line string) []slot {
	t.Helper()
	var all []slot
	for i, word := range strings.Fields(line) {
		s := slot{path: fmt.Sprintf("/d%d", i+1)}
		if word == "-" {
			s.away = fmt.Errorf("%w: %s does not exist", drive.ErrUnformatted, s.path)
			all = append(all, s)
			continue
		}
		word, name, _ := strings.Cut(word, "/")
		s.identity.DriveID = name + word
		if name != "" {
			s.identity.DriveID = name
		}
		total, number := 0, 0
		if _, err := fmt.Sscanf(word[1:], "%d.%d", &total, &number); err != nil {
			t.Fatal(err)
		}
		id, name := drive.Identity{Position: number}, s.identity.DriveID
		if total > 0 {
			id = identityOf("", number, total, min(2, total/2))
		}
		s.identity, s.identity.DriveID, s.identity.Deployment = id, name, word[:1]
		all = append(all, s)
	}
	return all
}

// TestArrange: which directories become which drive. A place is written as the directory that
// is the drive there, as (directory) if that is away, and as () if none was given for it.
func TestArrange(t *testing.T) {
	for _, c := range []struct{ name, given, want string }{
		{"in order", "A4.0 A4.1 A4.2 A4.3", "/d1 /d2 /d3 /d4"},
		{"out of order", "A4.3 A4.1 A4.0 A4.2", "/d3 /d2 /d4 /d1"},
		{"one missing", "A4.3 - A4.0 A4.2", "/d3 (/d2) /d4 /d1"},
		{"all but one missing", "- - A4.0 -", "/d3 (/d1) (/d2) (/d4)"},
		{"one of another deployment", "A4.0 B4.1 A4.2 A4.3", "/d1 (/d2) /d3 /d4"},
		{"one missing, one of another", "A4.0 B4.1 - A4.3", "/d1 (/d2) (/d3) /d4"},
		{"all others are strangers to one another", "A4.0 A4.1 B4.1 C2.0", "/d1 /d2 (/d3) (/d4)"},
		{"one says another number", "A4.0 A8.1 A4.2 A4.3", "/d1 (/d2) /d3 /d4"},
		{"an impossible place", "A4.0 A4.9 A4.2 A4.3", "/d1 (/d2) /d3 /d4"},
		{"a place below none", "A4.0 A4.-1 A4.2 A4.3", "/d1 (/d2) /d3 /d4"},
		{"of no drives", "A4.0 A0.0 A4.2 A4.3", "/d1 (/d2) /d3 /d4"},
		{"a copy", "A4.0/x A4.1 A4.2 A4.0/x", "(/d1) /d2 /d3 (/d4)"},
		{"a copy in the first place", "A4.3/x A4.1 A4.2 A4.3/x", "(/d4) /d2 /d3 (/d1)"},
		{"two drives in one place", "A4.0/x A4.1 A4.2 A4.0/y", "(/d1) /d2 /d3 (/d4)"},
		{"one drive in two places", "A4.0/x A4.1/x A4.2 A4.3", "(/d1) (/d2) /d3 /d4"},
		{"three copies", "A4.0/x A4.0/x A4.0/x A4.3", "(/d1) (/d2) (/d3) /d4"},
		{"a copy, named besides", "A4.0/x A4.1 A4.2 A4.3 A4.0/x", "(/d1) /d2 /d3 /d4 spare /d5"},
		{"too few named", "A4.0 A4.1 A4.3", "/d1 /d2 () /d3"},
		{"one too many named", "A4.0 A4.1 A4.2 A4.3 -", "/d1 /d2 /d3 /d4 spare /d5"},
		{"a stranger besides", "B2.1 A4.0 A4.1 A4.2 A4.3", "/d2 /d3 /d4 /d5 spare /d1"},
		{"a stranger in place, one besides", "A4.0 B4.1 A4.2 A4.3 -", "/d1 (/d2) /d3 /d4 spare /d5"},
		{"half and half", "A4.0 A4.1 B4.2 B4.3", "cannot be told"},
		{"one against one", "A2.0 B2.0", "cannot be told"},
		{"no majority, and not as many", "A4.0 B2.0 B2.1 -", "cannot be told"},
		{"enlarged by hand", "A4.0 A4.1 A4.2 A4.3 - - - -", "cannot be told"},
		{"a single one of many", "A4.0 - - - - -", "cannot be told"},
		{"two sets", "A18.0 A18.1 A18.2 A18.3 A18.4 A18.5 A18.6 A18.7 A18.8 A18.17 A18.10 A18.11 " +
			"A18.12 A18.13 A18.14 A18.15 - A18.9", "/d1 /d2 /d3 /d4 /d5 /d6 /d7 /d8 /d9 /d18 /d11 " +
			"/d12 /d13 /d14 /d15 /d16 (/d17) /d10"},
		{"nothing but nonsense", "A0.0 A0.0", "no drive can be used"},
	} {
		slots := parseSlots(t, c.given)
		set, err := arrange(slots)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
			for i := range slots { // whoever refuses says what each directory is
				if !strings.Contains(err.Error(), slots[i].path) {
					t.Errorf("%s: no %s in %v", c.name, slots[i].path, err)
				}
			}
			continue
		}
		if got := set.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// String writes a set as TestArrange does.
func (set *driveSet) String() string {
	var words []string
	for _, s := range set.slots {
		if s.away != nil {
			s.path = "(" + s.path + ")"
		}
		words = append(words, s.path)
	}
	for _, s := range set.spare {
		words = append(words, "spare", s.path)
	}
	return strings.Join(words, " ")
}
