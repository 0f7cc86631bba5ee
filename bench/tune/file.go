package tune

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"flashstore/machine"
)

// File is what tuning has found.
type File struct {
	Machine  string // machine.Identity as one line
	Revision string
	At       time.Time
	Session  string
	Chosen   []Choice // by the trials; adopted only if the combination confirms them
	Defaults map[string]string
	Trials   []Trial
	Combined []Trial // of the chosen, on fresh data
}

// Outcome is what tuning amounts to.
type Outcome int

// The outcomes.
const (
	Unknown  Outcome = iota // nothing could be judged: nothing follows, not even for the defaults
	Defaults                // no level is shown to be better
	Adopted                 // what was chosen is, and is confirmed
)

// Outcome of the trials.
func (f *File) Outcome() Outcome {
	switch {
	case confirmed(f.Combined):
		return Adopted
	case len(f.Chosen) == 0 && decidable(f.Trials), len(f.Chosen) > 0 && decidable(f.Combined):
		return Defaults
	}
	return Unknown
}

// Noisy says whether a quiet machine could have judged more.
func (f *File) Noisy() bool {
	return slices.ContainsFunc(slices.Concat(f.Trials, f.Combined), func(t Trial) bool {
		return !t.judged() && !t.Failed
	})
}

// Write writes settings of the server, with the evidence as comments. Where the outcome is unknown
// that is for somebody to read, and no file to keep.
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
	fmt.Fprintf(&b, "#\n# %s\n", f.conclusion())
	if f.Outcome() == Adopted {
		for _, c := range f.Chosen {
			fmt.Fprintf(&b, "%s: %s # default: %s\n", c.Axis, c.Level, f.Defaults[c.Axis])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// conclusion is the outcome in words.
func (f *File) conclusion() string {
	unjudged := 0
	for i := range f.Trials {
		if !f.Trials[i].judged() {
			unjudged++
		}
	}
	left := ""
	if unjudged > 0 {
		left = fmt.Sprintf("; %d of %d trials could not be judged", unjudged, len(f.Trials))
	}
	switch outcome := f.Outcome(); {
	case outcome == Adopted:
		return "confirmed, and adopted" + left
	case outcome == Unknown && len(f.Chosen) == 0:
		return "nothing could be judged: no level has enough quiet pairs in every scenario"
	case outcome == Unknown:
		return "not known: the combination could not be judged"
	case len(f.Chosen) > 0:
		return "not confirmed: the defaults stay" + left
	}
	return "no level is shown to be better than the default here" + left
}

func evidence(b *strings.Builder, trials []Trial) {
	for i := range trials {
		t := &trials[i]
		name := strings.TrimPrefix(t.Axis+"="+t.Level, "=")
		center, lower := t.Gain()
		if !t.judged() {
			fmt.Fprintf(b, "#   %-22s %-12s not judged: %s", name, t.Scenario,
				strings.ReplaceAll(t.Problem, "\n", " "))
			if len(t.Differences) > 0 {
				fmt.Fprintf(b, " (%s %+.1f%%)", t.Metric, 100*center)
			}
			b.WriteString("\n")
			continue
		}
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
