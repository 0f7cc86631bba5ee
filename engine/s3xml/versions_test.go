package s3xml

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"flashstore/engine/object"
)

// newer are answers about versions, copies, attributes, tags and locks; see
// TestDocumentsAreWellFormed.
func newer(info object.Info) [][]byte {
	marker := object.Info{Key: "k<", Version: "1", Marker: true}
	return [][]byte{
		AppendCopied(nil, "CopyPartResult", &info),
		AppendTagging(nil, []object.Pair{{Name: "a<", Value: "&"}}),
		AppendRetention(nil, object.Retention{Mode: object.Governance, Until: info.ModTime}),
		AppendLegalHold(nil, object.HoldOn),
		AppendObjectLock(nil, object.DefaultRetention{}),
		AppendObjectLock(nil, object.DefaultRetention{Mode: object.Compliance, Days: 1}),
		AppendVersioning(nil, object.Unversioned),
		AppendDeleteResult(nil, false, []Deleted{{Key: "a<", Marker: true, MarkerID: "1"}}),
		(&ListVersions{Truncated: true, NextKey: "k<", NextVersion: "1", Delimiter: "&", EncodingType: "url",
			Entries: []object.VersionEntry{{Info: info, Newest: true}, {Info: marker}, {Prefix: "p<"}}}).Append(nil),
		(&Attributes{ETag: "e", Checksum: info.Checksum, Class: object.Standard, Sized: true,
			Parts: &AttributeParts{Count: 1, Listed: true, Parts: []object.Part{{Number: 1, Info: info}}}}).Append(nil),
	}
}

// TestDecodedDocuments: what the documents of versioning, tags and locks say.
func TestDecodedDocuments(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	of := func(value any, err error) any {
		if err != nil {
			return err
		}
		return value
	}
	versioning := func(r io.Reader) any { v, err := DecodeVersioning(r); return of(v, err) }
	tagging := func(r io.Reader) any { v, err := DecodeTagging(r); return of(v, err) }
	retention := func(r io.Reader) any { v, err := DecodeRetention(r); return of(v, err) }
	hold := func(r io.Reader) any { v, err := DecodeLegalHold(r); return of(v, err) }
	lock := func(r io.Reader) any { v, err := DecodeObjectLock(r); return of(v, err) }
	for _, c := range []struct {
		decode func(io.Reader) any
		doc    string
		want   any
	}{
		{versioning, "<VersioningConfiguration><MfaDelete>Disabled</MfaDelete><Status> Suspended </Status></VersioningConfiguration>",
			Versioning{"Suspended", "Disabled"}},
		{versioning, "<VersioningConfiguration/>", Versioning{}},
		{tagging, "<Tagging><TagSet><Tag><Value/><Key> a&amp; </Key></Tag></TagSet></Tagging>",
			[]object.Pair{{Name: " a& "}}},
		{tagging, "<Tagging><TagSet/></Tagging>", []object.Pair(nil)},
		{retention, "<Retention><RetainUntilDate>2030-01-02T05:04:05.000+02:00</RetainUntilDate><Mode>GOVERNANCE</Mode></Retention>",
			object.Retention{Mode: object.Governance, Until: at}},
		{retention, "<Retention/>", object.Retention{}},
		{hold, "<LegalHold><Status>OFF</Status></LegalHold>", object.HoldOff},
		{lock, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>", LockRule{}},
		{lock, "<ObjectLockConfiguration><Rule><DefaultRetention><Years>-3</Years><Mode>COMPLIANCE</Mode></DefaultRetention></Rule>" +
			"<ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>", LockRule{Mode: object.Compliance, Years: -3}},
	} {
		if got := c.decode(strings.NewReader(c.doc)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.doc, got, c.want)
		}
	}
	const rule = "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>%s</ObjectLockConfiguration>"
	const period = "<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
	for _, doc := range []string{fmt.Sprintf(rule, period+period), fmt.Sprintf(rule, "<Rule>"+period+"</Rule>"),
		fmt.Sprintf(rule, strings.ReplaceAll(period, "<Days>1<", "<Days>99999999999<")),
		fmt.Sprintf(rule, strings.ReplaceAll(period, "</Rule>", "<DefaultRetention/></Rule>"))} {
		if got, ok := lock(strings.NewReader(doc)).(error); !ok || !errors.Is(got, ErrMalformed) {
			t.Errorf("%s: %v", doc, got)
		}
	}
}
