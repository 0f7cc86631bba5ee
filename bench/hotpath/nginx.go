package hotpath

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"flashstore/bench/process"
	"flashstore/bench/target"
)

// nginxConfig makes nginx fast with plain files: one process without a master (so that its account
// is all of it), sendfile, no log, no limit of requests on a connection. %[1]s is its folder, %[2]s
// its address, %[3]s the folder of files, %[4]s more of the same.
const nginxConfig = `daemon off;
master_process off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nodelay on;
  keepalive_timeout 75s;
  keepalive_requests 4000000000;
  %[4]s
  default_type application/octet-stream;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  server { listen %[2]s; root %[3]s; }
}
`

// nginxKeepsFiles makes it faster by a third and more: it keeps files open, as our server does.
// This is the yardstick; Debian's own configuration lacks it, see RowPlain.
const nginxKeepsFiles = "open_file_cache max=16384 inactive=1h; open_file_cache_valid 1h;"

const (
	nginxReadyMax = 5 * time.Second
	pollInterval  = 10 * time.Millisecond
)

// newNginx starts nginx on the server's core, warms it, and keeps it until stop.
func (b *bench) newNginx(ctx context.Context, name, more string) (*side, error) {
	dir, err := b.workspace.Fresh(name)
	if err != nil {
		return nil, err
	}
	address, err := target.FreeAddress()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(nginxConfig, dir, address, b.filesDir(), more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := process.Start(process.Spec{Path: b.config.Nginx, Cores: b.server,
		Args: []string{"-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", file},
		Log:  filepath.Join(dir, "nginx.log")})
	if err != nil {
		return nil, err
	}
	if err := await(ctx, p, address); err != nil {
		p.Kill()
		return nil, fmt.Errorf("nginx: %w", err)
	}
	s := &side{name: name, address: address, pid: p.PID(), close: p.Kill}
	b.open = append(b.open, s)
	return s, b.warm(ctx, s)
}

// await returns once address accepts connections.
func await(ctx context.Context, p *process.Process, address string) error {
	ctx, cancel := context.WithTimeout(ctx, nginxReadyMax)
	defer cancel()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.Done():
			return errors.Join(errors.New("ended"), p.Wait())
		case <-ctx.Done():
			return fmt.Errorf("%w: %w\n%s", context.Cause(ctx), err, p.LogTail())
		case <-poll.C:
		}
	}
}
