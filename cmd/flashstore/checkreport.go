package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"flashstore/engine"
)

// writeReport is a report for people: the drives as a table, then what is wrong.
func writeReport(to io.Writer, r *engine.CheckReport) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DRIVE\tNUMBER\tREGISTERS\tBATCHES\tINLINE\tBULK\tFINDINGS")
	for i := range r.Drives {
		d := &r.Drives[i]
		if d.Refused != "" {
			fmt.Fprintf(table, "%s\t-\t-\t-\t-\t-\tnot examined\n", d.Path)
			continue
		}
		fmt.Fprintf(table, "%s\t%d of %d\t%d\t%d\t%s\t%s\t%d\n", d.Path, d.Identity.Position+1,
			d.Identity.Drives, d.Registers, d.Batches, byteText(d.InlineBytes),
			byteText(d.BulkBytes), d.FindingsTotal)
	}
	_ = table.Flush() // to a terminal or a pipe: nobody is left to tell
	for i := range r.Drives {
		d := &r.Drives[i]
		if d.FindingsTotal > 0 || d.IndexRebuilt {
			fmt.Fprintf(to, "%s:\n", d.Path)
		}
		if d.IndexRebuilt {
			fmt.Fprintln(to, "  its index was made anew from the log")
		}
		if d.Refused != "" {
			fmt.Fprintf(to, "  not examined: %s\n", d.Refused)
		}
		for j := range d.Findings {
			fmt.Fprintf(to, "  %s\n", findingText(&d.Findings[j]))
		}
		writeRest(to, d.FindingsTotal-len(d.Findings), d.Refused != "")
	}
	for i := range r.Sets {
		writeSet(to, &r.Sets[i])
	}
	switch {
	case r.Error != "":
		fmt.Fprintf(to, "not finished; %s so far\n", countText(r.Findings))
	case r.Clean:
		fmt.Fprintln(to, "clean")
	default:
		fmt.Fprintf(to, "%s; flashstore check -h says what they mean\n", countText(r.Findings))
	}
}

func writeSet(to io.Writer, s *engine.CheckSet) {
	fmt.Fprintf(to, "deployment %s, %d+%d drives: %d registers, %d buckets, %d objects, %d uploads "+
		"with %d parts, %d tombstones, %d unsettled: %s\n", s.Deployment,
		s.Drives-s.Parity, s.Parity, s.Registers, s.Buckets, s.Objects, s.Uploads, s.Parts,
		s.Tombstones, s.Unsettled, countText(s.FindingsTotal))
	for i := range s.Findings {
		fmt.Fprintf(to, "  %s\n", setFindingText(&s.Findings[i]))
	}
	writeRest(to, s.FindingsTotal-len(s.Findings), false)
}

func countText(findings int) string {
	if findings == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", findings)
}

// writeRest says how many findings are not listed; one that was printed apart is not among them.
func writeRest(to io.Writer, n int, apart bool) {
	if apart {
		n--
	}
	if n > 0 {
		fmt.Fprintf(to, "  and %d more\n", n)
	}
}

// findingText is a finding as a line: its kind, where it is as far as that is known, and what.
func findingText(f *engine.CheckFinding) string {
	var where []string
	if f.File != "" {
		where = append(where, f.File)
	}
	if f.OffsetBytes != 0 {
		where = append(where, fmt.Sprintf("at %d", f.OffsetBytes))
	}
	if f.Key != "" {
		where = append(where, "key "+f.Key)
	}
	return line(f.Kind, where, f.Detail)
}

// setFindingText is a finding of a set as a line.
func setFindingText(f *engine.SetFinding) string {
	var where []string
	if f.Bucket != "" {
		where = append(where, "bucket "+f.Bucket)
	}
	if f.Key != "" {
		where = append(where, "key "+f.Key)
	}
	return line(f.Kind, where, f.Detail)
}

func line(kind string, where []string, detail string) string {
	if len(where) == 0 {
		return kind + ": " + detail
	}
	return kind + ": " + strings.Join(where, ", ") + ": " + detail
}

// byteText is n in the largest unit that leaves a whole number before the point.
func byteText(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for ; value >= 1024; unit++ {
		value /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}
