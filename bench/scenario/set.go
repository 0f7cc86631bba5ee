package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Set changes values, as "run.pairs=4" or "netloop=nethttp,epoll" (base first) on the command line
// does, and validates the whole once all are made. An unknown key is an error listing the valid
// ones; after an error nothing is changed.
func (s *Scenario) Set(assignments ...string) error {
	next, err := s.With(assignments...)
	if err == nil {
		err = next.Validate()
	}
	if err == nil {
		*s = *next
	}
	return err
}

// With is a copy with other values, which nobody has validated as a whole: it shows what is wanted.
func (s *Scenario) With(assignments ...string) (*Scenario, error) {
	next := *s
	setters := next.setters()
	for _, assignment := range sorted(assignments) {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return nil, fmt.Errorf("%w: %q: want key=value", ErrInvalid, assignment)
		}
		set, ok := setters[key]
		if !ok {
			return nil, fmt.Errorf("%w: unknown key %q; valid keys: %s", ErrInvalid, key,
				strings.Join(slices.Sorted(maps.Keys(setters)), ", "))
		}
		if err := set(value); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, key, err)
		}
	}
	return &next, nil
}

// sorted puts a duration first, and then a design, which brings a slice and trims of its own: they
// are of that duration, and whoever names them with the design means those of the new one.
func sorted(assignments []string) []string {
	place := func(assignment string) int {
		switch key, _, _ := strings.Cut(assignment, "="); key {
		case "run.duration":
			return 0
		case "run.design":
			return 1
		}
		return 2
	}
	return slices.SortedStableFunc(slices.Values(assignments), func(a, b string) int {
		return place(a) - place(b)
	})
}

// MatrixKeys are the keys of Set that say what is compared.
func MatrixKeys() (keys []string) {
	for _, axis := range Axes() {
		keys = append(keys, axis.Name)
	}
	return append(keys, "matrix.expand")
}

func (s *Scenario) setters() map[string]func(string) error {
	setters := map[string]func(string) error{
		"workload.obj_size": func(v string) error {
			return s.Workload.ObjSize.UnmarshalText([]byte(v))
		},
		"workload.range_size": func(v string) error {
			return s.Workload.RangeSize.UnmarshalText([]byte(v))
		},
		"workload.driver":          setText(&s.Workload.Driver),
		"workload.op":              setText(&s.Workload.Op),
		"workload.cache":           setText(&s.Workload.Cache),
		"workload.batch":           setInt(&s.Workload.Batch),
		"workload.rate":            setPercent(&s.Workload.Rate),
		"gate.min_effect":          setPercent(&s.Gate.MinEffect),
		"gate.cpu_min_effect":      setPercent(&s.Gate.CPUMinEffect),
		"gate.p99":                 setText(&s.Gate.P99),
		"metrics.primary":          setText(&s.Metrics.Primary),
		"matrix.expand":            setText(&s.Matrix.Expand),
		"run.confirm_pairs":        setInt(&s.Run.ConfirmPairs),
		"workload.objects":         setInt(&s.Workload.Objects),
		"workload.concurrent":      setInt(&s.Workload.Concurrent),
		"workload.payload_signing": setText(&s.Workload.PayloadSigning),
		"run.duration":             setDuration(&s.Run.Duration),
		"run.trim_head":            setDuration(&s.Run.TrimHead),
		"run.trim_tail":            setDuration(&s.Run.TrimTail),
		"run.design":               func(v string) error { s.Run.redesign(v); return nil },
		"run.slice":                setDuration(&s.Run.Slice),
		"run.pairs":                setInt(&s.Run.Pairs),
		"run.seed": func(v string) (err error) {
			s.Run.Seed, err = strconv.ParseUint(v, 10, 64)
			return err
		},
		"server.drives":     setInt(&s.Server.Drives),
		"server.parity":     setInt(&s.Server.Parity),
		"server.lost":       setInt(&s.Server.Lost),
		"server.durability": setText(&s.Server.Durability),
	}
	for _, axis := range Axes() {
		setters[axis.Name] = func(v string) error {
			*s.Matrix.levels(axis.Name) = strings.Split(v, ",")
			return nil
		}
	}
	return setters
}

func setText(field *string) func(string) error {
	return func(v string) error { *field = v; return nil }
}

func setPercent(field *Percent) func(string) error {
	return func(v string) error { return field.UnmarshalText([]byte(v)) }
}

func setInt(field *int) func(string) error {
	return func(v string) (err error) { *field, err = strconv.Atoi(v); return err }
}

func setDuration(field *time.Duration) func(string) error {
	return func(v string) (err error) { *field, err = time.ParseDuration(v); return err }
}
