package engine

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"flashstore/engine/config"
)

// drivesShare is the part of the file descriptors that is kept from clients: a drive has one open
// for each segment that is read, and a write that finds none is refused.
const drivesShare = 2

// limitConnections lowers connections_max to what RLIMIT_NOFILE allows, beside the drives. The
// runtime has raised the soft limit to the hard one.
func limitConnections(c *config.Config, log *slog.Logger) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	if most := limit.Cur / drivesShare; uint64(c.Limits.ConnectionsMax) > most {
		log.Warn("fewer connections than connections_max: raise the limit of open files "+
			"(ulimit -n, LimitNOFILE)", "connections_max", c.Limits.ConnectionsMax,
			"connections", most, "open_files", limit.Cur)
		c.Limits.ConnectionsMax = int(most)
	}
}
