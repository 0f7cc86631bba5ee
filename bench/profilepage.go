package bench

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"flashstore/bench/plot"
	"flashstore/bench/profile"
	"flashstore/bench/record"
	"flashstore/bench/report"
)

// Functions of our server by which its stacks are told apart.
const (
	// handled is in every stack that serves a request.
	handled = "flashstore/engine/s3api.(*Mux).Handle"
	// profiler is in every stack that is there because of the profiles themselves.
	profiler = "main.profileOnSignals.func1"
)

// heapBefore is the profile of the heap from before the load, which is in no graph.
const heapBefore = "heap-before"

// profileKind is a profile of a server: its name in records and of its file, and how it is drawn.
type profileKind struct {
	name, title string
	view        profile.View
	none        string // what it means that nothing is in it
	also        string // what its file has that is not drawn
}

func profileKinds() []profileKind {
	return []profileKind{
		{name: "cpu", title: "CPU", view: profile.View{Value: "cpu"},
			none: "the server took too little to be sampled"},
		{name: "heap", title: "bytes allocated", view: profile.View{Value: "alloc_space"},
			none: "too little was allocated to be sampled"},
		{name: "block", title: "time that requests were blocked",
			view: profile.View{Value: "delay", Through: handled},
			none: "no request waited for anything but its client",
			also: "; there are the server's own goroutines too, most of which wait for work"},
		{name: "mutex", title: "time in contention", view: profile.View{Value: "delay"},
			none: "nothing had to wait for a lock"},
	}
}

// printProfile writes what a leg has shown, for a terminal.
func printProfile(w io.Writer, p *record.Profile) {
	fmt.Fprintf(w, "\n%s, %s\n", p.Scenario, p.Label)
	report.Columns(w, profileTable(p))
	for _, note := range p.Notes {
		fmt.Fprintln(w, "not measured: "+note)
	}
}

func profileTable(p *record.Profile) [][]string {
	cells := [][]string{{"what", "figure"}}
	for _, name := range slices.Sorted(maps.Keys(p.Numbers)) {
		cells = append(cells, []string{name, report.Number(p.Numbers[name])})
	}
	calls := slices.Collect(maps.Keys(p.Calls))
	slices.SortFunc(calls, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.Calls[b], p.Calls[a]), cmp.Compare(a, b))
	})
	for _, name := range calls {
		if p.Calls[name] >= 0.005 {
			cells = append(cells, []string{name + " per operation", report.Number(p.Calls[name])})
		}
	}
	return cells
}

// extras are the profiles of a session, drawn, from files below dir.
func extras(lines []record.Line, session, dir string) (out []report.Extra) {
	for _, line := range lines {
		p := line.Profile
		if p == nil || p.Session != session {
			continue
		}
		table := report.Extra{Title: p.Scenario + ", " + p.Label, Table: profileTable(p)}
		if len(p.Notes) > 0 {
			table.Note = "not measured: " + strings.Join(p.Notes, "; ")
		}
		out = append(out, table)
		for _, kind := range profileKinds() {
			out = append(out, kind.draw(p, dir))
		}
	}
	return out
}

// draw draws a profile, or says why there is nothing to be drawn: profiles are raw data, which is
// not kept with the record, and what did not happen was not sampled.
func (k profileKind) draw(p *record.Profile, dir string) report.Extra {
	e := report.Extra{Title: p.Scenario + ", " + p.Label + ": " + k.title}
	file := p.Files[k.name]
	if file == "" {
		e.Note = "not profiled"
		return e
	}
	command := "go tool pprof " + file
	view := k.view
	view.Without = profiler
	whole, err := readProfile(dir, file)
	if before := p.Files[heapBefore]; err == nil && k.name == "heap" && before != "" {
		view.Before, err = readProfile(dir, before)
		command = "go tool pprof -base " + before + " " + file
	}
	if err != nil {
		e.Note = "not drawn: " + err.Error()
		return e
	}
	root, unit := whole.Flame(view)
	if root == nil {
		e.Note = k.none + "; " + command + k.also
		return e
	}
	e.SVG, e.Note = plot.Flame(root, unit), "callers above what they called; "+command+k.also
	return e
}

// readProfile reads a file that a record names: of its own folder dir, and of no other.
func readProfile(dir, name string) (*profile.Profile, error) {
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s is not beside the record", name)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return profile.Read(f)
}
