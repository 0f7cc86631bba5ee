package gate

// Inexact says why a count of a kind of request decides nothing: it depends on how fast server and
// machine are, so that it may differ where nothing but speed does. Empty: it is exact, within the
// tolerances of CompareCounts. docs/request-cost.md has the figures, and "~" at the same ones.
func Inexact(request, count string) string {
	switch count {
	case "epoll_waits":
		return "how often a loop sleeps depends on time"
	case "io_enters":
		return "how many operations one call begins and ends depends on time"
	case "heap_objects":
		return "when timers fire, and pools are emptied and filled again, depends on time"
	}
	switch (kind{request, count}) {
	case kind{"PUT 4 KiB", "drive_bytes_written"}:
		return "log segments are made ahead, in the background"
	case kind{"PUT 1 MiB", "drive_bytes_written"}:
		return "log segments are made ahead, in the background, and a settle may be written alone"
	case kind{"PUT 1 MiB", "synced_writes"}:
		return "a settle that waits for longer than 100 ms for the next write is written alone"
	case kind{"PUT 1 MiB", "socket_reads"}:
		return "how much of a body a read finds depends on time"
	case kind{"PUT 1 MiB", "copied_bytes"}:
		return "what is left of a block where a read ends within it depends on time"
	}
	return ""
}

// kind of count.
type kind struct{ request, count string }

// Decide says whether any of the counts of a kind of request is exact.
func (c Counts) Decide(request string) bool {
	for name := range c {
		if Inexact(request, name) == "" {
			return true
		}
	}
	return false
}
