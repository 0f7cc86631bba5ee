package warp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// ErrInvalid is wrapped by every error about a record of operations that cannot be counted.
var ErrInvalid = errors.New("invalid warp data")

// Operation is one request as the client saw it.
type Operation struct {
	Kind      string // GET, PUT, STAT, DELETE
	Bytes     int64
	Start     time.Time
	FirstByte time.Time // zero unless there is one: GET only
	End       time.Time
}

// linesMax and lineBytesMax bound a file: an hour at 100,000 operations a second is far below.
const (
	linesMax     = 1 << 30
	lineBytesMax = 64 << 10
)

// ReadFile reads X.csv.zst. All errors but those of opening it wrap ErrInvalid.
func ReadFile(path string) ([]Operation, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: warp left no data: %w", ErrInvalid, err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, path, err)
	}
	defer plain.Close()
	operations, err := Read(plain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return operations, nil
}

// columns are the places of the fields in use; warp versions differ in the others.
type columns struct {
	kind, bytes, failure, start, first, end int
	count                                   int
}

// Read reads tab-separated operations: a line of names first, the command line as a comment last.
// Without that last line the file is truncated. Errors wrap ErrInvalid.
func Read(r io.Reader) ([]Operation, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4<<10), lineBytesMax)
	var operations []Operation
	var columns columns
	complete := false
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		var err error
		switch {
		case number == 1:
			columns, err = parseHeader(line)
		case strings.HasPrefix(line, "#"):
			complete = true
		case complete || number > linesMax:
			err = errors.New("lines after the end")
		default:
			var o Operation
			o, err = columns.parse(line)
			operations = append(operations, o)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrInvalid, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: after %d operations: %w", ErrInvalid, len(operations), err)
	}
	if !complete {
		return nil, fmt.Errorf("%w: truncated after %d operations", ErrInvalid, len(operations))
	}
	return operations, nil
}

func parseHeader(line string) (columns, error) {
	place := map[string]int{}
	names := strings.Split(line, "\t")
	for i, name := range names {
		place[name] = i
	}
	for _, name := range []string{"op", "bytes", "error", "start", "first_byte", "end"} {
		if _, ok := place[name]; !ok {
			return columns{}, fmt.Errorf("no column %q in %.100q", name, line)
		}
	}
	return columns{
		kind: place["op"], bytes: place["bytes"], failure: place["error"],
		start: place["start"], first: place["first_byte"], end: place["end"], count: len(names),
	}, nil
}

func (c columns) parse(line string) (o Operation, err error) {
	fields := strings.Split(line, "\t")
	if len(fields) != c.count {
		return o, fmt.Errorf("%d columns instead of %d", len(fields), c.count)
	}
	if failure := fields[c.failure]; failure != "" {
		return o, fmt.Errorf("%s failed: %.200s", fields[c.kind], failure)
	}
	o.Kind = fields[c.kind]
	if o.Bytes, err = strconv.ParseInt(fields[c.bytes], 10, 64); err != nil {
		return o, err
	}
	if o.Start, err = time.Parse(time.RFC3339Nano, fields[c.start]); err != nil {
		return o, err
	}
	if o.End, err = time.Parse(time.RFC3339Nano, fields[c.end]); err != nil {
		return o, err
	}
	if o.End.Before(o.Start) {
		return o, errors.New("ends before it starts")
	}
	if first := fields[c.first]; first != "" {
		o.FirstByte, err = time.Parse(time.RFC3339Nano, first)
	}
	return o, err
}
