package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"flashstore/bench/content"
	"flashstore/bench/load"
	"flashstore/bench/sign"
)

// prepareBytesMax of bodies are held at a time.
const prepareBytesMax = 64 << 20

// prepareObjects makes the bucket, if it is not there, and writes each object once.
func (o *loadOptions) prepareObjects(ctx context.Context) error {
	if err := o.makeBucket(ctx); err != nil {
		return err
	}
	batch := max(1, prepareBytesMax/max(1, int(o.size)))
	for first := 0; first < o.keys; first += batch {
		c := o.config
		c.Method, c.Once, c.Warmup, c.Rate, c.Duration = http.MethodPut, true, 0, 0, time.Hour
		c.Objects = append([]load.Object(nil), c.Objects[first:min(first+batch, o.keys)]...)
		for i := range c.Objects {
			c.Objects[i].Body = make([]byte, o.size)
			content.Fill(c.Objects[i].Body, o.config.Seed, first+i)
		}
		r, err := load.Run(ctx, c)
		if err != nil {
			return err
		}
		if r.Failed() > 0 {
			return fmt.Errorf("%w: --prepare: %s", errInvalid, r.ErrorText())
		}
	}
	return nil
}

func (o *loadOptions) makeBucket(ctx context.Context) error {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(o.config.Objects[0].Path, "/"), "/")
	target := "/" + sign.Path(bucket)
	if o.config.Signer != nil {
		target = o.config.Signer.Presign(http.MethodPut, o.config.Address, target, time.Now(), time.Hour)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut,
		"http://"+o.config.Address+target, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 400)) // for the message alone
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusConflict {
		return fmt.Errorf("PUT %s: %s: %s", bucket, answer.Status, text)
	}
	return nil
}
