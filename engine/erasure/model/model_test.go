package model

import (
	"context"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"
)

var statesFlag = flag.Int("model.states", 200_000,
	"states of each world that keeps all rules; 0: all of them, which can take days and memory")

var recordFlag = flag.Bool("model.record", false, "write the counterexamples that are found")

// TestPromise: with all rules nothing breaks the promise.
func TestPromise(t *testing.T) {
	for name, c := range Worlds() {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			c.StatesMax = *statesFlag
			r, found, err := c.Explore(t.Context(), func(r Result) {
				if time.Since(began) > 10*time.Second {
					fmt.Printf("%s: %d states of up to %d steps\n", name, r.States, r.Depth)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if found != nil {
				t.Fatalf("the promise does not hold:\n%v", found)
			}
			t.Logf("%d states, histories of up to %d steps, all of them: %t", r.States, r.Depth,
				r.Complete)
		})
	}
}

// TestRules: without any one rule something does, and that is what is recorded for the tests that
// play it.
func TestRules(t *testing.T) {
	found := make([]Recorded, len(Needs()))
	t.Run("rules", func(t *testing.T) {
		for i, run := range Needs() {
			t.Run(run.Rule.String(), func(t *testing.T) {
				t.Parallel()
				r, e, err := run.Explore(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if e == nil {
					t.Fatalf("%d states, and the promise holds without it", r.States)
				}
				t.Logf("%d states; %s:\n%v", r.States, run.World, e)
				found[i] = Recorded{run, e.Script, e.Broken}
			})
		}
	})
	if *recordFlag {
		record(t, found)
	}
	if recorded, err := AllRecorded(); err != nil || !reflect.DeepEqual(found, recorded) {
		t.Error(err, "counterexamples.txt is out of date: go test . -run Rules -model.record")
	}
}

// record writes counterexamples.txt.
func record(t *testing.T, all []Recorded) {
	text := "# What breaks the promise where a rule is left out, as TestRules finds it.\n" +
		"# go test ./engine/erasure/model -run Rules -model.record writes it anew.\n"
	for i := range all {
		text += "\n" + all[i].text()
	}
	if err := os.WriteFile("counterexamples.txt", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	counterexamples = text
}

// TestCaution: two rules of the design guard against nothing that this model knows. They are kept:
// they cost next to nothing, and the model is smaller than the world.
func TestCaution(t *testing.T) {
	for _, rule := range []Rule{TermBeforeAnswers, LockIgnores} {
		for _, world := range []string{"two holders", "a reader without the lock"} {
			t.Run(fmt.Sprint(rule, ": ", world), func(t *testing.T) {
				t.Parallel()
				c := Worlds()[world]
				c.Without, c.StatesMax = rule, *statesFlag
				_, found, err := c.Explore(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if found != nil {
					t.Errorf("now it does, move it to TestRules:\n%v", found)
				}
			})
		}
	}
}

// TestInterrupted: a run that is interrupted says so.
func TestInterrupted(t *testing.T) {
	c := Worlds()["four drives"]
	r, found, err := c.Explore(canceled(t), nil)
	if err == nil || found != nil || r.Complete {
		t.Errorf("%+v, %v, %v", r, found, err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
