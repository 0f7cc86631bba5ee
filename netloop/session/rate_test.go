package session

import (
	"testing"
	"time"

	"flashstore/netloop"
)

func TestRate(t *testing.T) {
	limits := netloop.DefaultLimits()
	limits.BodyRateMin, limits.BodyRateWindow = 10, 10*time.Second // 100 bytes a window
	begin := time.Unix(1_000_000, 0)
	type piece struct {
		second, bytes int
		fast          bool
	}
	for name, pieces := range map[string][]piece{
		"steady":              {{5, 100, true}, {11, 100, true}, {21, 100, true}, {30, 100, true}},
		"nothing":             {{10, 1, false}},
		"just in time":        {{9, 1, true}, {10, 200, false}},
		"enough, then a rest": {{1, 100, true}, {19, 1, true}},
		"rest too long":       {{1, 100, true}, {20, 1, false}},
		"drops":               {{1, 1, true}, {2, 1, true}, {9, 1, true}, {12, 1, false}},
	} {
		var r Rate
		r.Start(&limits, begin)
		for i, p := range pieces {
			now := begin.Add(time.Duration(p.second) * time.Second)
			if fast := r.Add(p.bytes, now); fast != p.fast {
				t.Errorf("%s: piece %d: fast is %v", name, i, fast)
			}
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
