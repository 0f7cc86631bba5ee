package hotpath

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"flashstore/bench/process"
	"flashstore/bench/report"
)

// wrkScript makes wrk walk through the targets, whose requests are made before it starts.
const wrkScript = `local targets = {
%s}
local requests, at = {}, 0
init = function()
  for i, target in ipairs(targets) do requests[i] = wrk.format("GET", target) end
end
request = function()
  at = at %% #requests + 1
  return requests[at]
end
`

// wrkSlack is what wrk may take beyond its duration.
const wrkSlack = 5 * time.Second

// wrk is the same closed loop by a generator that others know.
func (b *bench) wrk(ctx context.Context, s *side, ours bool) (string, error) {
	log := filepath.Join(b.workspace.Path(), "wrk.log")
	if err := os.RemoveAll(log); err != nil {
		return "", err
	}
	script, err := b.writeWrkScript(s)
	if err != nil {
		return "", err
	}
	seconds := int(math.Ceil(b.config.Leg.Seconds()))
	p, err := process.Start(process.Spec{Path: b.config.Wrk, Cores: b.client, Log: log,
		Args: []string{"-t1", fmt.Sprintf("-c%d", b.config.Connections), fmt.Sprintf("-d%ds", seconds),
			"-s", script, "http://" + s.address}})
	if err != nil {
		return "", err
	}
	defer p.Kill()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+wrkSlack)
	defer cancel()
	select {
	case <-p.Done():
	case <-ctx.Done():
		return "", fmt.Errorf("wrk: %w", context.Cause(ctx))
	}
	if err := p.Wait(); err != nil {
		return "", err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	perSecond, err := parseWrk(string(text))
	if err != nil {
		return "", fmt.Errorf("%w: %s: wrk: %w", ErrInvalid, s.name, err)
	}
	b.row(RowWrk).add(ours, perSecond, 0)
	return fmt.Sprintf("%9s/s", report.Number(perSecond)), nil
}

func (b *bench) writeWrkScript(s *side) (string, error) {
	var targets strings.Builder
	for _, o := range b.small {
		path := o.Path
		if s.signer != nil {
			path = s.signer.Presign(http.MethodGet, s.address, path, time.Now(), time.Hour)
		}
		fmt.Fprintf(&targets, "  %q,\n", path)
	}
	file := filepath.Join(b.workspace.Path(), "wrk.lua")
	return file, os.WriteFile(file, fmt.Appendf(nil, wrkScript, &targets), 0o600)
}

// parseWrk reads requests per second from what wrk prints; errors that it counts are errors.
func parseWrk(text string) (perSecond float64, err error) {
	for _, complaint := range []string{"Socket errors:", "Non-2xx or 3xx responses:"} {
		if _, after, found := strings.Cut(text, complaint); found {
			line, _, _ := strings.Cut(after, "\n")
			return 0, errors.New(complaint + line)
		}
	}
	found := regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`).FindStringSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no figure in %.500q", text)
	}
	return strconv.ParseFloat(found[1], 64)
}
