package hotpath

import (
	"context"
	"fmt"
	"io"

	"flashstore/bench/load"
	"flashstore/bench/report"
	"flashstore/bench/target"
)

// Ledger is what requests of one kind cost our server by its own accounts, over all legs of closed
// loops, their warm-up too.
type Ledger struct {
	Title     string      `json:"title"`
	Sum       target.Cost `json:"sum"`
	Predicted float64     `json:"predicted_us"` // sum of the phases of the requests that were measured
	Measured  float64     `json:"measured_us"`  // CPU of the process, by the kernel's account
}

// spent adds what the server spent between two accounts.
func (b *bench) spent(c *load.Config, before, after *target.Cost) {
	title := fmt.Sprintf("%s %d KiB", c.Method, c.Objects[0].Bytes>>10)
	var l *Ledger
	for i := range b.report.Ledgers {
		if b.report.Ledgers[i].Title == title {
			l = &b.report.Ledgers[i]
		}
	}
	if l == nil {
		b.report.Ledgers = append(b.report.Ledgers, Ledger{Title: title})
		l = &b.report.Ledgers[len(b.report.Ledgers)-1]
	}
	l.Sum.Add(after, before)
	if l.Sum.Sampled > 0 {
		p := &l.Sum.Phases
		l.Predicted = 1e6 * (p.Receive + p.Admit + p.Execute + p.Respond) / l.Sum.Sampled
	}
	l.Measured = 1e6 * l.Sum.CPUSeconds / l.Sum.Requests
}

// account asks our server what it has spent; nothing of others.
func (s *side) account(ctx context.Context) (target.Cost, error) {
	if s.status == nil {
		return target.Cost{}, nil
	}
	status, err := s.status(ctx)
	return status.Cost, err
}

// printLedgers writes what a request cost, by kind.
func printLedgers(w io.Writer, all []Ledger) {
	cells := [][]string{{"a request of ours", "reads", "writes", "cached reads", "epoll waits",
		"KiB copied", "heap objects", "receive µs", "admit", "execute", "respond", "sum",
		"CPU µs measured"}}
	for i := range all {
		l := &all[i]
		per := func(n float64) string { return fmt.Sprintf("%.2f", n/l.Sum.Requests) }
		micros := func(seconds float64) string {
			if l.Sum.Sampled == 0 {
				return "-" // workers answered
			}
			return fmt.Sprintf("%.2f", 1e6*seconds/l.Sum.Sampled)
		}
		p := &l.Sum.Phases
		cells = append(cells, []string{l.Title, per(l.Sum.SocketReads), per(l.Sum.SocketWrites),
			per(l.Sum.CachedReads), per(l.Sum.EpollWaits), per(l.Sum.Copied / 1024),
			per(l.Sum.HeapObjects), micros(p.Receive), micros(p.Admit), micros(p.Execute),
			micros(p.Respond), micros(l.Predicted * l.Sum.Sampled / 1e6),
			fmt.Sprintf("%.2f", l.Measured)})
	}
	if len(all) > 0 {
		fmt.Fprintln(w)
		report.Columns(w, cells)
	}
}
