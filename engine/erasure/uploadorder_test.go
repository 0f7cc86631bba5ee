package erasure

import (
	"slices"
	"testing"

	"flashstore/engine/object"
)

// TestUploadsByTime: uploads of a key are listed as they were begun, in pages too
// (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html).
func TestUploadsByTime(t *testing.T) {
	f := newFixture(t, 4, 2)
	f.bucket("bucket")
	var want, got []object.UploadID
	for range 20 {
		want = append(want, f.upload("k"))
	}
	key, after := "", object.UploadID("")
	for {
		page, more, err := f.store.ListUploads(t.Context(), "bucket", "", key, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			got = append(got, u.ID)
			key, after = string(u.Key), u.ID
		}
		if !more {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, begun %q", got, want)
	}
}
