package bench

import (
	"bytes"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", exitUsage, "flashbench run"},
		{"--help", exitOK, "flashbench run"},
		{"run --help", exitOK, "-pairs"},
		{"peer --help", exitOK, "flashbench peer [flags] PEER.yaml [SCENARIO.yaml...]"},
		{"version", exitOK, "flashbench, built by go"},
		{"--version", exitOK, "flashbench, built by go"},
		{"version of", exitUsage, `what is "of"?`},
		{"help", exitOK, "flashbench run"},
		{"help run", exitOK, "-pairs"},
		{"help version", exitOK, "usage: flashbench version"},
		{"help gait", exitUsage, `unknown command "gait"`},
		{"gait", exitUsage, `unknown command "gait"; valid: aa, compare, `},
		{"run --nope", exitUsage, "not defined: -nope"},
		{"run --only nope ../scenarios/get-4k.yaml", exitUsage, "there are: get-4k"},
		{"run ../scenarios/get-4k.yaml --set run.pears=1", exitUsage, "valid keys"},
		{"run ../scenarios/get-4k.yaml --set get4k:run.pairs=1", exitUsage, "there are: get-4k"},
		{"run ../scenarios/get-4k.yaml --pairs -1", exitUsage, `value "-1" for flag -pairs: want 1 to 1000`},
		{"run ../scenarios/get-4k.yaml --pairs 0", exitUsage, `value "0" for flag -pairs: want 1 to 1000`},
		{"aa ../scenarios/get-4k.yaml --pairs 1001", exitUsage, "flag -pairs: want 1 to 1000"},
		{"run ../scenarios/get-4k.yaml --pairs many", exitUsage, "flag -pairs: want 1 to 1000"},
		{"run ../scenarios/get-4k.yaml --budget -1s", exitUsage, `value "-1s" for flag -budget: want 0 or`},
		{"run ../scenarios/get-4k.yaml --budget 5", exitUsage, `value "5" for flag -budget: want 0 or`},
		{"run /nonexistent.yaml", exitUsage, "no such file"},
		{"run", exitUsage, "no scenario files"},
		{"run --only get-4k", exitUsage, "no scenario files"},
		{"tune", exitUsage, "no scenario files"},
		{"profile", exitUsage, "no scenario files"},
		{"gate --base /bin/true", exitUsage, "no scenario files"},
		{"run ../scenarios/get-4k.yaml --server /nonexistent", exitUsage, "make build warp"},
		{"run ../scenarios/get-4k.yaml --server ..", exitUsage, ".. is no program"},
		{"gate --base .. ../scenarios/get-4k.yaml", exitUsage, ".. is no program"},
		{"gate --base HEAD~1 ../scenarios/get-4k.yaml", exitUsage, "HEAD~1: no such file or directory; " +
			"--base takes a program, and a revision is compared by make gate BASE=HEAD~1\n"},
		{"crash --server /nonexistent", exitUsage, "make build"},
		{"gate --base /bin/true ../scenarios/get-4k.yaml --set netloop=epoll", exitUsage,
			"--set netloop changes nothing here: a gate runs both programs with their own defaults"},
		{"tune ../scenarios/get-4k.yaml --set get-4k:ioengine=uring", exitUsage, "--axes chooses"},
		{"aa ../scenarios/get-4k.yaml --set matrix.expand=each", exitUsage, "changes nothing here"},
		{"profile --resume", exitUsage, "not defined: -resume"},
		{"profile --pairs 2", exitUsage, "not defined: -pairs"},
		{"profile --budget 1m", exitUsage, "not defined: -budget"},
		{"profile --warp x", exitUsage, "not defined: -warp"},
		{"gate-selftest extra", exitUsage, `what is "extra"?`},
		{"gate-selftest --runs 0", exitUsage, "want 100 or more"},
		{"report --history --benchfmt x", exitUsage, "not of --history"},
		{"compare a b c", exitUsage, "at most two"},
		{"withdraw a get-4k", exitUsage, "withdraw SESSION SCENARIO --reason TEXT"},
		{"withdraw a --reason x", exitUsage, "withdraw SESSION SCENARIO --reason TEXT"},
		{"load --help", exitOK, "-connections"},
		{"load --nope", exitUsage, "not defined: -nope"},
		{"load operand", exitUsage, `what is "operand"?`},
		{"load --sign none --op post", exitUsage, "valid: GET, HEAD, PUT"},
		{"load --sign v2", exitUsage, "valid: presigned, header, unsigned-payload, none"},
		{"load --sign none --url ftp://x/y", exitUsage, "want http://HOST:PORT/BUCKET"},
		{"load --sign none --url http://example.org/y", exitUsage, "not IP:PORT"},
		{"load --sign none --size 4KB", exitUsage, "KiB, MiB or GiB"},
		{"load --sign none --duration 1s", exitUsage, "warm-up of 1s"},
		{"hotpath --help", exitOK, "-matrix"},
		{"hotpath --nope", exitUsage, "not defined: -nope"},
		{"hotpath operand", exitUsage, `what is "operand"?`},
		{"hotpath --only get-4K", exitUsage, "there are: get-4k"},
		{"hotpath --server /nonexistent", exitUsage, "make build"},
	} {
		var out bytes.Buffer
		code := Main(t.Context(), strings.Fields(c.args), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%q: code %d, want %d:\n%s", c.args, code, c.code, out.String())
		}
	}
}
