package model

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"
)

var statesFlag = flag.Int("model.states", 200_000,
	"states of each world that keeps all rules; 0: all of them, which can take days and memory")

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

// TestRules: without any one rule something does.
func TestRules(t *testing.T) {
	for _, run := range Needs() {
		t.Run(run.Rule.String(), func(t *testing.T) {
			t.Parallel()
			r, found, err := run.Explore(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if found == nil {
				t.Fatalf("%d states, and the promise holds without it", r.States)
			}
			t.Logf("%d states; %s:\n%v", r.States, run.World, found)
		})
	}
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
