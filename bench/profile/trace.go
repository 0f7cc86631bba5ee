package profile

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// lineBytesMax bounds a line of a tracer.
const lineBytesMax = 1 << 20

// Calls counts system calls by name in the output of strace -f.
func Calls(r io.Reader) (map[string]int, error) {
	out := map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), lineBytesMax)
	for lines.Scan() {
		_, call, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		name, _, ok := strings.Cut(strings.TrimSpace(call), "(")
		if ok && word(name) { // the second half of a call, signals and exits are none
			out[name]++
		}
	}
	return out, lines.Err()
}

func word(name string) bool {
	for _, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Counters reads the output of perf stat -x ';', by names with their units, where they have one:
// "task-clock, µs". What the machine does not count is left out.
func Counters(r io.Reader) (map[string]float64, error) {
	out := map[string]float64{}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), lineBytesMax)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ";")
		if len(fields) < 3 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
			name, _, _ := strings.Cut(fields[2], ":")
			switch unit := fields[1]; unit {
			case "":
			case "msec": // as all times here
				name, v = name+", µs", 1000*v
			default:
				name += ", " + unit
			}
			out[name] = v
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("perf stat: %w", err)
	}
	return out, nil
}
