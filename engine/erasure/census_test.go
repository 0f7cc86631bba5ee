package erasure

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/object"
)

// shelves are drives at rest that hold these registers; nil stays nil.
func shelves(drives [][]drive.Register) []Shelf {
	all := make([]Shelf, len(drives))
	for i, registers := range drives {
		if registers == nil {
			continue
		}
		slices.SortFunc(registers, func(a, b drive.Register) int {
			return compareKeys(&a.Key, &b.Key)
		})
		all[i] = func(prefix *drive.Key) iter.Seq2[*drive.Register, error] {
			return func(yield func(*drive.Register, error) bool) {
				for j := range registers {
					k := &registers[j].Key
					if prefix != nil && (k.Space != prefix.Space || k.Bucket != prefix.Bucket ||
						!strings.HasPrefix(k.Name, prefix.Name)) {
						continue
					}
					if !yield(&registers[j], nil) {
						return
					}
				}
			}
		}
	}
	return all
}

// censusOf returns the findings of a 2+2 set as "kind positions", sorted.
func censusOf(t *testing.T, drives []Shelf) (found []string, tally Tally) {
	t.Helper()
	tally, err := Census(t.Context(), CensusConfig{Drives: drives, Parity: 2,
		Find: func(f Finding) {
			found = append(found, strings.TrimSpace(fmt.Sprint(f.Kind, " ", numbersOf(f.Positions))))
			t.Logf("%+v", f)
		}})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found, tally
}

func numbersOf(positions []int) (text string) {
	for _, p := range positions {
		text += fmt.Sprint(p + 1)
	}
	return text
}

// TestCensusOfARegister: rows are as in gather, "-" is a drive that was not examined.
func TestCensusOfARegister(t *testing.T) {
	for _, c := range []struct{ why, row, want string }{
		{"all hold it, settled", "A A A A", ""},
		{"all hold it, and some lack the settle", "A a a A", ""},
		{"all hold it without any settle", "a a a a", ""},
		{"the settle has not freed the older one everywhere", "B aB Ab Ab", ""},
		{"no drive has anything", ". . . .", ""},
		{"one drive lacks it", "A A . A", "short 3"},
		{"one drive has the older one", "B B Ab A", "short 4"},
		{"one drive lacks it, without a settle", "a a . a", "short 3"},
		{"on k drives, settled", "A A . .", "short 34"},
		{"on fewer", "A . . .", "unreadable 234"},
		{"on fewer, with one not examined", "A . . -", "unreadable 23"},
		{"on all that were examined", "A A - -", ""},
		{"on too few that were examined", "A - - -", "unreadable"},
		{"on k, without a settle", "a a . .", "undecided 34"},
		{"on one, without a settle", "a . . .", "undecided 234"},
		{"above a committed one", "Ab A A A", "undecided 234"},
		{"above a committed one that is short", "Ab A . A", "short 3 undecided 234"},
		{"two above a committed one", "Abc A Ab A", "undecided 234 undecided 24"},
		{"not examined on enough", "a a - -", "undecided"},
		{"a tombstone everywhere", "P P P P", ""},
		{"a tombstone, and an older one unfreed", "P P aP ap", ""},
		{"a tombstone on one drive, settled", "P . . .", "short 234"},
		{"a tombstone on one drive, settled, above an object", "aP A A A", "short 234"},
		{"a tombstone on one drive, not settled", "ap A A A", "undecided 234"},
		{"a tombstone without settle at the quorum", "p p p A", "short 4"},
	} {
		drives := make([][]drive.Register, 4)
		key := drive.Key{Space: drive.SpaceDocument, Name: "some document"}
		for i, a := range gather(c.row) {
			if !a.answered {
				continue
			}
			drives[i] = []drive.Register{}
			for j := range a.state.Entries {
				e := &a.state.Entries[j]
				e.Geometry = drive.Geometry{Data: 2, Parity: 2}
				if e.ShardBytes > 0 {
					e.SizeBytes, e.Geometry.Index = 100, uint8((i+3)%4)
				}
			}
			if len(a.state.Entries) > 0 {
				drives[i] = append(drives[i], drive.Register{Key: key, State: a.state})
			}
		}
		if found, _ := censusOf(t, shelves(drives)); strings.Join(found, " ") != c.want {
			t.Errorf("%s (%q): %q, want %q", c.why, c.row, found, c.want)
		}
	}
}

// TestCensusOfDisagreement: every field that the drives must agree on is compared.
func TestCensusOfDisagreement(t *testing.T) {
	for name, change := range map[string]func(e *drive.Entry){
		"nothing":          func(*drive.Entry) {},
		"type":             func(e *drive.Entry) { e.Type = drive.TypePart },
		"version":          func(e *drive.Entry) { e.Version[3] = 1 },
		"order":            func(e *drive.Entry) { e.Order.Sequence++ },
		"size":             func(e *drive.Entry) { e.SizeBytes++ },
		"shard size":       func(e *drive.Entry) { e.ShardBytes += 64 },
		"data shards":      func(e *drive.Entry) { e.Geometry.Data = 3 },
		"parity":           func(e *drive.Entry) { e.Geometry.Parity = 1 },
		"shard":            func(e *drive.Entry) { e.Geometry.Index = 1 },
		"metadata":         func(e *drive.Entry) { e.Meta = []byte("other") },
		"modification":     func(e *drive.Entry) { e.ModTimeNanos = 1 },
		"the size, on all": nil,
	} {
		drives := make([][]drive.Register, 4)
		for i := range drives {
			e := drive.Entry{Settled: true}
			e.Type, e.WriteID, e.SizeBytes, e.ShardBytes = drive.TypePut, drive.WriteID{1}, 100, 64
			e.Order, e.Meta = drive.Order{Term: 1, Sequence: 1}, []byte("meta")
			e.Geometry = drive.Geometry{Data: 2, Parity: 2, Index: uint8(i)}
			if change == nil {
				e.SizeBytes = 200
			} else if i == 2 {
				change(&e)
			}
			drives[i] = []drive.Register{{Key: drive.Key{Space: drive.SpaceDocument, Name: "d"},
				State: drive.State{Entries: []drive.Entry{e}}}}
		}
		want := "mismatch"
		if name == "nothing" {
			want = ""
		}
		if found, _ := censusOf(t, shelves(drives)); strings.Join(found, " ") != want {
			t.Errorf("%s: %q, want %q", name, found, want)
		}
	}
}

// atRest is what every drive of a 2+2 set holds: a bucket with a manifest of two parts, and an
// upload of one.
func atRest() (drives [][]drive.Register) {
	b := &bucket{name: "bucket", id: drive.BucketID{7}}
	done, open := uploadID{1}, uploadID{2}
	info := object.Info{SizeBytes: 300, Parts: 2}
	for i := range 4 {
		entry := func(t drive.Type, id byte, size int64, meta []byte) drive.State {
			e := drive.Entry{Settled: true}
			e.Type, e.WriteID, e.SizeBytes, e.Meta = t, drive.WriteID{id}, size, meta
			e.Order = drive.Order{Term: 1, Sequence: uint64(id)}
			e.Geometry = drive.Geometry{Data: 2, Parity: 2}
			if t == drive.TypePart {
				e.Geometry.Index, e.ShardBytes = uint8(i), (size/2+63)/64*64
			}
			return drive.State{Entries: []drive.Entry{e}}
		}
		drives = append(drives, []drive.Register{
			{Key: bucketKey(b.name), State: entry(drive.TypeDocument, 1, 0,
				append([]byte{metaVersion}, b.id[:]...))},
			{Key: objectKey(b, "whole"), State: entry(drive.TypeManifest, 2, 300,
				manifestMeta(done, &info, []manifestPart{{1, 100, drive.WriteID{3}},
					{2, 200, drive.WriteID{4}}}))},
			{Key: uploadKey(b, "whole", done), State: entry(drive.TypePurge, 5, 0,
				append([]byte{completedMark}, infoMeta(&info)...))},
			{Key: partKey(b, done, 1), State: entry(drive.TypePart, 3, 100, infoMeta(&info))},
			{Key: partKey(b, done, 2), State: entry(drive.TypePart, 4, 200, infoMeta(&info))},
			{Key: uploadKey(b, "begun", open), State: entry(drive.TypeDocument, 6, 0,
				infoMeta(&info))},
			{Key: partKey(b, open, 9), State: entry(drive.TypePart, 7, 50, infoMeta(&info))},
		})
	}
	return drives
}

// TestCensusOfUploads: a manifest wants its parts, and parts want an owner. Changes are "drive
// name" (the register is gone there), or "* name" for all drives.
func TestCensusOfUploads(t *testing.T) {
	b := &bucket{id: drive.BucketID{7}}
	keys := map[string]drive.Key{"bucket": bucketKey("bucket"), "object": objectKey(b, "whole"),
		"completed": uploadKey(b, "whole", uploadID{1}), "part 1": partKey(b, uploadID{1}, 1),
		"begun": uploadKey(b, "begun", uploadID{2}), "part 9": partKey(b, uploadID{2}, 9)}
	for change, want := range map[string]string{
		"":            "",
		"3 object":    "short 3",
		"3 part 1":    "short 3",
		"* part 1":    "unreadable",
		"* completed": "",
		"* begun":     "orphan 1234",
		"4 begun":     "short 4",
		"* object":    "orphan 1234",
		"2 part 9":    "short 2",
		"* bucket":    "orphan",
		"1 bucket":    "short 1",
	} {
		drives := atRest()
		where, name, _ := strings.Cut(change, " ")
		for i := range drives {
			if where == "*" || where == fmt.Sprint(i+1) {
				drives[i] = slices.DeleteFunc(drives[i], func(r drive.Register) bool {
					return r.Key == keys[name]
				})
			}
		}
		found, tally := censusOf(t, shelves(drives))
		if strings.Join(found, " ") != want {
			t.Errorf("without %q: %q, want %q", change, found, want)
		}
		if full := (Tally{Registers: 7, Buckets: 1, Objects: 1, Uploads: 1, Parts: 3,
			Tombstones: 1}); change == "" && tally != full {
			t.Errorf("%+v, want %+v", tally, full)
		}
	}
}

// TestCensusKnowsPartsThatWait: what is superseded keeps its parts on a drive that lacks the
// settle, and only there.
func TestCensusKnowsPartsThatWait(t *testing.T) {
	b := &bucket{id: drive.BucketID{7}}
	for _, owner := range []drive.Key{objectKey(b, "whole"), uploadKey(b, "begun", uploadID{2})} {
		drives := atRest()
		for i := range drives {
			lags := i == 2
			drives[i] = slices.DeleteFunc(drives[i], func(r drive.Register) bool {
				ours := r.Key.Space == drive.SpacePart &&
					(owner.Space == drive.SpaceObject) == (r.Key.Name[0] == 1)
				return ours && !lags
			})
			at := slices.IndexFunc(drives[i], func(r drive.Register) bool { return r.Key == owner })
			gone := drive.Entry{Settled: !lags}
			gone.Type, gone.WriteID, gone.Order = drive.TypePurge, drive.WriteID{8},
				drive.Order{Term: 1, Sequence: 8}
			gone.Geometry = drive.Geometry{Data: 2, Parity: 2}
			entries := []drive.Entry{gone}
			if lags {
				entries = append(entries, drives[i][at].State.Entries...)
			}
			drives[i][at].State.Entries = entries
		}
		if found, _ := censusOf(t, shelves(drives)); len(found) > 0 {
			t.Errorf("%s: %q", keyText(&owner), found)
		}
	}
}

// TestCensusOfAnUnreadableDrive: it ends the census, and is named.
func TestCensusOfAnUnreadableDrive(t *testing.T) {
	broken := errors.New("broken")
	for _, fine := range []int{0, 1, 4} {
		drives := shelves(atRest())
		good := drives[2]
		drives[2] = func(prefix *drive.Key) iter.Seq2[*drive.Register, error] {
			return func(yield func(*drive.Register, error) bool) {
				n := 0
				for r := range good(prefix) {
					if n++; n > fine {
						break
					}
					if !yield(r, nil) {
						return
					}
				}
				yield(nil, broken)
			}
		}
		_, err := Census(t.Context(), CensusConfig{Drives: drives, Parity: 2, Find: func(Finding) {}})
		if !errors.Is(err, broken) || !errors.Is(err, ErrUnread) ||
			!strings.Contains(err.Error(), "number 3") {
			t.Errorf("behind %d registers: %v", fine, err)
		}
	}
}

// TestUploadSet: what was added is there, and little else.
func TestUploadSet(t *testing.T) {
	var s uploadSet
	r := rand.New(rand.NewPCG(7, 7)) // the same ids each time
	id := func() (u uploadID) {
		for i := range u {
			u[i] = byte(r.Uint32())
		}
		return u
	}
	if s.has(id()) {
		t.Error("something is in an empty set")
	}
	const n = 20_000
	added := make([]uploadID, n)
	for i := range added {
		added[i] = id()
		s.add(added[i])
	}
	wrong := 0
	for i := range added {
		if !s.has(added[i]) {
			t.Fatalf("%x is missing", added[i])
		}
		if s.has(id()) {
			wrong++
		}
	}
	if wrong > cmp.Or(n/1000, 1) {
		t.Errorf("%d of %d that were never added", wrong, n)
	}
}
