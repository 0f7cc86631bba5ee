package report

import (
	"maps"
	"slices"
	"strings"

	"flashstore/bench/gate"
)

// account is a count of the cost ledger as a reader knows it.
type account struct {
	name, words string
	unit        float64 // of the words
}

// accounts are in the order of a request's way through a server.
func accounts() []account {
	const kib = 1 << 10
	return []account{
		{"epoll_waits", "own epoll waits", 1}, {"socket_reads", "socket reads", 1},
		{"socket_writes", "socket writes", 1}, {"io_enters", "I/O calls", 1},
		{"cached_reads", "cached reads", 1}, {"synced_writes", "synced writes", 1},
		{"copied_bytes", "KiB copied", kib}, {"drive_bytes_written", "KiB to drives", kib},
		{"drive_bytes_read", "KiB from drives", kib}, {"heap_objects", "heap objects", 1},
	}
}

// accountsOf are those that ledgers have, last such as are called here by no other name.
func accountsOf(ledgers ...gate.Ledger) []account {
	kept := map[string]bool{}
	for _, l := range ledgers {
		for _, side := range []gate.Counts{l.Base, l.Candidate} {
			for name := range side {
				kept[name] = true
			}
		}
	}
	var out []account
	for _, a := range accounts() {
		if kept[a.name] {
			out = append(out, a)
			delete(kept, a.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		out = append(out, account{name, strings.ReplaceAll(name, "_", " "), 1})
	}
	return out
}

// nothing stands where a server keeps no such count, or a gate has computed no figure.
const nothing = "-"

func (a account) figure(side gate.Counts) string {
	v, ok := side[a.name]
	if !ok {
		return nothing
	}
	return Number(v / a.unit)
}

// cell is a count of both sides: base → candidate where it differs or one side keeps none, else one
// figure, with ~ where it is not the same to the last digit.
func (a account) cell(l *gate.Ledger, differs bool) string {
	base, candidate := a.figure(l.Base), a.figure(l.Candidate)
	switch {
	case base == candidate:
		return base
	case differs, base == nothing, candidate == nothing:
		return base + " → " + candidate
	}
	return "~" + Number((l.Base[a.name]+l.Candidate[a.name])/2/a.unit)
}
