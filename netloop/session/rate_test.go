package session

import (
	"testing"
	"time"

	"flashstore/netloop"
)

func TestRate(t *testing.T) {
	limits := netloop.DefaultLimits()
	limits.BodyRateMin, limits.BodyRateWindow = 10, 10*time.Second
	type read struct {
		waits, bytes int // seconds
		fast         bool
	}
	for name, reads := range map[string][]read{
		"steady":                {{9, 90, true}, {9, 90, true}, {9, 90, true}, {9, 90, true}},
		"nothing":               {{10, 0, false}},
		"one byte":              {{9, 1, true}, {1, 1, true}, {1, 1, false}},
		"just in time":          {{10, 1, true}},
		"too late for its size": {{12, 10, false}},
		"enough, then a rest":   {{1, 100, true}, {9, 1, true}},
		"much, then a rest":     {{1, 1000, true}, {11, 1, false}},
		"a little too slow": {{9, 80, true}, {9, 80, true}, {9, 80, true}, {9, 80, true},
			{9, 80, true}, {9, 80, true}, {9, 80, true}, {9, 80, true}, {9, 80, true},
			{9, 80, false}},
		"at once": {{0, 1, true}, {0, 1, true}, {9, 1, true}},
	} {
		var r Rate
		r.Start(&limits)
		now := time.Unix(1_000_000, 0)
		for i, read := range reads {
			r.Wait(now)
			now = now.Add(time.Duration(read.waits) * time.Second)
			if fast := r.Add(read.bytes, now); fast != read.fast {
				t.Errorf("%s: read %d: fast is %v", name, i, fast)
			}
			now = now.Add(time.Hour) // of the server
		}
	}
}

func TestDate(t *testing.T) {
	var d date
	for _, c := range []struct {
		unix int64
		want string
	}{
		{784111777, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"}, // the example of RFC 9110
		{784111777, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{784111778, "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"},
	} {
		zone := time.FixedZone("east", 3600)
		if got := string(d.append(nil, time.Unix(c.unix, 5).In(zone))); got != c.want {
			t.Errorf("%q", got)
		}
	}
}
