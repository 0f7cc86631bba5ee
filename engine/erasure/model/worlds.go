package model

import "context"

// Worlds are small enough for their histories to be tried, and each of them is about something
// else. The sets are n = 2 (1+1), 3 (2+1), 4 (2+2) and 6 (3+3).
func Worlds() map[string]Config {
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

// Need is a rule, and the world in which the promise does not hold without it.
type Need struct {
	Rule  Rule
	World string // of Worlds
}

// Explore looks for the counterexample.
func (n Need) Explore(ctx context.Context) (Result, *Counterexample, error) {
	c := Worlds()[n.World]
	c.Without = n.Rule
	return c.Explore(ctx, nil)
}

// Needs are all rules that have a counterexample.
func Needs() []Need {
	return []Need{
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
		{FewAreNotAlone, "three drives that come and go"},
		{SettledIsNotIgnored, "three drives that come and go"},
		{FenceBeforeDiscard, "three drives that come and go"},
		{FenceEverywhere, "four drives"},
		{FreshIsSilent, "two drives replaced"},
		{HealedBeforeComplete, "two drives replaced"},
		{TombstoneEverywhere, "two writes, forgotten tombstones"},
		{ForgottenIsFenced, "two writes, forgotten tombstones"},
		{NeverRecoverable, "one of three drives replaced"},
	}
}
