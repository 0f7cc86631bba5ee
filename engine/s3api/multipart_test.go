package s3api

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash"
	"math/rand/v2"
	"strings"
	"testing"
)

// begin starts an upload of /bucket/k and returns its id.
func (f *fixture) begin(header ...string) string {
	f.t.Helper()
	r := f.want(200, "", "POST", "/bucket/k?uploads", "", header...)
	var got struct{ Bucket, Key, UploadId string }
	if err := xml.Unmarshal([]byte(r.body), &got); err != nil || got.Bucket != "bucket" || got.Key != "k" {
		f.t.Fatalf("%v %s", err, r.body)
	}
	return got.UploadId
}

func (f *fixture) part(id string, number int, body string, header ...string) reply {
	f.t.Helper()
	return f.want(200, "", "PUT", fmt.Sprintf("/bucket/k?partNumber=%d&uploadId=%s", number, id), body, header...)
}

func completeXML(parts ...string) string {
	var b strings.Builder
	b.WriteString("<CompleteMultipartUpload>")
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, "<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>", parts[i], parts[i+1])
	}
	return b.String() + "</CompleteMultipartUpload>"
}

// completeSums lists parts with their checksums: number, ETag, content.
func completeSums(a algorithm, parts ...string) string {
	var b strings.Builder
	b.WriteString("<CompleteMultipartUpload>")
	for i := 0; i < len(parts); i += 3 {
		fmt.Fprintf(&b, "<Part><PartNumber>%s</PartNumber><ETag>%s</ETag><Checksum%v>%s</Checksum%v></Part>", parts[i],
			parts[i+1], a, sumOf(a, parts[i+2]), a)
	}
	return b.String() + "</CompleteMultipartUpload>"
}

func sumOf(a algorithm, s string) string { return sumHash(a.new(), s) }

func sumHash(h hash.Hash, s string) string {
	h.Write([]byte(s))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func TestMultipart(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	big := strings.Repeat("0123456789abcdef", 5000)
	id := f.begin("Content-Type", "text/plain", "x-amz-meta-a", "b")
	f.part(id, 1, "replaced")
	etag1 := f.part(id, 1, big).header.Get("ETag")
	etag7 := f.part(id, 7, "tail").header.Get("ETag")

	var parts struct {
		Numbers   []int `xml:"Part>PartNumber"`
		Next      int   `xml:"NextPartNumberMarker"`
		Truncated bool  `xml:"IsTruncated"`
	}
	for query, want := range map[string]string{"": "[1 7] 0 false", "&max-parts=1": "[1] 1 true",
		"&part-number-marker=1": "[7] 0 false", "&max-parts=0": "[] 0 false"} {
		parts.Numbers, parts.Next = nil, 0
		r := f.want(200, "", "GET", "/bucket/k?uploadId="+id+query, "")
		if err := xml.Unmarshal([]byte(r.body), &parts); err != nil ||
			fmt.Sprint(parts.Numbers, parts.Next, parts.Truncated) != want {
			t.Errorf("%s: %+v, %v", query, parts, err)
		}
	}
	f.want(404, "NoSuchKey", "GET", "/bucket/k", "")
	body := completeXML("1", etag1, "7", etag7)
	r := f.want(200, "", "POST", "/bucket/k?uploadId="+id, body)
	sums := md5.New()
	for _, p := range []string{big, "tail"} {
		s := md5.Sum([]byte(p))
		sums.Write(s[:])
	}
	etag := hex.EncodeToString(sums.Sum(nil)) + "-2"
	if !strings.Contains(r.body, "<ETag>&quot;"+etag+"&quot;</ETag>") ||
		!strings.Contains(r.body, "<ChecksumCRC64NVME>"+sumOf(sumCRC64NVME, big+"tail")+"</") {
		t.Error(r.body)
	}
	again := f.want(200, "", "POST", "/bucket/k?uploadId="+id, body)
	if again.status != 200 || !strings.Contains(again.body, etag) {
		t.Errorf("again: %s", again.body)
	}
	get := f.want(200, "", "GET", "/bucket/k", "")
	if get.body != big+"tail" || get.header.Get("Content-Type") != "text/plain" ||
		get.header.Get("x-amz-meta-a") != "b" || get.header.Get("ETag") != `"`+etag+`"` {
		t.Errorf("%v", get.header)
	}
	for number, want := range map[string]string{"1": big, "7": "tail"} {
		part := f.want(206, "", "GET", "/bucket/k?partNumber="+number, "")
		if part.body != want || part.header.Get("x-amz-mp-parts-count") != "2" ||
			part.header.Get("ETag") != `"`+etag+`"` {
			t.Errorf("part %s: %d bytes, %v", number, len(part.body), part.header)
		}
	}
	f.want(416, "InvalidPartNumber", "GET", "/bucket/k?partNumber=2", "")
	f.want(404, "NoSuchUpload", "DELETE", "/bucket/k?uploadId="+id, "")
}

func TestMultipartRefusals(t *testing.T) {
	f := newFixture(t, nil)
	id := f.begin()
	etag := f.part(id, 1, "small").header.Get("ETag")
	f.part(id, 2, "small")
	at := "/bucket/k?uploadId=" + id
	f.want(400, "InvalidPart", "POST", at, completeXML("3", etag))
	f.want(400, "InvalidPart", "POST", at, completeXML("1", "0123"))
	f.want(400, "InvalidPartOrder", "POST", at, completeXML("2", etag, "1", etag))
	f.want(400, "InvalidPartOrder", "POST", at, completeXML("1", etag, "1", etag))
	f.want(400, "EntityTooSmall", "POST", at, completeXML("1", etag, "2", etag))
	f.want(400, "MalformedXML", "POST", at, completeXML())
	f.want(400, "MalformedXML", "POST", at, completeXML("10001", etag))
	f.want(400, "MalformedXML", "POST", at, "nonsense")
	f.want(400, "InvalidRequest", "POST", at, completeXML("1", etag), "x-amz-mp-object-size", "6")
	f.want(400, "InvalidRequest", "POST", at, completeXML("1", etag), "x-amz-mp-object-size", "-1")
	f.want(400, "BadDigest", "POST", at, completeXML("1", etag), "x-amz-checksum-crc64nvme",
		sumOf(sumCRC64NVME, "other"))
	f.want(400, "BadDigest", "POST", at, completeXML("1", etag), "Content-MD5", md5Base64("x"))
	f.want(501, "NotImplemented", "POST", at, completeXML("1", etag), "If-Modified-Since", "x")
	f.want(501, "NotImplemented", "DELETE", at, "", "If-Match", "*")
	f.want(501, "NotImplemented", "PUT", at+"&partNumber=3", "v", "If-None-Match", "*")
	for _, n := range []string{"0", "10001", "-1", "x", "", "1.0"} {
		f.want(400, "InvalidArgument", "PUT", at+"&partNumber="+n, "v")
	}
	for _, bad := range []string{"nonsense", "", strings.Repeat("0", 32), strings.ToUpper(id[:31]) + "A"} {
		for _, method := range []string{"GET", "DELETE"} {
			f.want(404, "NoSuchUpload", method, "/bucket/k?uploadId="+bad, "")
		}
		f.want(404, "NoSuchUpload", "PUT", "/bucket/k?partNumber=1&uploadId="+bad, "v")
		f.want(404, "NoSuchUpload", "POST", "/bucket/k?uploadId="+bad, completeXML("1", etag))
	}
	f.want(404, "NoSuchUpload", "PUT", "/bucket/other?partNumber=1&uploadId="+id, "v")
	f.nothingStored()
	f.want(409, "BucketNotEmpty", "DELETE", "/bucket", "")
	f.want(204, "", "DELETE", at, "")
	f.want(404, "NoSuchUpload", "POST", at, completeXML("1", etag))
	f.want(204, "", "DELETE", "/bucket", "")
}

func TestMultipartChecksums(t *testing.T) {
	f := newFixture(t, nil)
	f.store.partMin = 1
	first, second := strings.Repeat("0123456789abcdef", 1000), "the rest"
	for _, a := range checksums {
		for _, kind := range []string{fullObject, composite} {
			header := []string{"x-amz-checksum-algorithm", a.String(), "x-amz-checksum-type", kind}
			if (kind == fullObject) != a.linear() && a != sumCRC32 && a != sumCRC32C {
				f.want(400, "InvalidRequest", "POST", "/bucket/k?uploads", "", header...)
				continue
			}
			id := f.begin(header...)
			e1 := f.part(id, 1, first, a.header(), sumOf(a, first))
			if at := "/bucket/k?partNumber=2&uploadId=" + id; kind == composite {
				mismatch := f.want(400, "InvalidRequest", "PUT", at, second)
				if !strings.Contains(mismatch.body, "actual checksum Type: null") {
					t.Error(mismatch.body)
				}
			} else if r := f.part(id, 2, second); r.header.Get(a.header()) != sumOf(a, second) {
				t.Errorf("%v: a part without claim: %v", a, r.header)
			}
			e2 := f.part(id, 2, second, a.header(), sumOf(a, second))
			if e2.header.Get(a.header()) != sumOf(a, second) {
				t.Errorf("%v: part: %v", a, e2.header)
			}
			want := sumOf(a, first+second)
			if kind == composite {
				raw1, _ := base64.StdEncoding.DecodeString(sumOf(a, first))
				raw2, _ := base64.StdEncoding.DecodeString(sumOf(a, second))
				want = sumOf(a, string(raw1)+string(raw2)) + "-2"
			}
			one, two := e1.header.Get("ETag"), e2.header.Get("ETag")
			bare := completeXML("1", one, "2", two)
			if kind == composite {
				f.want(400, "InvalidRequest", "POST", "/bucket/k?uploadId="+id, bare, a.header(), want)
				bare = completeSums(a, "1", one, first, "2", two, second)
			}
			other := map[string]string{fullObject: composite, composite: fullObject}[kind]
			f.want(400, "InvalidRequest", "POST", "/bucket/k?uploadId="+id, bare, "x-amz-checksum-type", other)
			f.want(200, "", "POST", "/bucket/k?uploadId="+id, bare, a.header(), want, "x-amz-checksum-type", kind)
			r := f.want(200, "", "HEAD", "/bucket/k", "", "x-amz-checksum-mode", "ENABLED")
			if r.header.Get(a.header()) != want || r.header.Get("x-amz-checksum-type") != kind {
				t.Errorf("%v %s: got %v, want %s", a, kind, r.header, want)
			}
		}
	}
	id := f.begin("x-amz-checksum-algorithm", "SHA256")
	f.want(400, "InvalidRequest", "PUT", "/bucket/k?partNumber=1&uploadId="+id, "v",
		"x-amz-checksum-crc32", sumOf(sumCRC32, "v"))
	f.want(400, "BadDigest", "PUT", "/bucket/k?partNumber=1&uploadId="+id, "v",
		"x-amz-checksum-sha256", sumOf(sumSHA256, "w"))
	etag := f.part(id, 1, "v", "x-amz-checksum-sha256", sumOf(sumSHA256, "v")).header.Get("ETag")
	f.want(400, "InvalidPart", "POST", "/bucket/k?uploadId="+id, strings.Replace(completeXML("1", etag),
		"</Part>", "<ChecksumSHA256>"+sumOf(sumSHA256, "w")+"</ChecksumSHA256></Part>", 1))
	free := f.begin() // no algorithm asked for: parts may bring any
	r := f.part(free, 1, "v", "x-amz-checksum-sha1", sumOf(sumSHA1, "v"))
	if r.header.Get("x-amz-checksum-sha1") != sumOf(sumSHA1, "v") {
		t.Errorf("%v", r.header)
	}
	f.want(400, "InvalidRequest", "POST", "/bucket/k?uploads", "", "x-amz-checksum-algorithm", "ROT13")
	f.want(400, "InvalidRequest", "POST", "/bucket/k?uploads", "", "x-amz-checksum-type", "COMPOSITE")
	f.want(400, "InvalidRequest", "POST", "/bucket/k?uploads", "", "x-amz-checksum-algorithm", "CRC32",
		"x-amz-checksum-type", "HALF")
}

func TestListMultipartUploads(t *testing.T) {
	f := newFixture(t, nil)
	for _, key := range []string{"a", "a", "d/1", "d/2", "e/1", "f"} {
		f.want(200, "", "POST", "/bucket/"+key+"?uploads", "")
	}
	type page struct {
		Keys       []string `xml:"Upload>Key"`
		Prefixes   []string `xml:"CommonPrefixes>Prefix"`
		Truncated  bool     `xml:"IsTruncated"`
		NextKey    string   `xml:"NextKeyMarker"`
		NextUpload string   `xml:"NextUploadIdMarker"`
	}
	for size := 1; size <= 6; size++ {
		for delimiter, want := range map[string]string{"": "a a d/1 d/2 e/1 f", "/": "a a d/ e/ f"} {
			var got []string
			key, id := "", ""
			for range 10 {
				var p page
				r := f.want(200, "", "GET", fmt.Sprintf("/bucket?uploads&max-uploads=%d&delimiter=%s"+
					"&key-marker=%s&upload-id-marker=%s", size, delimiter, key, id), "")
				if err := xml.Unmarshal([]byte(r.body), &p); err != nil {
					t.Fatal(err)
				}
				if n := len(p.Keys) + len(p.Prefixes); n > size || p.Truncated && n != size {
					t.Errorf("%d on a page of %d", n, size)
				}
				got = append(got, merge(p.Keys, p.Prefixes)...)
				if key, id = p.NextKey, p.NextUpload; !p.Truncated {
					break
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("pages of %d, delimiter %q: %v", size, delimiter, got)
			}
		}
	}
	f.want(400, "InvalidArgument", "GET", "/bucket?uploads&max-uploads=x", "")
}

func merge(a, b []string) (out []string) {
	for len(a)+len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0] < b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return out
}

func TestCombinedCRC(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		data := make([]byte, random.IntN(5000))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		cut := random.IntN(len(data) + 1)
		for _, a := range []algorithm{sumCRC32, sumCRC32C, sumCRC64NVME} {
			sum := func(b []byte) uint64 {
				h := a.new()
				h.Write(b)
				var v uint64
				for _, c := range h.Sum(nil) {
					v = v<<8 | uint64(c)
				}
				return v
			}
			got := polynomialOf(a).combine(sum(data[:cut]), sum(data[cut:]), int64(len(data)-cut))
			if got != sum(data) {
				t.Fatalf("seed %d: %v of %d+%d: %x, want %x", seed, a, cut, len(data)-cut, got, sum(data))
			}
		}
	}
}
