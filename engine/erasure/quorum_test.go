package erasure

import (
	"testing"

	"flashstore/engine/drive"
)

// cell describes one drive's answer in a row of the table below: "-" did not answer, "." has
// nothing, otherwise letters name writes, later letters are newer, upper case is settled.
func gather(row string) []answer {
	answers := make([]answer, 0, len(row))
	cell := func(s string) answer {
		if s == "-" {
			return answer{}
		}
		a := answer{answered: true}
		for i := len(s) - 1; i >= 0; i-- {
			if s[i] == '.' {
				continue
			}
			low := s[i] | 0x20
			e := drive.Entry{Settled: s[i] != low}
			e.Type, e.ShardBytes = drive.TypePut, 64
			if low >= 'p' { // p…z are tombstones: whole on every drive
				e.Type, e.ShardBytes = drive.TypePurge, 0
			}
			e.WriteID, e.Order = drive.WriteID{low}, drive.Order{Term: 1, Sequence: uint64(low)}
			a.state.Entries = append(a.state.Entries, e)
		}
		return a
	}
	start := 0
	for i := 0; i <= len(row); i++ {
		if i == len(row) || row[i] == ' ' {
			answers = append(answers, cell(row[start:i]))
			start = i + 1
		}
	}
	return answers
}

// The rows are drives of a 2+2 set: k = 2, w = 3.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		why, row string
		want     outcome
		write    byte
		ignored  bool
	}{
		{"all hold it, settled", "A A A A", served, 'a', false},
		{"at the write quorum, not settled", "a a a .", served, 'a', false},
		{"settled, m drives away", "A A - -", served, 'a', false},
		{"one settle is enough", "A a - -", served, 'a', false},
		{"nothing anywhere", ". . . .", absent, 0, false},
		{"nothing, and fewer than w silent", ". . - -", absent, 0, false},
		{"nothing, but w drives are silent", ". - - -", unavailable, 0, false},
		{"k copies, no settle: decide", "a a . .", decideFirst, 'a', false},
		{"k copies, no settle, drives away", "a a - -", decideFirst, 'a', false},
		{"a minority's newer write is passed over", "Ab A A A", served, 'a', true},
		{"a minority's newer write with drives away may be acknowledged", "Ab A - -",
			unavailable, 0, false},
		{"one copy and one silent drive cannot make a quorum", "Ab A A -", served, 'a', true},
		{"settled, too few shards answer", "A - - -", unavailable, 0, false},
		{"settled, shards lost: 503, never an older version", "aB a a .", unavailable, 0, false},
		{"newer at quorum above older settled", "Ab Ab Ab A", served, 'b', false},
		{"a drive that missed the newer write", "B B B A", served, 'b', false},
		{"settled tombstone: one copy says absent", "aP a - -", served, 'p', false},
		{"settled tombstone, and w drives silent", "P - - -", unavailable, 0, false},
		{"settled tombstone, fewer silent", "P . - -", served, 'p', false},
		{"unsettled tombstone of one drive", "ap a a a", served, 'a', true},
		{"unsettled tombstone at quorum", "ap ap ap a", served, 'p', false},
	} {
		v := judge(gather(c.row), quorum{2, 3})
		if v.outcome != c.want || v.ignored != c.ignored {
			t.Errorf("%s (%q): outcome %d, ignored %v; want %d, %v", c.why, c.row, v.outcome,
				v.ignored, c.want, c.ignored)
			continue
		}
		if c.write != 0 && (v.write == nil || v.write.id[0] != c.write) {
			t.Errorf("%s (%q): served %v, want %c", c.why, c.row, v.write, c.write)
		}
	}
}

// A drive below its mark counts with what it holds, and its "not here" for newer orders only.
func TestJudgeMarks(t *testing.T) {
	answers := gather("a a . .")
	answers[2].mark = drive.Order{Term: 2}
	if v := judge(answers, quorum{2, 3}); v.outcome != decideFirst {
		t.Errorf("two copies and a fresh drive: outcome %d", v.outcome)
	}
	answers = gather("ab a a .")
	answers[3].mark = drive.Order{Term: 2}
	if v := judge(answers, quorum{2, 3}); v.outcome != served || !v.ignored {
		t.Errorf("one copy and one fresh drive cannot make a quorum: %+v", v)
	}
	answers[2].mark = drive.Order{Term: 2}
	if v := judge(answers, quorum{2, 3}); v.outcome != unavailable {
		t.Errorf("one copy and two fresh drives can: %+v", v)
	}
	answers = gather("P . - -")
	answers[1].mark = drive.Order{Term: 2}
	if v := judge(answers, quorum{2, 3}); v.outcome != unavailable {
		t.Errorf("a settled tombstone, two silent drives and a fresh one: %+v", v)
	}
	answers = gather(". . . .")
	for i := range 3 {
		answers[i].mark = drive.Order{Term: 2}
	}
	if v := judge(answers, quorum{2, 3}); v.outcome != unavailable {
		t.Errorf("blank drives voted absent: %+v", v)
	}
}

func TestQuorums(t *testing.T) {
	for _, c := range []struct{ n, m, w int }{{1, 0, 1}, {2, 1, 2}, {3, 1, 2}, {4, 2, 3},
		{5, 2, 4}, {6, 3, 4}, {7, 3, 5}, {8, 4, 5}, {16, 4, 13}} {
		m := DefaultParity(c.n)
		if w := WriteQuorum(c.n-m, m); m != c.m || w != c.w {
			t.Errorf("%d drives: parity %d, write quorum %d; want %d, %d", c.n, m, w, c.m, c.w)
		}
	}
}

// More parity than data is a layout of the codec, and none of a set.
func TestLayoutOfSet(t *testing.T) {
	for n := 1; n <= 16; n++ {
		for m := range n {
			k := n - m
			_, err := LayoutOf(n, m)
			if sound := k <= 12 && m <= 8 && k+WriteQuorum(k, m) > n; (err == nil) != sound {
				t.Errorf("%d+%d: error %v, sound %v", k, m, err, sound)
			}
		}
	}
}
