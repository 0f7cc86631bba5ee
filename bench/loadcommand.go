package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/load"
	"flashstore/bench/scenario"
	"flashstore/bench/sign"
)

// loadOptions are flags of the load command that are not a load.Config's own.
type loadOptions struct {
	config  load.Config
	url     string
	op      string
	sign    string
	region  string
	keys    int
	size    scenario.Bytes
	prepare bool
	json    bool
}

func loadCommand(ctx context.Context, args []string, out, messages io.Writer) error {
	var o loadOptions
	flags := o.flags()
	if _, err := parse(flags, args, out, messages); err != nil {
		return err
	}
	if err := o.complete(); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if o.prepare {
		fmt.Fprintf(messages, "writing %d objects of %s\n", o.keys, o.size)
		if err := o.prepareObjects(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(messages, "%s of %d objects of %s for %s\n", o.config.Method, o.keys, o.size,
		o.config.Duration)
	r, err := load.Run(ctx, o.config)
	if errors.Is(err, load.ErrConfig) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return err
	}
	if err := o.print(out, &r); err != nil {
		return err
	}
	if r.Failed() > 0 || r.Operations == 0 {
		return fmt.Errorf("%w: %d requests failed, %d did not", errInvalid, r.Failed(), r.Operations)
	}
	return nil
}

func (o *loadOptions) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	c := &o.config
	o.size = 4 << 10
	flags.StringVar(&o.url, "url", "http://127.0.0.1:9000/flashbench",
		"`URL` of a bucket, or of a folder of static files; the host is an IP address or localhost")
	flags.StringVar(&o.op, "op", "get", "`request`: get, head or put")
	flags.IntVar(&o.keys, "keys", 1000, "`number` of objects")
	flags.Func("size", "`bytes` of each (default 4KiB)",
		func(v string) error { return o.size.UnmarshalText([]byte(v)) })
	flags.BoolVar(&o.prepare, "prepare", false, "make the bucket and write the objects first")
	flags.StringVar(&o.sign, "sign", "presigned", "`how`: presigned, header, unsigned-payload "+
		"(header), none; with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "+
		"or FLASHSTORE_ROOT_USER and FLASHSTORE_ROOT_PASSWORD")
	flags.StringVar(&o.region, "region", "us-east-1", "`name` that is signed for")
	flags.IntVar(&c.Connections, "connections", 16, "`number` of connections")
	flags.IntVar(&c.Threads, "threads", 1, "`number` of loops")
	flags.Float64Var(&c.Rate, "rate", 0,
		"`requests` per second, due whatever the server does (open loop); 0: as many as it can")
	flags.DurationVar(&c.Duration, "duration", 10*time.Second, "`time`, warm-up included")
	flags.DurationVar(&c.Warmup, "warmup", time.Second, "`time` that is not counted")
	flags.DurationVar(&c.Timeout, "timeout", load.TimeoutDefault, "`time` for one request")
	flags.IntVar(&c.HashEvery, "verify", 0,
		"check the SHA-256 of every `n`-th body of a get; the objects are those of --prepare")
	flags.Uint64Var(&c.Seed, "seed", 1, "`number` that contents and order are drawn from")
	flags.BoolVar(&o.json, "json", false, "print the result as JSON")
	return flags
}

// complete makes a load of the flags.
func (o *loadOptions) complete() error {
	at, err := url.Parse(o.url)
	if err != nil {
		return err
	}
	if at.Scheme != "http" || at.Host == "" || at.RawQuery != "" || at.User != nil {
		return fmt.Errorf("--url %s: want http://HOST:PORT/BUCKET", o.url)
	}
	host, port := at.Hostname(), at.Port()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "80"
	}
	o.config.Address = net.JoinHostPort(host, port)
	o.config.Method = strings.ToUpper(o.op)
	if o.keys < 1 || o.size < 0 {
		return fmt.Errorf("%d keys of %s", o.keys, o.size)
	}
	for i := range o.keys {
		o.config.Objects = append(o.config.Objects, load.Object{Bytes: int64(o.size),
			Path: strings.TrimSuffix(at.Path, "/") + "/" + content.Key(i)})
	}
	switch o.sign {
	case "presigned", "header", "unsigned-payload":
		user, password := credentials()
		if user == "" || password == "" {
			return errors.New("no credentials: see --sign; --sign none needs none")
		}
		o.config.Signer = sign.New(user, password, o.region)
		o.config.Presigned = o.sign == "presigned"
		o.config.UnsignedPayload = o.sign == "unsigned-payload"
	case "none":
	default:
		return fmt.Errorf("--sign %q; valid: presigned, header, unsigned-payload, none", o.sign)
	}
	o.fillBodies()
	return o.config.Validate()
}

func credentials() (user, password string) {
	user, password = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if user == "" || password == "" {
		user, password = os.Getenv("FLASHSTORE_ROOT_USER"), os.Getenv("FLASHSTORE_ROOT_PASSWORD")
	}
	return user, password
}

// fillBodies makes what is sent, the same for all objects, and the hashes of what is to come.
func (o *loadOptions) fillBodies() {
	if o.config.Method == http.MethodPut {
		body := make([]byte, o.size)
		content.Fill(body, o.config.Seed, 0)
		for i := range o.config.Objects {
			o.config.Objects[i].Body = body
		}
	}
	if o.config.HashEvery > 0 {
		body := make([]byte, o.size)
		for i := range o.config.Objects {
			content.Fill(body, o.config.Seed, i)
			o.config.Objects[i].Sum = sha256.Sum256(body)
		}
	}
}
