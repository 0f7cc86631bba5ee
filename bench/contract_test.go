package bench

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"flashstore/bench/peer"
	"flashstore/bench/target"
)

// What a server syncs once it has answered is no promise, however much it is; ours keeps its own
// through a trace too.
func TestContractIsBeforeTheAnswer(t *testing.T) {
	mustHave(t, "strace")
	t.Parallel()
	const ours = "FLASHSTORE_IOENGINE=threadpool" // what a ring syncs is in no trace
	for name, c := range map[string]struct {
		binary string
		env    []string
		want   peer.Contract
		says   string
	}{
		"syncs":       {os.Getenv("STUB"), []string{"STUB_FAULT=syncs"}, peer.Strict, "2.0 syncs"},
		"syncs later": {os.Getenv("STUB"), []string{"STUB_FAULT=syncs-later"}, peer.Relaxed, "0.0 syncs"},
		"never":       {os.Getenv("STUB"), nil, peer.Relaxed, "0.0 syncs"},
		"ours":        {realServer(t), []string{ours}, peer.Strict, "counted by strace"},
		"ours by net/http": {realServer(t), []string{ours, "FLASHSTORE_NETLOOP=nethttp"}, peer.Strict,
			"counted by strace"},
		"ours relaxed": {realServer(t), []string{ours, "FLASHSTORE_DURABILITY=relaxed"}, peer.Relaxed,
			"0.0 syncs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "schema: 1\nname: traced\nbinary: " + c.binary + "\n" +
				`args: [server, --address, "{address}", --drives, "{drive1}", --parity, "0"]` + "\n" +
				"health: /flashstore/health/ready\ndrives: 1\nparity: 0\nenv:\n" +
				"  - FLASHSTORE_ROOT_USER={access_key}\n  - FLASHSTORE_ROOT_PASSWORD={secret_key}\n"
			for _, variable := range c.env {
				text += "  - " + variable + "\n"
			}
			file, err := peer.Parse("traced.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			workspace, err := target.OpenWorkspace(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			s := &session{workspace: workspace, messages: &said}
			got, err := s.measureContract(t.Context(), target.Config{Binary: file.Binary,
				Foreign: file.Foreign(), Drives: 1})
			if err != nil || got.Contract != c.want || !strings.Contains(fmt.Sprint(got), c.says) {
				t.Errorf("%s, error %v, want %s and %q\n%s", got, err, c.want, c.says, said.String())
			}
			if err := workspace.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
