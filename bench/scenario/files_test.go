package scenario

import (
	"path/filepath"
	"testing"
)

// scenariosMin is what the folder promises at least.
const scenariosMin = 14

// Every file is valid, carries the name of its file, asks a question of its own, and expands.
func TestFolder(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/*.yaml")
	if err != nil || len(files) < scenariosMin {
		t.Fatalf("%d files, want at least %d; error %v", len(files), scenariosMin, err)
	}
	questions := map[string]string{}
	for _, file := range files {
		s, err := Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Name+".yaml" != filepath.Base(file) {
			t.Errorf("%s: name %q", file, s.Name)
		}
		if other := questions[s.Question]; other != "" {
			t.Errorf("%s asks what %s asks", file, other)
		}
		questions[s.Question] = file
		points, err := s.Expand()
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, p := range points {
			if len(p.Comparisons()) == 0 {
				t.Errorf("%s: nothing to compare", p.Name)
			}
		}
	}
}

func TestExpand(t *testing.T) {
	s, err := Load("../../scenarios/inline-straddle.yaml")
	if err != nil {
		t.Fatal(err)
	}
	points, err := s.Expand()
	if err != nil || len(points) != 4 {
		t.Fatalf("%d points, error %v", len(points), err)
	}
	if p := points[2]; p.Name != "inline-straddle-132kib" || p.Workload.ObjSize != 132<<10 ||
		p.Family != "inline-straddle" || s.Workload.ObjSize != 128<<10 {
		t.Errorf("third point: %+v", p)
	}
	s.Sweep = Sweep{Cores: []int{2}}
	if points, err = s.Expand(); err != nil || points[0].Requires.Cores != 4 {
		t.Errorf("two cores of a server want two more for the client: %+v, %v", points, err)
	}
}

func TestMatrixExpansion(t *testing.T) {
	s := defaults()
	s.Matrix = Matrix{Netloop: []string{"nethttp", "netconn", "epoll"},
		Allocator: []string{"heap", "arena"}}
	for expand, want := range map[string][]string{
		"product": {"heap → arena", "nethttp → netconn", "nethttp+heap → netconn+arena",
			"nethttp → epoll", "nethttp+heap → epoll+arena"},
		"each": {"heap → arena", "nethttp → netconn", "nethttp → epoll"},
		"ends": {"nethttp+heap → epoll+arena"},
	} {
		s.Matrix.Expand = expand
		var got []string
		for _, c := range s.Comparisons() {
			got = append(got, varied(c))
		}
		if len(got) != len(want) {
			t.Errorf("%s: %q", expand, got)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %q, want %q", expand, got, want)
				break
			}
		}
	}
}
