package bench

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// told is what a server that is a script notes of its environment, at each start.
const told = `env >>"$0.env"; `

// mustBeTold: each server was told this, and was not told that.
func mustBeTold(t *testing.T, server string, this, that []string) {
	t.Helper()
	got := strings.Split(readText(t, server+".env"), "\n")
	for _, variable := range this {
		if !slices.Contains(got, variable) {
			t.Errorf("%s was not told %s", filepath.Base(server), variable)
		}
	}
	for _, variable := range got {
		if slices.Contains(that, variable) {
			t.Errorf("%s was told %s", filepath.Base(server), variable)
		}
	}
}

// A shell sets no server: what runs are its defaults, and what flags, scenarios and the files of
// peers say. That is said where it would have been heeded.
func TestServersAreToldByUs(t *testing.T) {
	shell := []string{"FLASHSTORE_IOENGINE=threadpool", "FLASHPLANTED=burn=90%", "GOGC=off",
		"GOMEMLIMIT=1GiB", "STUB_FAULT=dies"}
	for _, variable := range shell {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	said := "left out FLASHPLANTED, FLASHSTORE_IOENGINE, "
	p := newPlaceAlone(t, "", "exit 1")
	base, candidate := filepath.Join(filepath.Dir(p.server), "base"),
		filepath.Join(filepath.Dir(p.server), "candidate")
	var out bytes.Buffer
	args := append(p.gateBetween(t, "../scenarios/get-4k.yaml", told, told), light("1")...)
	Main(t.Context(), append(args, "--candidate-env", "FLASHPLANTED=burn=1%", "--candidate-env",
		"FLASHSTORE_ALLOCATOR=heap", "--candidate-env", "GOMAXPROCS=1"), &out, &out)
	mustBeTold(t, base, nil, append(shell, "FLASHPLANTED=burn=1%", "FLASHSTORE_ALLOCATOR=heap"))
	mustBeTold(t, candidate, []string{"FLASHPLANTED=burn=1%", "FLASHSTORE_ALLOCATOR=heap",
		"GOMAXPROCS=1"}, shell)
	if strings.Count(out.String(), said) != 1 || strings.Contains(out.String(), "STUB_FAULT") {
		t.Errorf("it is not said once what is left out:\n%s", out.String())
	}

	// Levels of an axis that is a variable, and nothing of the shell beside them.
	Main(t.Context(), append(p.lightArgs("run", light("1")...), "--server", candidate, "--set",
		"netloop=epoll", "--set", "gogc=100,400"), &out, &out)
	mustBeTold(t, candidate, []string{"GOGC=100"}, shell)

	// Of a peer nobody knows what it heeds.
	file := p.writePeer(t, "")
	server := filepath.Join(filepath.Dir(p.server), "peer-server")
	writeProgram(t, server, "#!/bin/sh\n"+told+"exit 1\n")
	writeProgram(t, file, readText(t, file)+"env: [GOGC=50, FLASHSTORE_REGION=r]\n")
	out.Reset()
	Main(t.Context(), append([]string{"peer", file}, p.lightArgs("", light("1")...)[1:]...), &out, &out)
	mustBeTold(t, server, []string{"GOGC=50", "FLASHSTORE_REGION=r"}, shell)
	if !strings.Contains(out.String(), "STUB_FAULT") {
		t.Errorf("it is not said what a peer does not get:\n%s", out.String())
	}
}
