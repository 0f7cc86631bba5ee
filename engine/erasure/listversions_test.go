package erasure

import (
	"slices"
	"testing"

	"flashstore/engine/object"
)

// TestVersionMarkersElsewhere: a page may begin behind a version that the query does not list: of a
// key without its prefix, or below one of its common prefixes.
func TestVersionMarkersElsewhere(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	f.mustPut("a", []byte("null"))
	f.mustPut("d/x", []byte("null"))
	f.setVersioning(object.Enabled)
	ids := map[object.Key]object.VersionID{}
	for _, key := range []object.Key{"a", "b", "d/x", "e"} {
		info, err := f.store.PutObject(t.Context(), putOf("bucket", key, []byte("version")))
		if err != nil {
			t.Fatal(err)
		}
		ids[key] = info.Version
	}
	for _, c := range []struct {
		prefix, delimiter string
		after             object.Key
		want              []string
	}{
		{"b", "", "a", []string{"b"}},
		{"", "/", "d/x", []string{"e"}},
	} {
		page, err := f.store.ListVersions(t.Context(), "bucket", object.VersionQuery{Prefix: c.prefix,
			Delimiter: c.delimiter, AfterKey: string(c.after), AfterVersion: ids[c.after], Max: 9})
		var got []string
		for _, e := range page.Entries {
			got = append(got, e.Prefix+string(e.Info.Key))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("prefix %q, delimiter %q, behind %q: %q, %v, want %q", c.prefix, c.delimiter, c.after,
				got, err, c.want)
		}
	}
}
