package http1_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"flashstore/netloop"
	"flashstore/netloop/netlooptest"
)

// sameAsReference fails unless the parser and the reference understand the same, whether the
// bytes come at once, one by one or in pieces.
func sameAsReference(t *testing.T, stream string, l *netloop.Limits, seed uint64) (
	want netlooptest.Reading) {
	t.Helper()
	want = netlooptest.Read(stream, l)
	for name, arrive := range map[string]arrival{"at once": atOnce, "byte by byte": byteByByte,
		"in pieces": inPieces(seed)} {
		if name == "byte by byte" && len(stream) > 2<<10 {
			continue
		}
		if got := read(stream, l, arrive); !reflect.DeepEqual(want, got) {
			t.Fatalf("%q, %s:\nreference: %s\nparser:    %s", stream, name, describe(want),
				describe(got))
		}
	}
	return want
}

func describe(r netlooptest.Reading) string {
	var begun netlooptest.Message
	if r.Begun != nil {
		begun = *r.Begun
	}
	return fmt.Sprintf("%d in %d bytes, status %d, %+v, begun %v: %+v", len(r.Messages), r.Used,
		r.Status, r.Messages, r.Begun != nil, begun)
}

// seed is HTTP1_SEED or random.
func seed(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("HTTP1_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("HTTP1_SEED=%d", seed)
	return seed
}

// tight are limits that short messages reach.
func tight() *netloop.Limits {
	return &netloop.Limits{HeadBytesMax: 90, TargetBytesMax: 10, HeaderCountMax: 3,
		TrailerBytesMax: 20}
}

// TestReference: streams mean the same to the parser and to the slow reference.
func TestReference(t *testing.T) {
	l, seed := netloop.DefaultLimits(), seed(t)
	streams := netlooptest.NewStreams(seed)
	refused := 0
	const count = 10_000
	for i := range uint64(count) {
		if sameAsReference(t, streams.At(i), &l, seed+i).Status != 0 {
			refused++
		}
		sameAsReference(t, streams.At(i), tight(), seed+i)
	}
	if refused < count/2 || refused > count*95/100 {
		t.Errorf("%d of %d refused: the streams try too little", refused, count)
	}
	for _, m := range netlooptest.MalformedMessages() {
		if got := sameAsReference(t, m.Bytes, &l, seed); got.Status != m.Status {
			t.Errorf("%s: reference: %d, want %d", m.Title(), got.Status, m.Status)
		}
	}
}

// TestEveryByte: every byte in every place of a message means the same to both.
func TestEveryByte(t *testing.T) {
	l := netloop.DefaultLimits()
	for _, stream := range []string{
		"GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /0123456789abcdefg HTTP/1.1\r\nHost: a%20b.c:80\r\n\r\n", // longer than a word
		"PUT /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na",
		"PUT / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"1;a\r\na\r\n0\r\nT: v\r\n\r\n",
	} {
		for at := range stream {
			for b := range 256 {
				c := string([]byte{byte(b)})
				for _, changed := range []string{stream[:at] + c + stream[at+1:],
					stream[:at] + c + stream[at:]} {
					want, got := netlooptest.Read(changed, &l), read(changed, &l, atOnce)
					if !reflect.DeepEqual(want, got) {
						t.Fatalf("%q:\nreference: %s\nparser:    %s", changed, describe(want),
							describe(got))
					}
				}
			}
		}
	}
}

// TestLimits: a byte or a field more than allowed is refused, one less is not.
func TestLimits(t *testing.T) {
	l := tight()
	statuses := map[int]int{}
	for n := range 120 {
		for _, stream := range []string{
			"GET /" + strings.Repeat("a", n) + " HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A:\r\n", n) + "\r\n",
			"GET / HTTP/1.1\r\nHost: h\r\nA: " + strings.Repeat("a", n) + "\r\n\r\n",
			strings.Repeat("a", n),
			"GET / HTTP/1.1\r\n" + strings.Repeat("a", n),
			"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " +
				strings.Repeat("a", n) + "\r\n\r\n",
			"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
				strings.Repeat("a", 4000+n) + "\r\na\r\n0\r\n\r\n",
		} {
			statuses[sameAsReference(t, stream, l, uint64(n)).Status]++
		}
	}
	for _, status := range []int{0, 400, 414, 431} {
		if statuses[status] < 20 {
			t.Errorf("%d messages with status %d", statuses[status], status)
		}
	}
}

// TestAddresses: a host in brackets is what net/netip takes for an IPv6 address.
func TestAddresses(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 0))
	l := netloop.DefaultLimits()
	valid := 0
	for range 100_000 {
		var address []byte
		for range 1 + random.IntN(9) {
			address = append(address, []string{"", "", "0", "1", "12ab", "FFFF", "12345", "g",
				"1.2.3.4", "255.0.0.01", "1.2.3", "256.1.1.1", "::", "::"}[random.IntN(14)]...)
			address = append(address, ':')
		}
		address = address[:len(address)-random.IntN(2)]
		ip, err := netip.ParseAddr(string(address))
		want := err == nil && ip.Is6()
		got := read("GET / HTTP/1.1\r\nHost: ["+string(address)+"]\r\n\r\n", &l, atOnce)
		if (got.Status == 0) != want {
			t.Fatalf("%q: %d, net/netip: %v, %v", address, got.Status, ip, err)
		}
		if want {
			valid++
		}
	}
	if valid < 1000 {
		t.Errorf("only %d valid ones", valid)
	}
}
