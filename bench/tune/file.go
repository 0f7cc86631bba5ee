package tune

import (
	"fmt"
	"io"
	"strings"
	"time"

	"flashstore/machine"
)

// File is what tuning has found.
type File struct {
	Machine   string // machine.Identity as one line
	Revision  string
	At        time.Time
	Session   string
	Adopted   []Choice // confirmed; empty keeps all defaults
	Defaults  map[string]string
	Trials    []Trial
	Combined  []Trial // on fresh data
	Confirmed bool
}

// Write writes settings of the server, with the evidence as comments.
func (f *File) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Settings that won on this machine: flashstore server --config FILE. On "+
		"another machine the\n# server leaves the whole file out: keep settings of your own elsewhere.\n")
	fmt.Fprintf(&b, "%s%s\n", machine.TunedMark, f.Machine)
	fmt.Fprintf(&b, "# made %s, revision %s, session %s\n", f.At.UTC().Format(time.RFC3339),
		f.Revision, f.Session)
	fmt.Fprintf(&b, "# gains are turned so that above zero is better, whatever is measured\n")
	fmt.Fprintf(&b, "# adopted: lower bound above %+.0f%% somewhere, no loss of %.0f%% shown "+
		"anywhere\n#\n", 100*GainMin, 100*LossMax)
	b.WriteString("# one axis at a time against the defaults:\n")
	evidence(&b, f.Trials)
	if len(f.Combined) > 0 {
		b.WriteString("#\n# the combination against the defaults, on fresh data:\n")
		evidence(&b, f.Combined)
	}
	switch {
	case len(f.Combined) == 0:
		b.WriteString("#\n# no level is better than the default here\n")
	case !f.Confirmed:
		b.WriteString("#\n# not confirmed: the defaults stay\n")
	}
	if f.Confirmed {
		for _, c := range f.Adopted {
			fmt.Fprintf(&b, "%s: %s # default: %s\n", c.Axis, c.Level, f.Defaults[c.Axis])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func evidence(b *strings.Builder, trials []Trial) {
	for i := range trials {
		t := &trials[i]
		name := strings.TrimPrefix(t.Axis+"="+t.Level, "=")
		if !t.judged() {
			fmt.Fprintf(b, "#   %-22s %-12s not judged: %s\n", name, t.Scenario,
				strings.ReplaceAll(t.Problem, "\n", " "))
			continue
		}
		center, lower := t.Gain()
		word := ""
		if t.Helps() {
			word = ", helps"
		}
		if t.Hurts() {
			word = ", hurts"
		}
		fmt.Fprintf(b, "#   %-22s %-12s %s %+.1f%%, not below %+.1f%%, %d pairs%s\n", name, t.Scenario,
			t.Metric, 100*center, 100*lower, len(t.Differences), word)
	}
}
