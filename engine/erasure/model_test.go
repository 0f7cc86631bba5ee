package erasure

import (
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/erasure/model"
)

// reading is what answers are said to mean. There are millions: they are compared, not written.
type reading struct {
	outcome string
	write   int // -1: of none
	ignored bool
}

// TestTwoReadings: judge and the model, which were written apart, agree on every combination of
// answers about two writes.
func TestTwoReadings(t *testing.T) {
	const none = -1
	sayings := everySaying()
	answering := [4][]answer{} // the same, by which writes are tombstones
	for purges := range answering {
		for _, said := range sayings {
			answering[purges] = append(answering[purges], answerOf(said, uint8(purges)))
		}
	}
	for _, run := range []struct{ n, k, w int }{{2, 1, 2}, {3, 2, 2}, {4, 2, 3}} {
		c := model.Config{Drives: run.n, Data: run.k, Quorum: run.w}
		said := make([]model.Said, run.n)
		answers := make([]answer, run.n)
		cases := 1
		for range run.n {
			cases *= len(sayings)
		}
		for n := range cases * 4 {
			purges := uint8(n % 4)
			for i, rest := 0, n/4; i < run.n; i++ {
				said[i] = sayings[rest%len(sayings)]
				answers[i] = answering[purges][rest%len(sayings)]
				rest /= len(sayings)
			}
			text, id, ignored := c.Judge(said, purges)
			v := judge(answers, quorum{run.k, run.w})
			have := reading{[...]string{absent: "absent", served: "served", decideFirst: "decide first",
				unavailable: "unavailable"}[v.outcome], none, v.ignored}
			if v.write != nil {
				have.write = int(v.write.id[0])
			}
			want := reading{text, none, ignored}
			if text == "served" || text == "decide first" {
				want.write = id
			}
			if have != want {
				t.Fatalf("%d drives, tombstones %b, %+v: judge says %+v, the model %+v", run.n, purges,
					said, have, want)
			}
		}
	}
}

// everySaying is all that a drive can say of two writes.
func everySaying() []model.Said {
	all := []model.Said{{}}
	for have := range uint8(4) {
		for settled := range uint8(4) {
			if settled&^have != 0 {
				continue
			}
			for mark := range uint8(3) {
				all = append(all, model.Said{Given: true, Have: have, Settled: settled, Mark: mark})
			}
		}
	}
	return all
}

func answerOf(said model.Said, purges uint8) answer {
	a := answer{answered: said.Given}
	if said.Mark > 0 {
		a.mark = drive.Order{Term: 1, Sequence: uint64(said.Mark) + 1}
	}
	for id := range uint8(2) {
		if said.Have>>id&1 == 0 {
			continue
		}
		e := drive.Entry{Settled: said.Settled>>id&1 != 0}
		e.WriteID, e.Order = drive.WriteID{id}, drive.Order{Term: 1, Sequence: uint64(id) + 1}
		if e.Type, e.ShardBytes = drive.TypePut, 1; purges>>id&1 != 0 {
			e.Type, e.ShardBytes = drive.TypePurge, 0
		}
		a.state.Entries = append(a.state.Entries, e)
	}
	return a
}
