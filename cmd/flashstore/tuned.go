package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"flashstore/engine/config"
	"flashstore/machine"
)

// withoutForeignTuning leaves --config out of args where its file was tuned for another machine,
// and says so: the defaults are a better guess than what won elsewhere.
func withoutForeignTuning(args []string, warnings io.Writer) []string {
	at, length, file := configFlag(args)
	if file == "" {
		return args
	}
	line := tunedLine(file)
	if line == "" {
		return args
	}
	was, err := machine.Parse(line)
	reason := ""
	if err != nil {
		reason = "its machine cannot be read: " + err.Error()
	} else {
		reason = was.Differs(machine.Identify(firstDrive(args)))
	}
	if reason == "" {
		return args
	}
	fmt.Fprintf(warnings, "flashstore: warning: %s was tuned for another machine (%s): it is left "+
		"out, defaults are used; flashbench tune makes a new one\n", file, reason)
	return slices.Delete(slices.Clone(args), at, at+length)
}

// configFlag finds the last --config and how many arguments it takes.
func configFlag(args []string) (at, length int, file string) {
	for i, arg := range args {
		name, value, joined := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		switch {
		case name != "config" || !strings.HasPrefix(arg, "-"):
		case joined:
			at, length, file = i, 1, value
		case i+1 < len(args):
			at, length, file = i, 2, args[i+1]
		}
	}
	return at, length, file
}

// tunedLine is the machine of a tuned file, empty for any other. What cannot be read is left to
// whoever reads the settings.
func tunedLine(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), machine.TunedMark); ok {
			return rest
		}
	}
	return ""
}

// firstDrive is a folder on the file system of the drives, as far as flags or the environment tell.
func firstDrive(args []string) string {
	loaded, err := config.Load(args, os.Environ(), io.Discard)
	if err != nil || len(loaded.Drives) == 0 {
		return "."
	}
	dir, err := filepath.Abs(loaded.Drives[0])
	if err != nil {
		return "."
	}
	return dir
}
