package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const commandMax = 60 * time.Second

// tool is somebody else's command line client, with a folder to work in.
type tool struct {
	t       *testing.T
	env     []string
	dir     string
	run     []string // the command and the arguments that come first
	name    string
	version string
	steps   []string // what it did, in words, for docs/s3-clients.md
}

// newTool finds a client on this machine, or skips the test.
func newTool(t *testing.T, name string, env, args []string) *tool {
	t.Helper()
	if testing.Short() && name != "node" { // which runs one script
		t.Skip("an interpreter for every command takes its time; not with -short")
	}
	ask := "--version"
	if name == "restic" {
		ask = "version"
	}
	path, err := exec.LookPath(name)
	var said []byte
	if err == nil {
		said, err = exec.Command(path, ask).CombinedOutput()
	}
	if err != nil {
		t.Skipf("%s is not on this machine (%v): apt-get install %s", name, err, clientPackage(name))
	}
	tool := &tool{t: t, dir: t.TempDir(), run: append([]string{path}, args...), name: name,
		version: versionIn(string(said))}
	for _, v := range os.Environ() {
		if lower := strings.ToLower(v); !strings.HasPrefix(v, "AWS_") &&
			!strings.Contains(lower, "proxy=") {
			tool.env = append(tool.env, v)
		}
	}
	tool.env = append(tool.env, env...)
	return tool
}

// do runs the client and returns what it printed.
func (c *tool) do(args ...string) string {
	c.t.Helper()
	text, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("%q: %v\n%s", args, err, text)
	}
	return text
}

func (c *tool) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandMax)
	defer cancel()
	all := append(c.run[1:len(c.run):len(c.run)], args...)
	cmd := exec.CommandContext(ctx, c.run[0], all...)
	cmd.Env, cmd.Dir = c.env, c.dir
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// write makes a file of content below the tool's folder.
func (c *tool) write(name string, data content) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, data.bytes(), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// same expects equal files in two folders.
func (c *tool) same(want, got string) {
	c.t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(c.dir, want), func(path string, d fs.DirEntry,
		err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		rest, err := filepath.Rel(filepath.Join(c.dir, want), path)
		if err != nil {
			return err
		}
		a, errA := os.ReadFile(path)
		b, errB := os.ReadFile(filepath.Join(c.dir, got, rest))
		if errA != nil || errB != nil || string(a) != string(b) {
			return fmt.Errorf("%s: %v, %v, %d and %d bytes", rest, errA, errB, len(a), len(b))
		}
		return nil
	})
	if err != nil || files == 0 {
		c.t.Errorf("%s and %s differ: %v, %d files", want, got, err, files)
	}
}

// writeFolder makes what both clients copy: sizes on both sides of their multipart thresholds,
// names that need escaping.
func (c *tool) writeFolder() {
	c.write("up/small", content{1, 1000})
	c.write("up/empty", content{2, 0})
	c.write("up/large", content{3, 20<<20 + 1})
	c.write("up/deep/er/a b+ü&.txt", content{4, 70_000})
}

func TestAWSCommandLine(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	c := newTool(t, "aws", []string{"AWS_ACCESS_KEY_ID=" + rootUser,
		"AWS_SECRET_ACCESS_KEY=" + rootPassword, "AWS_DEFAULT_REGION=us-east-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER="}, []string{"--endpoint-url", s.base})
	c.writeFolder()
	c.step("mb, cp of 20 MiB in parts: up, from key to key by UploadPartCopy, and down")
	c.do("s3", "mb", "s3://aws-bucket")
	c.do("s3", "cp", "up/large", "s3://aws-bucket/one/large")
	c.do("s3", "cp", "s3://aws-bucket/one/large", "s3://aws-bucket/three/large")
	c.do("s3", "cp", "s3://aws-bucket/three/large", "copied/large")
	c.write("wanted/large", content{3, 20<<20 + 1})
	c.same("wanted", "copied")
	c.step("sync up, again, and down")
	c.do("s3", "sync", "up", "s3://aws-bucket/two")
	if again := c.do("s3", "sync", "up", "s3://aws-bucket/two"); strings.Contains(again, "upload") {
		t.Errorf("a second sync uploads again:\n%s", again)
	}
	c.do("s3", "sync", "s3://aws-bucket/two", "down")
	c.same("up", "down")
	listed := c.do("s3", "ls", "--recursive", "s3://aws-bucket")
	for _, want := range []string{"20971521 one/large", "1000 two/small", "0 two/empty",
		"70000 two/deep/er/a b+ü&.txt"} {
		if !strings.Contains(listed, want) {
			t.Errorf("no %q in:\n%s", want, listed)
		}
	}
	c.step("ls --recursive, rb, rb --force")
	if said, err := c.try("s3", "rb", "s3://aws-bucket"); err == nil ||
		!strings.Contains(said, "BucketNotEmpty") {
		t.Errorf("a full bucket was removed: %v\n%s", err, said)
	}
	c.do("s3", "rb", "--force", "s3://aws-bucket")
	if said, err := c.try("s3", "ls", "s3://aws-bucket"); err == nil ||
		!strings.Contains(said, "NoSuchBucket") {
		t.Errorf("the bucket is still there: %v\n%s", err, said)
	}
	s.stop()
	c.document()
}

func TestS3cmd(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	host := s.host()
	c := newTool(t, "s3cmd", nil, []string{"--config=/dev/null", "--access_key=" + rootUser,
		"--secret_key=" + rootPassword, "--host=" + host, "--host-bucket=" + host, "--no-ssl",
		"--region=us-east-1", "--no-progress", "--multipart-chunk-size-mb=5"})
	c.writeFolder()
	c.step("mb, put of 20 MiB in parts of 5 MiB")
	c.do("mb", "s3://s3cmd-bucket")
	c.do("put", "up/large", "s3://s3cmd-bucket/one/large")
	if err := os.Mkdir(filepath.Join(c.dir, "down"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.step("sync up and down")
	c.do("sync", "up/", "s3://s3cmd-bucket/two/")
	c.do("sync", "s3://s3cmd-bucket/two/", "down/")
	c.same("up", "down")
	listed := c.do("ls", "--recursive", "s3://s3cmd-bucket")
	for _, want := range []string{"s3://s3cmd-bucket/one/large",
		"s3://s3cmd-bucket/two/deep/er/a b+ü&.txt"} {
		if !strings.Contains(listed, want) {
			t.Errorf("no %q in:\n%s", want, listed)
		}
	}
	c.step("cp, mv, info, ls --recursive")
	c.do("cp", "s3://s3cmd-bucket/two/small", "s3://s3cmd-bucket/three/copy")
	c.do("mv", "s3://s3cmd-bucket/three/copy", "s3://s3cmd-bucket/three/moved")
	c.do("get", "s3://s3cmd-bucket/three/moved", "moved-small")
	c.do("info", "s3://s3cmd-bucket/one/large")
	c.step("del --recursive, rb")
	c.do("del", "--recursive", "--force", "s3://s3cmd-bucket")
	c.do("rb", "s3://s3cmd-bucket")
	if said, err := c.try("ls", "s3://s3cmd-bucket"); err == nil ||
		!strings.Contains(said, "NoSuchBucket") {
		t.Errorf("the bucket is still there: %v\n%s", err, said)
	}
	s.stop()
	c.document()
}
