package engine

import (
	"errors"
	"fmt"
	"slices"

	"flashstore/engine/config"
	"flashstore/engine/erasure"
	"flashstore/engine/erasure/codec"
	"flashstore/engine/iam"
	"flashstore/engine/s3api"
	"flashstore/engine/sigv4"
)

// refuse asks the parts, before anything is opened, for what they would refuse later, when the
// drives have been formatted already. Errors: config.ErrUsage.
func (p *parts) refuse(c *config.Config) error {
	_, err := pick("netloop", c.Netloop, p.netloops)
	if err != nil {
		return err
	}
	if _, err := pick("allocator", c.Allocator, p.allocators); err != nil {
		return err
	}
	if _, err := pick("ioengine", c.IOEngine, p.ioengines); err != nil {
		return err
	}
	if _, err := givenRoot(c); err != nil {
		return err
	}
	if err := errors.Join(refuseCodec(c), refuseNames(c)); err != nil {
		return fmt.Errorf("%w: %w", config.ErrUsage, err)
	}
	return nil
}

// refuseCodec tries the SIMD path and, of a new deployment, the layout.
func refuseCodec(c *config.Config) error {
	smallest := slices.Min(erasure.SetSizes(len(c.Drives)))
	parity := c.Parity
	if parity == config.ParityDefault {
		parity = erasure.DefaultParity(smallest)
	}
	layout, err := erasure.LayoutOf(smallest, parity)
	if err != nil {
		return err
	}
	_, err = codec.New(layout, c.SIMD)
	return err
}

// refuseNames tries region and domains; store, verifier and identity only need to be there.
func refuseNames(c *config.Config) error {
	nobody := new(iam.Root)
	verifier, err := sigv4.New(sigv4.Config{Region: c.Region, Keys: nobody})
	if err != nil {
		return err
	}
	return s3api.Config{Store: new(erasure.Store), Verifier: verifier, Authorizer: nobody,
		Domains: c.Domains}.Validate()
}
