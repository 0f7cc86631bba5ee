package bench

import (
	"flag"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// typed is a command line as it was read.
type typed struct {
	flags    *flag.FlagSet
	operands []string
}

// but is what to type for the same with other flags: those of change have the value there, or are
// left out where it is empty.
func (t typed) but(change map[string]string) string {
	words := append([]string{t.flags.Name()}, t.operands...)
	t.flags.Visit(func(f *flag.Flag) {
		if _, other := change[f.Name]; !other {
			words = append(words, flagWords(f)...)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(change)) {
		if value := change[name]; value != "" {
			words = append(words, "--"+name, value)
		}
	}
	return toType(words)
}

// flagWords give a flag the value that it has.
func flagWords(f *flag.Flag) (words []string) {
	if l, ok := f.Value.(*list); ok && !l.split {
		for _, value := range l.values {
			words = append(words, "--"+f.Name, value)
		}
		return words
	}
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return []string{"--" + f.Name + "=" + f.Value.String()}
	}
	return []string{"--" + f.Name, f.Value.String()}
}

// toType writes arguments of this program for a shell.
func toType(args []string) string {
	plain := regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)
	text := "bin/flashbench"
	for _, arg := range args {
		if !plain.MatchString(arg) {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		text += " " + arg
	}
	return text
}
