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

// worlds are small enough for their histories to be tried, and each of them is about something
// else. The sets are n = 2 (1+1), 3 (2+1), 4 (2+2) and 6 (3+3).
func worlds() map[string]Config {
	two := Config{Drives: 2, Data: 1, Quorum: 2}
	three := Config{Drives: 3, Data: 2, Quorum: 2}
	four := Config{Drives: 4, Data: 2, Quorum: 3}
	six := Config{Drives: 6, Data: 3, Quorum: 4}
	world := func(c Config, change func(*Config)) Config {
		change(&c)
		return c
	}
	return map[string]Config{
		"two drives replaced": world(two, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Wipes, c.Crashes, c.Reads = 1, 2, 1, 1, 1, 2
		}),
		"one of three drives replaced": world(three, func(c *Config) {
			c.Writes, c.Terms, c.Wipes, c.Reads, c.Prompt = 1, 2, 1, 1, true
		}),
		"three drives that come and go": world(three, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Reads = 2, 1, 2, 2
		}),
		"two writes, forgotten tombstones": world(three, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Reads, c.Prompt = 2, 1, 1, 1, true
		}),
		"two holders": world(three, func(c *Config) {
			c.Writes, c.Terms, c.Reads, c.Prompt = 2, 2, 1, true
		}),
		"processes one behind the other": world(three, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Crashes, c.Reads, c.Alone = 2, 3, 1, 1, 1, true
		}),
		"a reader without the lock": world(three, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Reads, c.Reader = 2, 1, 1, 2, true
		}),
		"four drives": world(four, func(c *Config) {
			c.Writes, c.Terms, c.Reads = 1, 1, 2
		}),
		"four drives, two replaced": world(four, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Wipes, c.Reads, c.Prompt = 1, 2, 1, 2, 1, true
		}),
		"six drives": world(six, func(c *Config) {
			c.Writes, c.Terms, c.Departures, c.Wipes, c.Reads, c.Prompt = 1, 2, 1, 1, 1, true
		}),
	}
}

// TestPromise: with all rules nothing breaks the promise.
func TestPromise(t *testing.T) {
	for name, c := range worlds() {
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
	for _, run := range []struct {
		rule  Rule
		world string
	}{
		{TermBeforeWrites, "processes one behind the other"},
		{LowerTermsRefused, "two holders"},
		{QuorumAcknowledges, "two drives replaced"},
		{SameIncarnation, "one of three drives replaced"},
		{NeverRollBack, "three drives that come and go"},
		{SettleReleases, "three drives that come and go"},
		{SettleAfterQuorum, "two drives replaced"},
		{DecidedFirst, "two drives replaced"},
		{SilenceCounts, "three drives that come and go"},
		{SilenceIsNoAbsence, "two drives replaced"},
		{SettledIsNotIgnored, "three drives that come and go"},
		{FenceBeforeDiscard, "three drives that come and go"},
		{FenceEverywhere, "four drives"},
		{FreshIsSilent, "two drives replaced"},
		{HealedBeforeComplete, "two drives replaced"},
		{TombstoneEverywhere, "two writes, forgotten tombstones"},
		{ForgottenIsFenced, "two writes, forgotten tombstones"},
		{NeverRecoverable, "one of three drives replaced"},
	} {
		t.Run(run.rule.String(), func(t *testing.T) {
			t.Parallel()
			c := worlds()[run.world]
			c.Without = run.rule
			r, found, err := c.Explore(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if found == nil {
				t.Fatalf("%d states, and the promise holds without it", r.States)
			}
			t.Logf("%d states; %s:\n%v", r.States, run.world, found)
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
				c := worlds()[world]
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
	c := worlds()["four drives"]
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
