package hotpath

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/load"
	"flashstore/bench/scenario"
	"flashstore/bench/sign"
	"flashstore/bench/target"
)

const (
	drives      = 4
	parity      = 2
	smallBytes  = 4 << 10
	largeBytes  = 1 << 20
	largeBucket = target.Bucket + "-large"
)

// preparation makes the objects, as objects and as files.
func (b *bench) preparation(large bool) []step {
	steps := []step{{"4 KiB objects", 3 * time.Second, func(ctx context.Context) (string, error) {
		return b.prepare(ctx, &b.small, target.Bucket, b.config.SmallObjects, smallBytes)
	}}}
	if large {
		steps = append(steps, step{"1 MiB objects", 3 * time.Second,
			func(ctx context.Context) (string, error) {
				return b.prepare(ctx, &b.large, largeBucket, b.config.LargeObjects, largeBytes)
			}})
	}
	return steps
}

// prepare writes n objects through a server that may use all cores, and the files that nginx
// serves, and keeps in objects what to ask for.
func (b *bench) prepare(
	ctx context.Context, objects *[]load.Object, bucket string, n int, bytes int64,
) (string, error) {
	b.drives = filepath.Join(b.workspace.Path(), "drives")
	if err := os.MkdirAll(b.drives, 0o700); err != nil {
		return "", err
	}
	server, err := target.Start(ctx, b.target(nil, nil))
	if err != nil {
		return "", err
	}
	defer server.Kill()
	if err := server.Preload(ctx, bucket, n, bytes, b.config.Seed); err != nil {
		return "", err
	}
	body := make([]byte, bytes)
	for i := range n {
		content.Fill(body, b.config.Seed, i)
		o := load.Object{Path: "/" + bucket + "/" + content.Key(i), Bytes: bytes,
			Sum: sha256.Sum256(body)}
		if err := b.writeFile(o.Path, body); err != nil {
			return "", err
		}
		*objects = append(*objects, o)
	}
	return fmt.Sprintf("%d written", n), server.Stop()
}

func (b *bench) writeFile(path string, body []byte) error {
	if b.config.Nginx == "" {
		return nil
	}
	file := filepath.Join(b.filesDir(), path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o644)
}

func (b *bench) filesDir() string { return filepath.Join(b.workspace.Path(), "files") }

// target is our server over the prepared drives. Without axes all are the server's defaults.
func (b *bench) target(axes scenario.Configuration, cores []int) target.Config {
	c := target.Config{Binary: b.config.Server, Axes: axes, Drives: drives, Parity: parity,
		Dir: b.drives, Cores: cores}
	if cores != nil {
		c.Env = []string{"GOMAXPROCS=1"}
	}
	return c
}

// startOurs starts our server on its core and warms it.
func (b *bench) startOurs(
	ctx context.Context, axes scenario.Configuration,
) (*target.Server, error) {
	server, err := target.Start(ctx, b.target(axes, b.server))
	if err != nil {
		return nil, err
	}
	b.ours = oursOf(server)
	b.open = append(b.open, b.ours)
	return server, b.warm(ctx, b.ours)
}

// startProven is startOurs with a verify pass and the server's word for what runs. Errors wrap
// target.ErrNotEngaged where that is not what was asked for.
func (b *bench) startProven(ctx context.Context, axes scenario.Configuration) error {
	server, err := b.startOurs(ctx, axes)
	if err != nil {
		return err
	}
	if err := server.Verify(ctx, smallBytes, b.config.Seed); err != nil {
		return err
	}
	status, err := server.Status(ctx)
	if err != nil {
		return err
	}
	b.report.Axes = map[string]string{}
	for name, axis := range status.Axes {
		b.report.Axes[name] = axis.Active
	}
	return status.Engaged(axes)
}

func oursOf(server *target.Server) *side {
	return &side{name: "flashstore", address: server.Address, pid: server.PID(),
		signer: sign.New(server.AccessKey, server.SecretKey, target.Region), close: server.Kill,
		status: server.Status}
}

// startNginx starts and warms nginx, if it is there and not running yet.
func (b *bench) startNginx(ctx context.Context) (err error) {
	if b.config.Nginx == "" || b.nginx != nil {
		return nil
	}
	b.nginx, err = b.newNginx(ctx, "nginx", nginxKeepsFiles)
	if err == nil && b.config.wants(RowPlain) && !b.config.Matrix {
		b.plain, err = b.newNginx(ctx, "nginx-plain", "")
	}
	return err
}

// warm reads every object once and checks its hash.
func (b *bench) warm(ctx context.Context, s *side) error {
	for _, objects := range [][]load.Object{b.small, b.large} {
		if len(objects) == 0 {
			continue
		}
		g, err := b.load(ctx, s, load.Config{Method: http.MethodGet, Objects: objects, Once: true,
			HashEvery: 1, Duration: time.Minute})
		if err != nil {
			return fmt.Errorf("warming pass: %w", err)
		}
		if g.Hashed != uint64(len(objects)) {
			return fmt.Errorf("%w: warming pass of %s: %d of %d hashes checked", ErrInvalid, s.name,
				g.Hashed, len(objects))
		}
	}
	return nil
}

// axesText lists what runs: "allocator=arena netloop=epoll".
func axesText(axes map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(axes)) {
		words = append(words, name+"="+axes[name])
	}
	return strings.Join(words, " ")
}

// stop ends all servers.
func (b *bench) stop() {
	for _, s := range b.open {
		s.close()
	}
	b.open, b.ours, b.nginx, b.plain = nil, nil, nil, nil
}

// stopOurs ends our server alone.
func (b *bench) stopOurs() {
	b.ours.close()
	b.open = slices.DeleteFunc(b.open, func(s *side) bool { return s == b.ours })
	b.ours = nil
}
