package local_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minio/highwayhash"
	"github.com/zeebo/xxh3"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

var goldenFlag = flag.Bool("local.golden", false,
	"make the golden drive of the present layout, where there is none yet")

// golden is a drive of a layout as the first version wrote it that knew the layout, and what is on
// it. Every later version must read it: a new layout gets a golden drive of its own.
type golden int

// goldens are those of all layouts there ever were.
var goldens = []golden{1, 2, 3, 4}

func (g golden) path() string { return fmt.Sprint("testdata/golden-", int(g)) }

// TestGolden opens each golden drive as it is, without its index, with one that was made anew, and
// to write with another checksum: it holds exactly what its list says, a census finds nothing, and
// its layout is raised for what asks for that, and for nothing else.
func TestGolden(t *testing.T) {
	t.Parallel()
	if *goldenFlag {
		goldens[len(goldens)-1].make(t)
	}
	for _, g := range goldens {
		want, err := os.ReadFile(g.path() + ".txt")
		must(t, err)
		for name, prepare := range map[string]func(c *local.Config){
			"as-it-is":      func(*local.Config) {},
			"without-index": func(c *local.Config) { must(t, os.RemoveAll(c.Path+"/index")) },
			"rebuilt": func(c *local.Config) {
				must(t, local.RebuildIndex(t.Context(), c.Engine, c.Path, nil))
			},
			"other-checksum": func(c *local.Config) { c.Checksum = local.HighwayHash },
		} {
			t.Run(fmt.Sprint(int(g), "/", name), func(t *testing.T) {
				t.Parallel()
				c := smallSegments(config(newEngine(t), filepath.Join(t.TempDir(), "d1")))
				g.unpack(t, c.Path)
				prepare(&c)
				g.check(t, c, string(want))
			})
		}
	}
}

func (g golden) check(t *testing.T, c local.Config, want string) {
	d := open(t, c)
	if have := contents(t, d); have != want {
		t.Errorf("another drive\n%s", firstDifference(want, have))
	}
	layout := int(g)
	if c.Checksum == local.HighwayHash {
		layout = max(layout, 2)
	}
	if i := d.Info(); !i.TornTail || i.Term != 4 || i.Identity.DriveID != identity.DriveID ||
		i.Identity.Layout != layout {
		t.Errorf("%+v", i)
	}
	raiseTerm(t, d, 5) // a batch behind the torn one, which is of an earlier life then
	must(t, d.Compact(t.Context()))
	must(t, d.Close())
	census(t, c)
	if id, err := local.Inspect(c.Engine, c.Path); err != nil || id.Layout != layout {
		t.Errorf("layout %d, want %d, %v", id.Layout, layout, err)
	}
}

// TestGoldenBytes reads the golden logs with nothing but the page in ARCHITECTURE.md: the tables
// there and the files agree, and every type of record is among them.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	for _, g := range goldens {
		t.Run(fmt.Sprint(int(g)), g.checkBytes)
	}
}

func (g golden) checkBytes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d1")
	g.unpack(t, dir)
	var format struct{ Incarnation string }
	text, err := os.ReadFile(filepath.Join(dir, "format.json"))
	must(t, errors.Join(err, json.Unmarshal(text, &format)))
	incarnation, err := hex.DecodeString(format.Incarnation)
	must(t, err)
	retired, err := os.ReadFile(filepath.Join(dir, "log/retired"))
	must(t, err)
	if string(retired[:8]) != "FSLOGR01" || !bytes.Equal(retired[8:24], sumOf(retired[24:])) ||
		!bytes.Equal(retired[24:40], incarnation) ||
		len(retired) != 48+32*int(binary.LittleEndian.Uint64(retired[40:])) {
		t.Errorf("log/retired: %x", retired)
	}
	seen := make(map[byte]int)
	segments, err := filepath.Glob(filepath.Join(dir, "log/*.log"))
	must(t, err)
	for _, path := range segments {
		log, err := os.ReadFile(path)
		must(t, err)
		var number uint64
		_, err = fmt.Sscanf(filepath.Base(path), "%d.log", &number)
		must(t, err)
		for at := 0; at < len(log); at += 4096 {
			if b := log[at:]; string(b[:8]) == "FSLOGB01" {
				g.readBatch(t, b, number, uint64(at), incarnation, seen)
			}
		}
	}
	for typ := byte(1); typ <= 13; typ++ { // 13 came with layout 3
		if found := seen[typ] > 0; found != (typ <= 12 || g >= 3) {
			t.Errorf("%d records of type %d in the log", seen[typ], typ)
		}
	}
	if seen[0] != 1 {
		t.Errorf("%d batches are torn, one should be", seen[0])
	}
	for space := byte(2); space <= 7; space++ { // 5 to 7 came with layout 4
		if found := seen[spaces+space] > 0; found != (space <= 4 || g >= 4) {
			t.Errorf("%d records of space %d in the log", seen[spaces+space], space)
		}
	}
	for l := byte(1); l <= 4; l++ {
		for _, what := range []byte{layouts, inlines, bulks} {
			if used := seen[what+l] > 0; used != (int(l) <= int(g) && (l <= 2 || what == layouts)) {
				t.Errorf("%d of kind %d", seen[what+l], what+l)
			}
		}
	}
}

// What is counted beside the types of records: batches by layout, shards by algorithm.
const (
	layouts = 100
	inlines = 110
	bulks   = 120
	spaces  = 130
)

// sumBy is the checksum of a chunk by an algorithm.
func sumBy(algorithm byte, p []byte) []byte {
	if algorithm == 2 {
		sum := highwayhash.Sum(p, []byte("flashstore: HighwayHash of chunk"))
		return sum[:]
	}
	return sumOf(p)
}

func sumOf(p []byte) []byte {
	h := xxh3.Hash128(p)
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, h.Lo), h.Hi)
}

// readBatch checks a batch against the page and counts its records by type, a torn one as 0.
func (g golden) readBatch(t *testing.T, b []byte, segment, offset uint64, incarnation []byte,
	seen map[byte]int) {
	t.Helper()
	le := binary.LittleEndian
	length, used := le.Uint32(b[64:]), le.Uint32(b[68:])
	if !bytes.Equal(b[8:24], sumOf(b[24:length])) {
		seen[0]++
		return
	}
	seen[layouts+b[24]]++
	if le.Uint16(b[24:]) < 1 || le.Uint16(b[24:]) > uint16(g) || b[26] != 1 || b[27] != 0 || le.Uint64(b[32:]) == 0 ||
		le.Uint64(b[40:]) != segment || le.Uint64(b[48:]) != offset || le.Uint64(b[56:]) == 0 ||
		length%4096 != 0 || used > length || !bytes.Equal(b[88:104], incarnation) ||
		le.Uint64(b[120:]) > 4 || strings.Trim(string(b[used:length]), "\x00") != "" {
		t.Errorf("batch at %d of segment %d: header %x", offset, segment, b[:128])
	}
	at := uint32(128)
	for range le.Uint32(b[28:]) {
		r := b[at:]
		r = r[:le.Uint32(r)]
		checkRecord(t, r, seen)
		if r[7] > b[24] || r[5] > 4 && b[24] < 4 { // algorithm 2 came with layout 2
			t.Errorf("algorithm %d, space %d in a batch of layout %d", r[7], r[5], b[24])
		}
		at += uint32(len(r))
	}
	if at != used {
		t.Errorf("batch at %d of segment %d: records end at %d of %d", offset, segment, at, used)
	}
}

// checkRecord checks a record against the page, and counts it.
func checkRecord(t *testing.T, r []byte, seen map[byte]int) {
	t.Helper()
	le, n := binary.LittleEndian, uint32(len(r))
	names, bulk := le.Uint16(r[12:]), le.Uint16(r[14:])
	meta, sums := le.Uint32(r[16:]), le.Uint32(r[20:])
	sum := 128 + uint32(names) + uint32(bulk) + meta + sums
	name := r[128:][:names]
	if r[4] == 11 {
		sum += 24
		name = r[152:][:names]
	}
	seen[r[4]]++
	seen[spaces+r[5]]++
	bad := r[7] < 1 || r[7] > 2 || r[11] != 0 || r[6] != 1 && r[7] != 1
	switch r[6] {
	case 1:
		seen[inlines+r[7]]++
		sum += uint32(le.Uint64(r[112:]))
		inline := r[n-uint32(le.Uint64(r[112:])):]
		if sums != 16*uint32(r[7])*uint32((len(inline)+65535)/65536) || len(inline) <= 65536 &&
			!bytes.Equal(r[n-uint32(len(inline))-sums:][:sums], sumBy(r[7], inline)) {
			t.Errorf("checksums of %q", name)
		}
	case 2:
		ref := r[n-uint32(bulk):]
		seen[bulks+ref[1]]++
		chunks := (le.Uint64(ref[8:]) + 65535) / 65536
		table := 16 * uint64(ref[1]) * chunks
		if table > 4096 {
			table = (table + 4095) / 4096 * 16 * uint64(ref[1])
		}
		bad = bad || ref[0] != 1 || ref[1] < 1 || ref[1] > 2 ||
			uint64(len(ref)) != 16+24*uint64(le.Uint32(ref[4:]))+table ||
			le.Uint64(ref[8:]) != le.Uint64(r[112:])
	}
	if bad || sum != n {
		t.Errorf("record of type %d: %x", r[4], r[:min(n, 200)])
	}
}

// make writes a drive with records of all types, a segment that was compacted away, and a torn tail;
// the first half of it is of layout 1.
func (g golden) make(t *testing.T) {
	if _, err := os.Stat(g.path() + ".tar.gz"); err == nil {
		t.Fatal(g.path() + ".tar.gz is there: a golden drive is never made again")
	}
	c := smallSegments(config(newEngine(t), filepath.Join(t.TempDir(), "d1")))
	must(t, local.Format(c.Engine, c.Path, identity))
	d := open(t, c)
	s := &simulated{history: newHistory(t, 1, d), config: c}
	s.fillLog(40)
	must(t, d.Compact(t.Context()))
	for _, r := range []*drive.Record{s.put("old-inline", 3000), s.bulk("old-bulk", 200_000)} {
		s.commit(r)
		s.about(r, drive.TypeSettle)
	}
	s.pending.Wait()
	s.config.Checksum = local.HighwayHash
	s.reopen()
	d = s.drive
	for _, r := range []*drive.Record{s.put("inline", 3000), s.put("empty", 0), s.bulk("bulk", 200_000),
		s.bulk("long", 17<<20)} {
		s.commit(r)
		s.about(r, drive.TypeSettle)
	}
	s.commit(s.record(drive.TypeMarker, s.put("marked", 0).Key))
	s.commit(s.record(drive.TypePurge, s.put("bulk", 0).Key))
	tomb := s.record(drive.TypePurge, s.put("forgotten", 0).Key)
	s.settleNow(tomb)
	version := s.put("version", 100)
	version.Version = [16]byte{1, 2, 3}
	s.commit(version)
	undecided := s.put("undecided", 700)
	s.commit(undecided)
	s.commit(s.record(drive.TypeFence, undecided.Key))
	s.about(undecided, drive.TypeDiscard)
	_, id := s.upload("over")
	s.commit(s.part(id, 1, 100))
	over := s.record(drive.TypeManifest, s.put("over", 0).Key)
	over.Meta = []byte(id + "names its parts")
	s.settleNow(over)
	s.settleNow(s.put("over", 100)) // erases the parts
	_, id = s.upload("open")
	s.commit(s.part(id, 1, 300_000))
	s.term++
	s.commit(&drive.Record{Type: drive.TypeTerm, Token: drive.Order{Term: s.term}})
	s.commit(forgetOf(tomb, s.term))
	manifest := s.record(drive.TypeManifest, s.put("joined", 0).Key)
	manifest.Meta = []byte(id + "names its parts")
	s.commit(manifest)
	of := s.put("of a version", 3000)
	of.Key.Space, of.Key.Name = drive.SpaceVersion, "versioned\x00"+strings.Repeat("v", 16)
	s.commit(of)
	s.about(of, drive.TypeSettle)
	for space, name := range map[drive.Space]string{drive.SpaceHead: "versioned",
		drive.SpaceAttributes: of.Key.Name} {
		r := s.record(drive.TypeDocument, drive.Key{Space: space, Bucket: of.Key.Bucket, Name: name})
		r.Meta = []byte("says something of it")
		s.settleNow(r)
	}
	s.pending.Wait()
	must(t, os.MkdirAll("testdata", 0o755))
	must(t, os.WriteFile(g.path()+".txt", []byte(contents(t, d)), 0o644))
	s.commit(s.put("torn", 5000))
	running, err := os.ReadFile(filepath.Join(c.Path, "log.stop"))
	must(t, errors.Join(err, d.Close()))
	must(t, os.WriteFile(filepath.Join(c.Path, "log.stop"), running, 0o600)) // as after a kill
	tearLast(t, c)
	g.pack(t, c.Path)
}

// tearLast damages the last batch of the log, and takes the index away from before it.
func tearLast(t *testing.T, c local.Config) {
	files := logFiles(t, c)
	for _, file := range slices.Backward(files) {
		if at := batchOffsets(t, file); len(at) > 0 {
			damage(t, file, at[len(at)-1]+4096, make([]byte, 512)...)
			break
		}
	}
	must(t, os.RemoveAll(filepath.Join(c.Path, "index")))
}

func (g golden) pack(t *testing.T, dir string) {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	must(t, err)
	w := tar.NewWriter(zip)
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil {
			name, _ := filepath.Rel(dir, path)
			err = w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))})
		}
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}))
	must(t, errors.Join(w.Close(), zip.Close(), os.WriteFile(g.path()+".tar.gz", out.Bytes(), 0o644)))
}

// unpack lays the drive out; blocks of zeros are holes, as they were.
func (g golden) unpack(t *testing.T, dir string) {
	packed, err := os.Open(g.path() + ".tar.gz")
	must(t, err)
	defer packed.Close()
	zip, err := gzip.NewReader(packed)
	must(t, err)
	for _, sub := range []string{"log", "bulk", "index"} {
		must(t, os.MkdirAll(filepath.Join(dir, sub), 0o700))
	}
	r := tar.NewReader(zip)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		must(t, err)
		b, err := io.ReadAll(r)
		must(t, err)
		f, err := os.Create(filepath.Join(dir, h.Name))
		must(t, err)
		for at := 0; at < len(b); at += 4096 {
			if block := b[at:min(at+4096, len(b))]; !zero(block) {
				_, err = f.WriteAt(block, int64(at))
				must(t, err)
			}
		}
		must(t, errors.Join(f.Truncate(int64(len(b))), f.Close()))
	}
}
