package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
)

var writeClientsFlag = flag.Bool("e2e.writeclients", false,
	"write what each client did into docs/s3-clients.md")

// clientsPage lets the tests of clients, which run side by side, write one after the other.
var clientsPage sync.Mutex

// clientsPageHead begins docs/s3-clients.md; the rows of the table are written by the tests.
const clientsPageHead = `# Clients that are tried

Each row is written by a test in which the client did what the row says, against the real server
on four drives. CI runs them again with the versions that it finds: what a row says must be what
the test does. Where a client is missing its test is skipped, and says so.

    go test ./e2e -run 'CommandLine|S3cmd|Rclone|Restic|S3fs|Node' -e2e.writeclients

aws-sdk-go-v2 and minio-go ask in the [conformance suite](../conformance/doc.go).

| client | version | what it did |
|---|---|---|
`

// clientPackage is the Debian package of a program.
func clientPackage(name string) string {
	switch name {
	case "aws":
		return "awscli"
	case "node":
		return "nodejs npm"
	}
	return name
}

// versionIn is the first number with dots of what a program says of itself.
func versionIn(said string) string {
	return regexp.MustCompile(`\d+(\.\d+)+`).FindString(said)
}

// step names what the client does next.
func (c *tool) step(what string) { c.steps = append(c.steps, what) }

// document is called at the end of a test that passed: what the client did stands in
// docs/s3-clients.md, or is written there.
func (c *tool) document() {
	c.t.Helper()
	if c.t.Failed() {
		return
	}
	clientsPage.Lock()
	defer clientsPage.Unlock()
	path := filepath.Join(repository(c.t), "docs", "s3-clients.md")
	did := strings.Join(c.steps, "; ")
	c.t.Logf("%s %s: %s", c.name, c.version, did)
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "|---|---|---|\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	mine := func(row string) bool { return strings.HasPrefix(row, "| "+c.name+" |") }
	if !*writeClientsFlag {
		if at := slices.IndexFunc(rows, mine); at < 0 || !strings.HasSuffix(rows[at],
			"| "+did+" |") || !strings.HasPrefix(string(text), clientsPageHead) {
			c.t.Errorf("docs/s3-clients.md does not say that %s did: %s\n(-e2e.writeclients)", c.name,
				did)
		}
		return
	}
	rows = slices.DeleteFunc(rows, func(row string) bool { return mine(row) || row == "" })
	rows = append(rows, fmt.Sprintf("| %s | %s | %s |", c.name, c.version, did))
	slices.Sort(rows)
	page := clientsPageHead + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		c.t.Fatal(err)
	}
}
