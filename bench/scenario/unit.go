package scenario

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is a size; in text a whole number with B, KiB, MiB, GiB or nothing after it.
type Bytes int64

// UnmarshalText reads "4KiB".
func (b *Bytes) UnmarshalText(text []byte) error {
	digits, unit := strings.TrimSpace(string(text)), int64(1)
	for _, u := range byteUnits() {
		if rest, ok := strings.CutSuffix(digits, u.suffix); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return fmt.Errorf("size %q: want a whole number with B, KiB, MiB or GiB", text)
	}
	*b = Bytes(n * unit)
	return nil
}

// String writes the largest unit that divides b.
func (b Bytes) String() string {
	for _, u := range byteUnits() {
		if b != 0 && int64(b)%u.bytes == 0 {
			return strconv.FormatInt(int64(b)/u.bytes, 10) + u.suffix
		}
	}
	return "0B"
}

type byteUnit struct {
	suffix string
	bytes  int64
}

func byteUnits() [4]byteUnit {
	return [4]byteUnit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

// Percent is a share in hundredths; in text a number followed by %.
type Percent float64

// UnmarshalText reads "3%".
func (p *Percent) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		return fmt.Errorf("%q: want a percentage between 0%% and 100%%", text)
	}
	*p = Percent(v)
	return nil
}
