package load

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/sign"
	"flashstore/bench/target"
)

// TestRealServer writes, reads and asks for objects of the real server, signed in every way.
func TestRealServer(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "flashstore")
	build := exec.Command("go", "build", "-o", binary, "flashstore/cmd/flashstore")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server, err := target.Start(t.Context(), target.Config{Binary: binary, Drives: 4, Parity: 2,
		Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	if err := server.MakeBucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	var objects []Object
	for i, o := range (&stub{objects: map[string][]byte{}}).fill(100, 5000, 3) {
		o.Path = "/" + target.Bucket + "/with a blank/" + content.Key(i)
		objects = append(objects, o)
	}
	base := Config{Address: server.Address, Objects: objects, Connections: 8,
		Signer: sign.New(server.AccessKey, server.SecretKey, target.Region)}
	for _, way := range []struct{ presigned, unsigned bool }{
		{true, false}, {false, false}, {false, true},
	} {
		for _, method := range []string{"PUT", "GET", "HEAD"} {
			c := base
			c.Method, c.Presigned, c.UnsignedPayload, c.HashEvery = method, way.presigned, way.unsigned, 1
			c.Once, c.Duration = true, time.Minute
			r := mustRun(t, c)
			mustBeClean(t, r)
			if r.Operations != 100 || method == "GET" && r.Hashed != 100 {
				t.Errorf("%s %+v: %d operations, %d hashed", method, way, r.Operations, r.Hashed)
			}
		}
	}
	c := base
	c.Method, c.Presigned, c.Rate = "GET", true, 500
	c.Warmup, c.Duration = 50*time.Millisecond, 250*time.Millisecond
	r := mustRun(t, c)
	mustBeClean(t, r)
	if r.Operations != 100 {
		t.Errorf("open loop: %d operations, want 100", r.Operations)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}
