package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"flashstore/bench/process"
)

// heeds says whether our server, or Go's runtime in it, would heed a variable.
func heeds(name string) bool {
	return strings.HasPrefix(name, "FLASHSTORE_") || slices.Contains([]string{"FLASHPLANTED",
		"FLASHPROFILE_DIR", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK"}, name)
}

// sayLeftOut says which variables of the shell servers do not get, though they would heed them.
// What a peer heeds nobody here knows: beside one, all are named.
func sayLeftOut(messages io.Writer, peers bool) {
	left := slices.DeleteFunc(process.LeftOut(), func(name string) bool {
		return !peers && !heeds(name)
	})
	if len(left) > 0 {
		fmt.Fprintf(messages, "servers do not get what this shell exports: left out %s\n",
			strings.Join(left, ", "))
	}
}
