package report

import (
	"strings"
	"testing"

	"flashstore/bench/record"
)

// costing are legs of four pairs whose servers keep account; nil: one keeps none.
func costing(base, candidate map[string]float64) []record.Leg {
	all := legs(4, 1.27)
	for i := range all {
		cost := map[string]map[string]float64{"base": base, "candidate": candidate}[all[i].Side]
		for name, v := range cost {
			if all[i].Cost == nil {
				all[i].Cost = map[string]float64{}
			}
			all[i].Cost[name] = v * (1 + 0.0001*float64(all[i].Pair)) // as legs of one server differ
		}
	}
	return all
}

// What a request cost in counts is said below the table and on the page: first what differs by more
// than legs of one server.
func TestLedgerIsSaid(t *testing.T) {
	net := map[string]float64{"socket_reads": 2, "socket_writes": 2, "epoll_waits": 0,
		"copied_bytes": 4096, "heap_objects": 70.5, "synced_writes": 0}
	own := map[string]float64{"socket_reads": 1, "socket_writes": 2, "epoll_waits": 18.5,
		"copied_bytes": 4120, "heap_objects": 0.2, "synced_writes": 0}
	for name, c := range map[string]struct {
		base, candidate map[string]float64
		want            string
	}{
		"both": {net, own, "get-4k, nethttp → epoll, per request: 0.00 → 18.5 own epoll waits, " +
			"2.00 → 1.00 socket reads, 70.5 → 0.20 heap objects; alike 2.00 socket writes, " +
			"~4.01 KiB copied."},
		"the same": {own, own, "get-4k, nethttp → epoll, per request: alike 18.5 own epoll waits, " +
			"1.00 socket reads, 2.00 socket writes, 4.02 KiB copied, 0.20 heap objects."},
		"another kind": {map[string]float64{"new_calls": 3}, map[string]float64{"socket_reads": 1},
			"get-4k, nethttp → epoll, per request: - → 1.00 socket reads, 3.00 → - new calls."},
		"a foreign base": {nil, own, "get-4k, nethttp → epoll, per request of epoll: 18.5 own epoll " +
			"waits, 1.00 socket reads, 2.00 socket writes, 4.02 KiB copied, 0.20 heap objects; nethttp " +
			"keeps no account."},
		"a foreign candidate": {map[string]float64{"socket_reads": 1}, nil, "get-4k, nethttp → epoll, " +
			"per request of nethttp: 1.00 socket reads; epoll keeps no account."},
	} {
		all := costing(c.base, c.candidate)
		r := one(t, all)
		if got := r.Ledger(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		shown := views(t, all)
		for _, form := range []string{"conclusion", "page"} {
			if !strings.Contains(shown[form], c.want) {
				t.Errorf("%s: the %s does not say it:\n%s", name, form, shown[form])
			}
		}
	}
}

// Without an account, or with nothing in it, there is no line, and none of what is withdrawn.
func TestNoLedger(t *testing.T) {
	withdrawn := costing(map[string]float64{"socket_reads": 1}, map[string]float64{"socket_reads": 2})
	for i := range withdrawn {
		withdrawn[i].Outcome, withdrawn[i].Reason = record.Withdrawn, "of uploads"
	}
	none := map[string]float64{"synced_writes": 0}
	for name, all := range map[string][]record.Leg{"no account": legs(4, 1), "nothing": costing(none, none),
		"nothing of one": costing(nil, none), "withdrawn": withdrawn} {
		if text := views(t, all)["conclusion"]; strings.Contains(text, "per request") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
