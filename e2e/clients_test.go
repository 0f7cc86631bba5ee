package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRclone copies, compares by download, and copies on the server.
func TestRclone(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	c := newTool(t, "rclone", []string{"RCLONE_CONFIG_S_TYPE=s3", "RCLONE_CONFIG_S_PROVIDER=Other",
		"RCLONE_CONFIG_S_ACCESS_KEY_ID=" + rootUser, "RCLONE_CONFIG_S_SECRET_ACCESS_KEY=" +
			rootPassword, "RCLONE_CONFIG_S_ENDPOINT=" + s.base, "RCLONE_CONFIG_S_REGION=us-east-1"},
		[]string{"--config=rclone.conf", "--s3-upload-cutoff=5M", "--s3-chunk-size=5M"})
	c.write("rclone.conf", content{})
	c.writeFolder()
	c.step("mkdir, copy with 20 MiB in parts of 5 MiB")
	c.do("mkdir", "s:rclone-bucket")
	c.do("copy", "up", "s:rclone-bucket/one")
	c.step("check --download, which also sees a file that is another")
	c.do("check", "--download", "up", "s:rclone-bucket/one")
	c.write("up/small", content{9, 1000})
	if said, err := c.try("check", "--download", "up", "s:rclone-bucket/one"); err == nil {
		t.Errorf("a file that is another was not seen:\n%s", said)
	}
	c.step("sync, and again without a transfer")
	c.do("sync", "--checksum", "up", "s:rclone-bucket/one")
	again := c.do("sync", "--checksum", "-v", "--stats-one-line", "up", "s:rclone-bucket/one")
	if strings.Contains(again, "Copied") {
		t.Errorf("a second sync copies again:\n%s", again)
	}
	c.step("copy from key to key on the server, move, cat of a range")
	c.do("copy", "s:rclone-bucket/one", "s:rclone-bucket/two")
	c.do("check", "--download", "up", "s:rclone-bucket/two")
	c.do("moveto", "s:rclone-bucket/two/small", "s:rclone-bucket/two/moved")
	want := string(content{9, 1000}.slice(10, 20))
	if got := c.do("cat", "--offset=10", "--count=20", "s:rclone-bucket/two/moved"); got != want {
		t.Errorf("cat: %q, want %q", got, want)
	}
	c.step("copy down, purge")
	c.do("copy", "s:rclone-bucket/one", "down")
	c.same("up", "down")
	c.do("purge", "s:rclone-bucket")
	if listed := c.do("lsd", "s:"); strings.Contains(listed, "rclone-bucket") {
		t.Errorf("the bucket is still there:\n%s", listed)
	}
	s.stop()
	c.document()
}

// TestRestic keeps backups, and reads all their data.
func TestRestic(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	c := newTool(t, "restic", []string{"RESTIC_REPOSITORY=s3:" + s.base + "/restic-bucket",
		"RESTIC_PASSWORD=a password", "AWS_ACCESS_KEY_ID=" + rootUser, "AWS_SECRET_ACCESS_KEY=" +
			rootPassword}, []string{"--no-cache"})
	c.writeFolder()
	c.step("init, two backups with 20 MiB")
	c.do("init")
	c.do("backup", "up")
	c.write("up/more", content{7, 3 << 20})
	c.do("backup", "up")
	if listed := c.do("snapshots"); !strings.Contains(listed, "2 snapshots") {
		t.Errorf("snapshots:\n%s", listed)
	}
	c.step("check --read-data")
	c.do("check", "--read-data")
	c.step("restore, forget --prune, check --read-data")
	c.do("restore", "latest", "--target", "down")
	c.same("up", "down/up")
	c.do("forget", "--keep-last", "1", "--prune")
	if said := c.do("check", "--read-data"); !strings.Contains(said, "no errors were found") {
		t.Errorf("check:\n%s", said)
	}
	s.stop()
	c.document()
}

// TestS3fs works in a bucket as in a folder.
func TestS3fs(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	s.must(t, 200, request{method: "PUT", path: "/s3fs-bucket"})
	c := newTool(t, "s3fs", nil, nil)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("%v: s3fs needs FUSE", err)
	}
	c.mountS3fs(s)
	c.step("mount, cp of a tree with 20 MiB in parts of 10 MiB, read back")
	c.writeFolder()
	c.shell("cp -r up/. mnt/ && sync")
	c.same("up", "mnt")
	c.step("append, truncate, rename of a file and of a folder, ls")
	c.shell("printf more >> mnt/small && printf more >> up/small")
	c.shell("mv mnt/deep mnt/moved && mv mnt/empty mnt/none && truncate -s 5 mnt/large")
	c.shell("mv up/deep up/moved && mv up/empty up/none && truncate -s 5 up/large")
	c.same("up", "mnt")
	if listed := c.shell("ls mnt"); strings.Join(strings.Fields(listed), " ") !=
		"large moved none small" {
		t.Errorf("ls: %s", listed)
	}
	c.step("rm -r, umount")
	c.shell("rm -r mnt/moved mnt/large mnt/small mnt/none")
	c.shell("umount mnt")
	a := s.must(t, 200, request{method: "GET", path: "/s3fs-bucket"})
	if strings.Contains(string(a.body), "<Contents>") {
		t.Errorf("left over: %s", a.body)
	}
	s.stop()
	c.document()
}

// mountS3fs mounts the bucket at mnt in the foreground, so that it ends with the test.
func (c *tool) mountS3fs(s *server) {
	t := c.t
	t.Helper()
	mount := filepath.Join(c.dir, "mnt")
	if err := os.Mkdir(mount, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.run[0], "s3fs-bucket", mount, "-f", "-o", "url="+s.base, "-o",
		"use_path_request_style", "-o", "endpoint=us-east-1", "-o", "multipart_size=10")
	cmd.Env = append(c.env[:len(c.env):len(c.env)], "AWSACCESSKEYID="+rootUser,
		"AWSSECRETACCESSKEY="+rootPassword) // its file of keys allows no spaces
	log, err := os.Create(filepath.Join(c.dir, "s3fs.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = exec.Command("umount", "-l", mount).Run() // if the test did not
		_ = cmd.Process.Kill()
	})
	// Only the table of mounts tells that it is there, so this looks again and again.
	deadline := time.NewTimer(readyMax)
	defer deadline.Stop()
	tick := time.NewTicker(pollWait)
	defer tick.Stop()
	for {
		if table, err := os.ReadFile("/proc/mounts"); err == nil && strings.Contains(string(table),
			" "+mount+" ") {
			return
		}
		select {
		case err := <-ended:
			said, _ := os.ReadFile(log.Name())
			if strings.Contains(string(said), "fuse") && strings.Contains(string(said), "permitted") {
				t.Skipf("FUSE is not permitted here: %s", said)
			}
			t.Fatalf("s3fs ended: %v\n%s", err, said)
		case <-deadline.C:
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("not mounted within %s\n%s", readyMax, said)
		case <-tick.C:
		}
	}
}

// shell runs a line of sh in the tool's folder.
func (c *tool) shell(line string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", line)
	cmd.Dir = c.dir
	said, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", line, err, said)
	}
	return string(said)
}

// TestNodeSDK runs AWS's SDK for JavaScript, where @aws-sdk/client-s3 was installed: in the
// folder that E2E_NODE_MODULES names, or in .data/node/node_modules.
func TestNodeSDK(t *testing.T) {
	t.Parallel()
	s := newServer(t, 4).start()
	modules := os.Getenv("E2E_NODE_MODULES")
	if modules == "" {
		modules = filepath.Join(repository(t), ".data", "node", "node_modules")
	}
	c := newTool(t, "node", []string{"NODE_PATH=" + modules, "S3_ENDPOINT=" + s.base,
		"S3_ACCESS_KEY=" + rootUser, "S3_SECRET_KEY=" + rootPassword}, nil)
	if _, err := os.Stat(filepath.Join(modules, "@aws-sdk", "client-s3")); err != nil {
		t.Skipf("%v: npm install --prefix .data/node @aws-sdk/client-s3", err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "client-s3.cjs"))
	if err != nil {
		t.Fatal(err)
	}
	// Each step is said before it is done; the version of the SDK comes first.
	said := c.do(script)
	for line := range strings.Lines(said) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "version":
			c.version = fmt.Sprintf("%s, node %s", rest, c.version)
		case "step":
			c.step(rest)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(said), "done") || len(c.steps) < 5 {
		t.Errorf("the script did not come to its end:\n%s", said)
	}
	c.name = "@aws-sdk/client-s3"
	s.stop()
	c.document()
}
