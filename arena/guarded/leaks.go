package guarded

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// siteFrames is how many callers tell one place in the code from another: what takes memory is
// often a helper.
const siteFrames = 4

// site is a place in the code, the innermost caller first.
type site [siteFrames]uintptr

// caller is the place outside this package that called it.
func caller() site {
	var all [siteFrames + 8]uintptr
	n := runtime.Callers(2, all[:])
	var s site
	kept := 0
	for _, pc := range all[:n] {
		if kept == 0 && strings.Contains(runtime.FuncForPC(pc-1).Name(), "arena/guarded.(") {
			continue
		}
		if kept == len(s) {
			break
		}
		s[kept] = pc
		kept++
	}
	return s
}

// String is "file:line < file:line ...".
func (s site) String() string {
	var out []string
	frames := runtime.CallersFrames(s[:slices.Index(append(s[:], 0), 0)])
	for {
		f, more := frames.Next()
		if f.Function != "" {
			out = append(out, fmt.Sprintf("%s:%d", lastTwo(f.File), f.Line))
		}
		if !more {
			return strings.Join(out, " < ")
		}
	}
}

// lastTwo is a file with its folder.
func lastTwo(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// note enters an arena that holds something, or takes it off.
func (a *Allocator) note(s *scratch, holds bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if holds {
		a.arenas[s] = struct{}{}
	} else {
		delete(a.arenas, s)
	}
}

// Leaks lists what is out, most bytes first: "3 allocations, 4096 bytes, request 7: file:line". It
// is empty if nothing is. Arenas must be at rest.
func (a *Allocator) Leaks() string {
	type kind struct {
		what    string
		site    site
		request uint64
	}
	type sum struct{ count, bytes int }
	sums := map[kind]sum{}
	add := func(k kind, bytes int) { sums[k] = sum{sums[k].count + 1, sums[k].bytes + bytes} }
	a.mu.Lock()
	for b, l := range a.loans {
		if l.arena == nil {
			add(kind{"blocks", l.site, 0}, len(b.Bytes))
		}
	}
	for s := range a.arenas {
		for i := range s.taken {
			add(kind{"allocations", s.taken[i].site, s.request}, s.taken[i].end-s.taken[i].begin)
		}
	}
	a.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(sums), func(x, y kind) int {
		return cmp.Or(-cmp.Compare(sums[x].bytes, sums[y].bytes),
			strings.Compare(x.site.String(), y.site.String()), cmp.Compare(x.request, y.request))
	})
	var out strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&out, "%d %s, %d bytes, request %d: %s\n", sums[k].count, k.what,
			sums[k].bytes, k.request, k.site)
	}
	return out.String()
}
