package bench

import (
	"flag"
	"testing"
)

// What is to be typed is what was typed, but for what is to be another, and fit for a shell.
func TestTyped(t *testing.T) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	o := options{}
	newChoice(flags)
	o.flags(flags)
	operands, err := parse(flags, []string{"--quick", "a b.yaml", "--set", "netloop=epoll,nethttp",
		"--only", "x,y", "--set=run.seed=7", "--pin=false", "--record", "it's", "--pairs", "3"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := typed{flags, operands}
	for _, c := range []struct {
		change map[string]string
		want   string
	}{
		{nil, `run 'a b.yaml' --only x,y --pairs 3 --pin=false --quick=true --record 'it'\''s' ` +
			`--set netloop=epoll,nethttp --set run.seed=7`},
		{map[string]string{"only": "z", "pairs": "8", "quick": "", "resume": ""},
			`run 'a b.yaml' --pin=false --record 'it'\''s' --set netloop=epoll,nethttp ` +
				`--set run.seed=7 --only z --pairs 8`},
	} {
		if got := again.but(c.change); got != "bin/flashbench "+c.want {
			t.Errorf("got  %s\nwant bin/flashbench %s", got, c.want)
		}
	}
}
