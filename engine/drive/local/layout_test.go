package local_test

import (
	"fmt"
	"testing"

	"flashstore/engine/drive"
	"flashstore/engine/drive/local"
)

// TestLayoutOfVersions: a drive stays readable for older versions until it has what they do not know.
func TestLayoutOfVersions(t *testing.T) {
	for _, space := range []drive.Space{drive.SpaceVersion, drive.SpaceHead, drive.SpaceAttributes} {
		t.Run(fmt.Sprint("space ", space), func(t *testing.T) {
			c := config(newEngine(t), t.TempDir()+"/d1")
			must(t, local.Format(c.Engine, c.Path, identity))
			d := open(t, c)
			s := &simulated{history: newHistory(t, 1, d), config: c}
			s.commit(s.put("plain", 100))
			s.pending.Wait()
			if l := s.drive.Info().Identity.Layout; l != 1 {
				t.Fatalf("layout %d without versions", l)
			}
			r := s.record(drive.TypeDocument, s.put("k", 0).Key)
			r.Key.Space, r.Key.Name = space, "k\x00"+fmt.Sprintf("%016d", 1)
			s.commit(r)
			s.pending.Wait()
			for range 2 {
				if l := s.drive.Info().Identity.Layout; l != 4 {
					t.Fatalf("layout %d with one", l)
				}
				s.reopen()
			}
			must(t, s.drive.Close())
		})
	}
}
