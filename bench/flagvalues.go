package bench

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"flashstore/bench/scenario"
)

// pairsFlag is a number of pairs, 0 where none was typed. It refuses what no comparison can have
// while the flag's own name is known: later it is one of the values that a scenario is changed by.
type pairsFlag int

func (p *pairsFlag) String() string { return strconv.Itoa(int(*p)) }

// Set takes what is typed.
func (p *pairsFlag) Set(v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > scenario.PairsMax {
		return fmt.Errorf("want 1 to %d", scenario.PairsMax)
	}
	*p = pairsFlag(n)
	return nil
}

// budgetFlag is a time that may be spent, 0 where it is not bounded.
type budgetFlag time.Duration

func (b *budgetFlag) String() string { return time.Duration(*b).String() }

// Set takes what is typed.
func (b *budgetFlag) Set(v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return errors.New("want 0 or more, as in 90s or 5m")
	}
	*b = budgetFlag(d)
	return nil
}
