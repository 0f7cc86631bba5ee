package http1_test

import (
	"bytes"
	"errors"
	"math/rand/v2"

	"flashstore/netloop"
	"flashstore/netloop/http1"
	"flashstore/netloop/netlooptest"
)

func limits() http1.Limits { l := netloop.DefaultLimits(); return parserLimits(&l) }

func parserLimits(l *netloop.Limits) http1.Limits {
	return http1.Limits{HeadBytes: l.HeadBytesMax, TargetBytes: l.TargetBytesMax,
		Fields: l.HeaderCountMax, TrailerBytes: l.TrailerBytesMax}
}

// arrival says how many of all bytes have come after there were have.
type arrival func(have, all int) int

func atOnce(_, all int) int { return all }

func byteByByte(have, _ int) int { return have + 1 }

func inPieces(seed uint64) arrival {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(have, all int) int { return have + 1 + random.IntN(all-have) }
}

// reader reads a stream as a server does, with Parser and Chunked.
type reader struct {
	limits  http1.Limits
	arrive  arrival
	stream  []byte
	used    int // by what is complete
	visible int // has come
}

func read(stream string, l *netloop.Limits, arrive arrival) netlooptest.Reading {
	r := reader{limits: parserLimits(l), arrive: arrive, stream: []byte(stream)}
	var reading netlooptest.Reading
	p := http1.NewParser(r.limits)
	for r.used < len(r.stream) {
		m, err := r.head(p)
		if m == nil {
			reading.Status = status(err)
			return reading
		}
		whole := false
		if m.Length < 0 {
			m.Body, whole, err = r.chunkedBody()
		} else if whole = m.Length <= int64(len(r.stream)-r.used); whole {
			m.Body = string(r.stream[r.used:][:m.Length])
			r.used += int(m.Length)
			r.visible = max(r.visible, r.used)
		}
		if !whole {
			m.Body = ""
			reading.Begun, reading.Status = m, min(status(err), 400) // the handler's answer
			return reading
		}
		reading.Messages = append(reading.Messages, *m)
		reading.Used = r.used
		if m.Close {
			return reading
		}
	}
	return reading
}

// more lets more bytes come and reports whether there are any.
func (r *reader) more() bool {
	if r.visible == len(r.stream) {
		return false
	}
	r.visible = r.arrive(r.visible, len(r.stream))
	return true
}

func (r *reader) head(p *http1.Parser) (*netlooptest.Message, error) {
	p.Reset()
	for {
		buf := bytes.Clone(r.stream[r.used:r.visible]) // it may move meanwhile
		n, err := p.Parse(buf)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			r.used += n
			return message(p, buf[:n]), nil
		}
		if !r.more() {
			return nil, nil
		}
	}
}

func (r *reader) chunkedBody() (data string, whole bool, err error) {
	var c http1.Chunked
	c.Reset(r.limits.TrailerBytes)
	for !c.Done() {
		if r.used == r.visible && !r.more() {
			return data, false, nil
		}
		in := r.stream[r.used:r.visible]
		n := int(min(c.Left(), int64(len(in))))
		if n > 0 {
			data += string(in[:n])
			c.Took(n)
		} else if n, err = c.Framing(in); err != nil {
			return data, false, err
		}
		r.used += n
	}
	return data, true, nil
}

func status(err error) int {
	var refusal *http1.Refusal
	if errors.As(err, &refusal) {
		return refusal.Status
	}
	return 0
}

func message(p *http1.Parser, head []byte) *netlooptest.Message {
	h := p.Head()
	m := &netlooptest.Message{Method: string(h.Method.Of(head)), Target: string(h.Target.Of(head)),
		Host: string(h.Host.Of(head)), Minor: h.Minor, Length: h.ContentLength,
		Close: !h.KeepAlive, Continue: h.Continue}
	if m.Target == "" {
		m.Target = "/"
	}
	for _, f := range p.AppendFields(nil, head) {
		m.Fields = append(m.Fields, [2]string{string(f.Name), string(f.Value)})
	}
	return m
}
