package config

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// setting is one key: how it is set from text and shown as text.
type setting struct {
	key    string
	usage  string
	secret bool // not a flag, never printed
	list   bool // takes several values
	toggle bool // a flag without a value means true
	set    func(c *Config, values []string) error
	get    func(c *Config) []string
}

func (s *setting) flag() string { return strings.ReplaceAll(s.key, "_", "-") }

// settings is the table of all keys.
func settings() []setting {
	table := []setting{
		text("address", "`HOST:PORT` to listen on; port 0 picks a free one",
			func(c *Config) *string { return &c.Address }),
		{key: "drives", list: true,
			usage: "`DIRS` to store in: an ellipsis ('/data/d{1...4}'), a comma list, or repeated",
			set:   setDrives, get: func(c *Config) []string { return c.Drives }},
		{key: "parity", usage: "drives `N` that may be lost; default by the number of drives",
			set: setParity, get: getParity},
	}
	for _, axis := range Axes() {
		table = append(table, axisSetting(axis))
	}
	table = append(table, limitSettings()...)
	return append(table,
		text("region", "`NAME` of the region clients sign for",
			func(c *Config) *string { return &c.Region }),
		setting{key: "domain", list: true, usage: "`NAME` for virtual-host style; repeatable",
			set: func(c *Config, v []string) error { c.Domains = split(v); return nil },
			get: func(c *Config) []string { return c.Domains }},
		text("certs_dir", "`DIR` of public.crt and private.key: HTTPS; read again when they change",
			func(c *Config) *string { return &c.CertsDir }),
		setting{key: "metrics_public", toggle: true, usage: "serve metrics without a token",
			set: parsed(strconv.ParseBool, func(c *Config) *bool { return &c.MetricsPublic }),
			get: shown(func(c *Config) any { return c.MetricsPublic })},
		secret("metrics_token", func(c *Config) *string { return &c.MetricsToken }),
		setting{key: "shutdown_grace", usage: "`TIME` for requests in flight to end at a stop",
			set: parsed(time.ParseDuration,
				func(c *Config) *time.Duration { return &c.ShutdownGrace }),
			get: shown(func(c *Config) any { return c.ShutdownGrace })},
		setting{key: "loops", usage: "`N` event loops; 0: one per core",
			set: parsed(natural, func(c *Config) *int { return &c.Loops }),
			get: shown(func(c *Config) any { return c.Loops })},
		setting{key: "workers", usage: "`N` goroutines for what may block; 0: default",
			set: parsed(natural, func(c *Config) *int { return &c.Workers }),
			get: shown(func(c *Config) any { return c.Workers })},
		setting{key: "memory_budget", usage: "`SIZE` of request memory, as in 512MiB; 0: 384MiB " +
			"(arena), no limit (syncpool, heap)",
			set: parsed(parseBytes, func(c *Config) *int64 { return &c.MemoryBudget }),
			get: shown(func(c *Config) any { return c.MemoryBudget })},
		setting{key: "log_segment", usage: "`SIZE` of a drive's log segment (64MiB); 0: default",
			set: parsed(parseBytes, func(c *Config) *int64 { return &c.LogSegment }),
			get: shown(func(c *Config) any { return c.LogSegment })},
		setting{key: "auto_adopt", toggle: true, usage: "make an empty directory in the place of a " +
			"drive that is gone the drive there, and heal it",
			set: parsed(strconv.ParseBool, func(c *Config) *bool { return &c.AutoAdopt }),
			get: shown(func(c *Config) any { return c.AutoAdopt })},
		setting{key: "heal_rate", usage: "`SIZE` that healing writes a second in each set; 0: no limit",
			set: parsed(parseBytes, func(c *Config) *int64 { return &c.HealRate }),
			get: shown(func(c *Config) any { return c.HealRate })},
		setting{key: "scrub_period", usage: "`TIME` in which every shard is read once; 0: never",
			set: parsed(time.ParseDuration,
				func(c *Config) *time.Duration { return &c.ScrubPeriod }),
			get: shown(func(c *Config) any { return c.ScrubPeriod })},
		setting{key: "log_level", usage: "`LEVEL`: debug, info, warn or error",
			set: setLevel, get: func(c *Config) []string { return []string{c.LogLevel} }},
		secret("root_user", func(c *Config) *string { return &c.RootUser }),
		secret("root_password", func(c *Config) *string { return &c.RootPassword }),
	)
}

func text(key, usage string, field func(*Config) *string) setting {
	return setting{key: key, usage: usage,
		set: func(c *Config, v []string) error { *field(c) = v[len(v)-1]; return nil },
		get: func(c *Config) []string { return []string{*field(c)} }}
}

func secret(key string, field func(*Config) *string) setting {
	s := text(key, "", field)
	s.secret = true
	return s
}

func axisSetting(axis Axis) setting {
	field := map[string]func(*Config) *string{
		"netloop":    func(c *Config) *string { return &c.Netloop },
		"allocator":  func(c *Config) *string { return &c.Allocator },
		"ioengine":   func(c *Config) *string { return &c.IOEngine },
		"simd":       func(c *Config) *string { return &c.SIMD },
		"durability": func(c *Config) *string { return &c.Durability },
		"checksum":   func(c *Config) *string { return &c.Checksum },
		"etag":       func(c *Config) *string { return &c.ETag },
	}[axis.Key]
	return text(axis.Key, "one `OF` "+axis.list(), field)
}

// parsed makes a setter from a parser; the last value given counts.
func parsed[T any](parse func(string) (T, error),
	field func(*Config) *T) func(*Config, []string) error {
	return func(c *Config, v []string) error {
		value, err := parse(v[len(v)-1])
		if err != nil {
			return fmt.Errorf("%q: %w", v[len(v)-1], err)
		}
		*field(c) = value
		return nil
	}
}

func shown(value func(*Config) any) func(*Config) []string {
	return func(c *Config) []string { return []string{fmt.Sprint(value(c))} }
}

func setDrives(c *Config, values []string) error {
	dirs, err := ExpandDirs(split(values))
	c.Drives = dirs
	return err
}

func setParity(c *Config, values []string) error {
	last := values[len(values)-1]
	if last == "default" {
		c.Parity = ParityDefault
		return nil
	}
	return parsed(natural, func(c *Config) *int { return &c.Parity })(c, values)
}

func getParity(c *Config) []string {
	if c.Parity == ParityDefault {
		return []string{"default"}
	}
	return []string{strconv.Itoa(c.Parity)}
}

func setLevel(c *Config, values []string) error {
	var level slog.Level
	c.LogLevel = values[len(values)-1]
	return level.UnmarshalText([]byte(c.LogLevel))
}

// split takes comma lists apart.
func split(values []string) (all []string) {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

func natural(s string) (int, error) { return whole(0, numberMax)(s) }

const numberMax = 1<<20 - 1

// whole reads a whole number within bounds.
func whole(least, most int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.ParseUint(s, 10, 20)
		if err != nil || int(n) < least || int(n) > most {
			return 0, fmt.Errorf("a whole number from %d to %d is wanted", least, most)
		}
		return int(n), nil
	}
}

// parseBytes reads "4096", "64KiB", "512MiB" or "2GiB".
func parseBytes(s string) (int64, error) {
	shift, digits := 0, s
	for unit, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if cut, ok := strings.CutSuffix(s, unit); ok {
			shift, digits = bits, cut
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 30)
	if err != nil {
		return 0, fmt.Errorf("a size such as 4096, 64KiB, 512MiB or 2GiB is wanted")
	}
	return int64(n) << shift, nil
}
