package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"flashstore/engine/config"
	"flashstore/engine/sigv4"
)

// call asks the server and decodes its answer. Errors say what the server says.
func (f *adminFlags) call(method, path string, answer any) error {
	user, password := os.Getenv("FLASHSTORE_ROOT_USER"), os.Getenv("FLASHSTORE_ROOT_PASSWORD")
	if user == "" || password == "" {
		return fmt.Errorf("%w: set FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD; generated "+
			"ones are in flashstore-root.env beside the first drive: set -a; . FILE; set +a",
			config.ErrUsage)
	}
	req, err := http.NewRequest(method, strings.TrimRight(f.server, "/")+"/flashstore/v1/"+path, nil)
	if err != nil {
		return fmt.Errorf("%w: --server: %w", config.ErrUsage, err)
	}
	if _, err := sigv4.Sign(req, user, password, f.region, "s3", sigv4.UnsignedPayload,
		time.Now()); err != nil {
		return err
	}
	client := http.Client{Timeout: 30 * time.Second}
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
	if res.StatusCode/100 != 2 {
		return refusal(res)
	}
	return json.NewDecoder(res.Body).Decode(answer)
}

// refusal is what the server says where it does not do what was asked.
func refusal(res *http.Response) error {
	var doc struct{ Error string }
	if res.StatusCode == http.StatusForbidden || json.NewDecoder(res.Body).Decode(&doc) != nil {
		return fmt.Errorf("the server answers %s: check the credentials", res.Status)
	}
	return fmt.Errorf("the server answers %s: %s", res.Status, doc.Error)
}

// print prints the answer to a call.
func (f *adminFlags) print(method, path string) error {
	var doc json.RawMessage
	if err := f.call(method, path, &doc); err != nil {
		return err
	}
	return printJSON(doc)
}

func printJSON(doc any) error {
	text, err := json.MarshalIndent(doc, "", "  ")
	if err == nil {
		fmt.Println(string(text))
	}
	return err
}
