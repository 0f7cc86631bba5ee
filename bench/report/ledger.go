package report

import (
	"fmt"
	"strings"

	"flashstore/bench/gate"
)

// Ledger says in one line what a request cost the servers in counts: first those in which all legs
// of one differ from all of the other. What costs neither is left out; empty where no server keeps
// account.
func (r *Row) Ledger() string {
	l := gate.LedgerOf("", r.Costs[0], r.Costs[1])
	if len(l.Base) == 0 || len(l.Candidate) == 0 {
		return r.ledgerOfOne(&l)
	}
	var differ, alike []string
	for _, a := range accountsOf(l) {
		switch text := a.cell(&l, gate.Disjoint(r.Costs[0], r.Costs[1], a.name)); {
		case strings.Contains(text, "→"):
			differ = append(differ, text+" "+a.words)
		case strings.Trim(text, "~0.") != "":
			alike = append(alike, text+" "+a.words)
		}
	}
	var clauses []string
	if len(differ) > 0 {
		clauses = append(clauses, strings.Join(differ, ", "))
	}
	if len(alike) > 0 {
		clauses = append(clauses, "alike "+strings.Join(alike, ", "))
	}
	if len(clauses) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s → %s, per request: %s.", r.Scenario, r.Base, r.Candidate,
		strings.Join(clauses, "; "))
}

// ledgerOfOne is that of the side which keeps account, as beside another server.
func (r *Row) ledgerOfOne(l *gate.Ledger) string {
	side, who, other := l.Candidate, r.Candidate, r.Base
	if len(side) == 0 {
		side, who, other = l.Base, r.Base, r.Candidate
	}
	var parts []string
	for _, a := range accountsOf(*l) {
		if text := a.figure(side); strings.Trim(text, "0.") != "" {
			parts = append(parts, text+" "+a.words)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s → %s, per request of %s: %s; %s keeps no account.", r.Scenario, r.Base,
		r.Candidate, who, strings.Join(parts, ", "), other)
}
