package config

import (
	"errors"
	"strconv"
	"time"

	"flashstore/netloop"
)

// positiveTime reads a time that is more than none.
func positiveTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = errors.New("a time is wanted that is more than 0, as in 500ms")
	}
	return d, err
}

// limitSettings are what one client, or all of them, may make the server hold.
func limitSettings() []setting {
	upTo := func(most int, key, usage string, field func(*netloop.Limits) *int) setting {
		return setting{key: key, usage: usage,
			set: parsed(whole(1, most), func(c *Config) *int { return field(&c.Limits) }),
			get: func(c *Config) []string { return []string{strconv.Itoa(*field(&c.Limits))} }}
	}
	count := func(key, usage string, field func(*netloop.Limits) *int) setting {
		return upTo(numberMax, key, usage, field)
	}
	wait := func(key, usage string, field func(*netloop.Limits) *time.Duration) setting {
		return setting{key: key, usage: usage,
			set: parsed(positiveTime,
				func(c *Config) *time.Duration { return field(&c.Limits) }),
			get: func(c *Config) []string { return []string{field(&c.Limits).String()} }}
	}
	return []setting{
		count("connections_max", "`N` connections at once, half of the open files allowed at most; more "+
			"are closed",
			func(l *netloop.Limits) *int { return &l.ConnectionsMax }),
		count("connections_per_address", "`N` of them from one IPv4 address or IPv6 /64",
			func(l *netloop.Limits) *int { return &l.ConnectionsPerAddress }),
		wait("head_timeout", "`TIME` for a request's head, or a TLS handshake, to come",
			func(l *netloop.Limits) *time.Duration { return &l.HeadTimeout }),
		wait("idle_timeout", "`TIME` between two requests of a connection",
			func(l *netloop.Limits) *time.Duration { return &l.IdleTimeout }),
		wait("write_timeout", "`TIME` in which a client has to take a byte of its answer",
			func(l *netloop.Limits) *time.Duration { return &l.WriteTimeout }),
		wait("drain_timeout", "`TIME` for the rest of a body that was answered without being read",
			func(l *netloop.Limits) *time.Duration { return &l.DrainTimeout }),
		count("body_rate_min", "`N` bytes per second a body has to come with; 10 s of waiting are free",
			func(l *netloop.Limits) *int { return &l.BodyRateMin }),
		upTo(netloop.HeadBytesCeiling, "head_bytes_max", "`N` bytes of a request's head",
			func(l *netloop.Limits) *int { return &l.HeadBytesMax }),
		count("header_count_max", "`N` header fields of a request",
			func(l *netloop.Limits) *int { return &l.HeaderCountMax }),
		count("queue_max", "`N` requests that wait for a worker; more are answered 503",
			func(l *netloop.Limits) *int { return &l.QueueMax }),
		wait("queue_wait_max", "`TIME` the first of them may wait; until it is served, more are too",
			func(l *netloop.Limits) *time.Duration { return &l.QueueWaitMax }),
	}
}
