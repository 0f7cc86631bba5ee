package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"flashstore/engine/config"
	"flashstore/engine/sigv4"
)

const adminUsage = `usage: flashstore admin status [flags]

  status    print what the server runs on and the state of its drives, as JSON

Credentials come from FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD. Generated ones are in
flashstore-root.env beside the first drive: set -a; . FILE; set +a

Flags:
`

// admin asks a running server.
func admin(args []string) error {
	flags := flag.NewFlagSet("admin", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	server := flags.String("server", "http://127.0.0.1:9000", "`URL` of the server")
	region := flags.String("region", "us-east-1", "`NAME` of the server's region")
	command := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(adminUsage)
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return config.ErrHelp
	case err != nil:
		return fmt.Errorf("%w: admin: %w; valid flags: --server, --region", config.ErrUsage, err)
	case command != "status" || flags.NArg() > 0:
		return fmt.Errorf("%w: unknown admin command %q; valid: status", config.ErrUsage,
			strings.Join(append([]string{command}, flags.Args()...), " "))
	}
	return printStatus(*server, *region)
}

func printStatus(server, region string) error {
	user, password := os.Getenv("FLASHSTORE_ROOT_USER"), os.Getenv("FLASHSTORE_ROOT_PASSWORD")
	if user == "" || password == "" {
		return fmt.Errorf("%w: set FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD; generated "+
			"ones are in flashstore-root.env beside the first drive: set -a; . FILE; set +a",
			config.ErrUsage)
	}
	req, err := http.NewRequest(http.MethodGet,
		strings.TrimRight(server, "/")+"/flashstore/v1/status", nil)
	if err != nil {
		return fmt.Errorf("%w: --server: %w", config.ErrUsage, err)
	}
	if _, err := sigv4.Sign(req, user, password, region, "s3", sigv4.UnsignedPayload,
		time.Now()); err != nil {
		return err
	}
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Do(req)
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return fmt.Errorf("%w; is it the server's own? then say SSL_CERT_FILE=CERTS_DIR/public.crt",
			err)
	case err != nil:
		return fmt.Errorf("%w; is the server running, and is --server right?", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s: check the credentials", res.Status)
	}
	var doc json.RawMessage
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return err
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}
