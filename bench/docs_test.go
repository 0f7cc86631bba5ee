package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"flashstore/bench/host"
)

// Every command line that people are told to type is one: its flags, scenarios, peers and sessions
// exist. Nothing is measured: an interrupt has come before.
func TestCommandsOfDocs(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	lines := map[string][][]string{}
	for _, page := range append(pages, "../README.md", "../peers/README.md") {
		lines[page] = commandsOf(t, page)
	}
	server := realServer(t)
	records, cores := standIn(t), host.Cores()
	for page, commands := range lines {
		for _, words := range commands {
			found[words[0]]++
			if words[0] == "flashstore" {
				help := append(slices.Clone(words[1:]), "--help") // what is wrong before it fails
				if at := slices.IndexFunc(help, filepath.IsAbs); help[0] == "check" && at > 0 {
					help = slices.Insert(help[:len(help)-1], at, "--help") // it takes none behind drives
				}
				if out, err := exec.Command(server, help...).CombinedOutput(); err != nil {
					t.Errorf("%s: %q: %v\n%s", page, words, err, out)
				}
				continue
			}
			if err := dryRun(t, records, words[1:]); err != nil {
				t.Errorf("%s: %q: %v", page, words, err)
			}
		}
	}
	if now := host.Cores(); now != cores { // the tests that follow would have that few
		t.Errorf("%d cores of %d are left: a command has bound this process", now, cores)
	}
	if found["flashbench"] < 25 || found["flashstore"] < 8 {
		t.Errorf("found %v", found)
	}
}

// What a verb of the Makefile asks of flashbench, flashbench can do.
func TestCommandsOfMakefile(t *testing.T) {
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	records, found := standIn(t), 0
	recipes := regexp.MustCompile(`\$\([A-Z]+\)`).ReplaceAllString(string(text), "")
	for line := range strings.Lines(strings.ReplaceAll(recipes, "\\\n", " ")) {
		words := wordsOf(line)
		if words == nil || words[0] != "flashbench" {
			continue
		}
		found++
		if err := dryRun(t, records, words[1:]); err != nil {
			t.Errorf("%q: %v", words, err)
		}
	}
	if found < 6 {
		t.Errorf("found %d", found)
	}
}

// What the workflow asks of a gate, a gate can do.
func TestCommandsOfWorkflow(t *testing.T) {
	steps := []string{workflowStep(t, "--timing=false"), workflowStep(t, "--counts=false")}
	records := standIn(t)
	for _, step := range steps {
		step, _, _ = strings.Cut(step[strings.Index(step, "tools/gate.sh"):], "||")
		if err := dryRun(t, records, wordsOf(step)[1:]); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
}

// What is wrong in a line is found.
func TestDryRun(t *testing.T) {
	records := standIn(t)
	for line, want := range map[string]string{
		"bin/flashbench run --only get-4k":                    "",
		"bin/flashbench rum":                                  "no such command",
		"bin/flashbench run --onyl get-4k":                    "not defined: -onyl",
		"bin/flashbench run --only get-4K":                    `no scenario "get-4K"`,
		"bin/flashbench run --set run.pears=4":                "valid keys",
		"bin/flashbench peer peers/none.yaml":                 "no such file",
		"bin/flashbench report 20261129T142027Z-none":         "20261129T142027Z-none",
		"bin/flashbench hotpath --only get-4K":                "there are: get-4k",
		"flashbench load --url 127.0.0.1:9000/my-bucket":      "127.0.0.1:9000",
		"tools/gate.sh origin/main --junit a.xml --mark down": "not defined: -mark",
	} {
		err := dryRun(t, records, wordsOf(line)[1:])
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

// commandsOf are the command lines of a page, each as its words: lines of its blocks of code, and
// code in its text unless a word stands for something, as SESSION does.
func commandsOf(t *testing.T, page string) (commands [][]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	standsFor := regexp.MustCompile(`(^| )[A-Z]{2,}|…`)
	for i, part := range strings.Split(string(text), "```") {
		if i%2 == 1 {
			lines = append(lines, strings.Split(strings.ReplaceAll(part, "\\\n", " "), "\n")...)
			continue
		}
		for j, code := range strings.Split(part, "`") {
			code = strings.ReplaceAll(code, "\n", " ")
			switch {
			case j%2 == 0 || standsFor.MatchString(code):
			case len(strings.Fields(code)) == 2: // it speaks of the command
				lines = append(lines, code+" --help")
			default:
				lines = append(lines, code)
			}
		}
	}
	for _, line := range lines {
		if words := wordsOf(line); words != nil {
			commands = append(commands, words)
		}
	}
	return commands
}

// wordsOf are the words of a line that calls one of our programs, nil of another line. tools/gate.sh
// calls flashbench with a base that it has built.
func wordsOf(line string) []string {
	line, _, _ = strings.Cut(line, " #")
	words := strings.Fields(line)
	for i, word := range words {
		words[i] = strings.Trim(word, `"'`)
	}
	switch {
	case len(words) < 2:
		return nil
	case words[0] == "tools/gate.sh":
		return append([]string{"flashbench", "gate", "--base", "bin/flashstore"}, words[2:]...)
	}
	words[0] = strings.TrimPrefix(words[0], "bin/")
	if words[0] != "flashbench" && words[0] != "flashstore" {
		return nil
	}
	return words
}

// standIn goes to a folder that looks like the repository where everything is built, with programs
// that do nothing, and says where the repository's records are.
func standIn(t *testing.T) (records string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("BENCH_DIR", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for _, folder := range []string{"scenarios", "peers", "docs"} {
		// Copies: gate-selftest writes into a page of docs.
		if err := os.CopyFS(folder, os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("bin", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"bin/flashstore", "bin/flashstore-planted", "bin/warp", "minio"} {
		writeProgram(t, program, "#!/bin/sh\n")
	}
	return filepath.Join(root, recordFile)
}

// dryRun carries a command out that is interrupted before it begins. What only reads has the records
// of the repository, all else has none, and no session to resume.
func dryRun(t *testing.T, records string, args []string) error {
	t.Helper()
	c, ok := commands()[args[0]]
	if !ok {
		return errors.New("no such command")
	}
	if err := os.RemoveAll("results"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if args[0] != "report" && args[0] != "compare" {
		if err := c.run(ctx, args[1:], &out, &out); errors.Is(err, errUsage) {
			return err
		}
		return nil
	}
	text, err := os.ReadFile(records)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(recordFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return c.run(ctx, args[1:], &out, &out)
}
