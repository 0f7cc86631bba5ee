package http1_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// nginxConfig is a proxy with one door per upstream. Its clients say who they are in a line before
// their stream (the PROXY protocol), and what it forwards says so too: requests can be told apart
// however clients share the connections to an upstream.
const nginxConfig = `
daemon off;
master_process off;
pid {{.Dir}}/pid;
error_log stderr crit;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	large_client_header_buffers 4 32k;
	client_max_body_size 0;
	merge_slashes off;
	keepalive_requests 1000000;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $host;
	proxy_set_header {{.ClientField}} $proxy_protocol_port;
	proxy_next_upstream off;
	proxy_ignore_client_abort on;
	{{range .Doors}}
	upstream {{.Name}} { server {{.Upstream}}; keepalive 4; }
	server {
		listen unix:{{.Listen}} proxy_protocol;
		server_name h;
		location / { proxy_pass http://{{.Name}}; proxy_request_buffering {{.Buffering}}; }
	}
	{{end}}
}
`

// door is an address of nginx and what is behind it.
type door struct {
	Name      string
	Upstream  string // address
	Buffering string // on: nginx forwards whole bodies only
	Listen    string // path of nginx's socket, by startNginx
	ledger    *ledger
}

// startNginx runs nginx in front of doors, on sockets in a folder, so that nobody else can have
// its port.
func startNginx(t *testing.T, doors []*door) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	dir := t.TempDir()
	for _, d := range doors {
		d.Listen = filepath.Join(dir, d.Name)
	}
	var config bytes.Buffer
	if err := template.Must(template.New("").Parse(nginxConfig)).Execute(&config, map[string]any{
		"Dir": dir, "Doors": doors, "ClientField": clientField}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, config.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	nginx := exec.Command(path, "-p", dir, "-c", file, "-e", "stderr")
	var stderr bytes.Buffer
	nginx.Stderr = &stderr
	nginx.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- nginx.Wait() }()
	t.Cleanup(func() {
		_ = nginx.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("nginx: %.3000s", stderr.String())
		}
	})
	for _, d := range doors {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			c, err := net.Dial("unix", d.Listen)
			if err == nil {
				_ = c.Close()
				break
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
}
