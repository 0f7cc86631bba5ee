package engine

import (
	"slices"
	"testing"

	"flashstore/arena/block64k"
	"flashstore/engine/config"
)

// TestPartsAnswerToTheirNames: what the configuration offers has a part, what it calls absent
// has none.
func TestPartsAnswerToTheirNames(t *testing.T) {
	p := allParts()
	has := map[string]func(string) error{
		"netloop":   func(v string) error { _, err := pick("netloop", v, p.netloops); return err },
		"allocator": func(v string) error { _, err := pick("allocator", v, p.allocators); return err },
		"ioengine":  func(v string) error { _, err := pick("ioengine", v, p.ioengines); return err },
	}
	for _, axis := range config.Axes() {
		if has[axis.Key] == nil {
			continue // its values are not constructors
		}
		for _, v := range axis.Values {
			err := has[axis.Key](v)
			if absent := slices.Contains(axis.Absent, v); absent != (err != nil) {
				t.Errorf("%s %s: absent is %v, and picking it says %v", axis.Key, v, absent, err)
			}
		}
	}
	if block64k.BudgetDefaultBytes != 384<<20 { // as the help of memory_budget says
		t.Errorf("%d bytes are the default of request memory", block64k.BudgetDefaultBytes)
	}
}
