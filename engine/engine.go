package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"flashstore/arena"
	"flashstore/engine/adminapi"
	"flashstore/engine/certs"
	"flashstore/engine/config"
	"flashstore/engine/erasure"
	"flashstore/engine/iam"
	lockslocal "flashstore/engine/lock/local"
	"flashstore/engine/metrics"
	"flashstore/engine/s3api"
	"flashstore/engine/sigv4"
	"flashstore/ioengine"
	"flashstore/netloop"
)

// Engine is a composed server. New opens everything and binds, Serve answers, Shutdown stops;
// each is called once, in this order.
type Engine struct {
	config    config.Config
	log       *slog.Logger
	parts     parts
	allocator arena.Allocator
	bodies    *arena.Share // of allocator
	answers   *arena.Share // of bodies
	io        ioengine.Engine
	ioWhy     string // why io is not the engine asked for, or ""
	drives    *driveSet
	store     *erasure.Store
	registry  *metrics.Registry
	certs     *certs.Pair // nil: no TLS
	server    netloop.Server
	addr      net.Addr // that server is bound to
	s3        *s3api.Handler
	handler   netloop.Handler
	ready     atomic.Bool
	closers   []func() error // in order of start
}

// New composes a server from c: it is bound to its address, its drives are open and its store
// serves when New returns. On an error everything is closed again.
func New(ctx context.Context, c config.Config, log *slog.Logger) (*Engine, error) {
	e := &Engine{config: c, log: log, parts: allParts()}
	if err := e.start(ctx); err != nil {
		if e.server != nil {
			err = errors.Join(err, e.server.Shutdown(context.WithoutCancel(ctx)))
		}
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context) (err error) {
	if err := e.parts.refuse(&e.config); err != nil {
		return err
	}
	limitConnections(&e.config, e.log)
	if e.allocator, err = e.parts.allocator(&e.config); err != nil {
		return err
	}
	e.closers = append(e.closers, e.allocator.Close)
	// Before the drives: an address that is taken must not leave drives formatted. Who connects
	// from now on waits for Serve.
	if err := e.listen(); err != nil {
		return err
	}
	root, err := e.openStorage(ctx)
	if err != nil {
		return err
	}
	e.handler, err = e.handlers(root)
	return err
}

// listen makes the server and binds it to the configured address.
func (e *Engine) listen() error {
	secure, err := e.openCertificates()
	if err != nil {
		return err
	}
	server, err := e.parts.netloop(&e.config, e.allocator, secure)
	if err != nil {
		return err
	}
	e.server = server
	if e.addr, err = e.server.Listen(e.config.Address); err != nil {
		return fmt.Errorf("address %s: %w; choose another with --address", e.config.Address, err)
	}
	return nil
}

// openCertificates returns what a server needs to speak TLS, nil if it is not to.
func (e *Engine) openCertificates() (*tls.Config, error) {
	dir := e.config.CertsDir
	if dir == "" {
		return nil, nil
	}
	pair, err := certs.Open(dir, e.log)
	if err != nil {
		return nil, fmt.Errorf("%w: certs_dir %s: %w; without certs_dir the server speaks plain HTTP",
			config.ErrUsage, dir, err)
	}
	e.certs = pair
	e.closers = append(e.closers, pair.Close)
	return pair.Config(), nil
}

// openStorage opens I/O, drives and the store over them.
func (e *Engine) openStorage(ctx context.Context) (root *iam.Root, err error) {
	e.io, e.ioWhy, err = e.parts.ioengine(&e.config, probeDir(e.config.Drives), e.log)
	if err != nil {
		return nil, err
	}
	e.closers = append(e.closers, e.io.Close)
	if e.drives, err = openDrives(&e.config, e.io, e.log); err != nil {
		return nil, err
	}
	e.closers = append(e.closers, e.drives.close)
	if root, err = rootIdentity(&e.config, e.log); err != nil {
		return nil, err
	}
	e.divideMemory()
	e.store, err = erasure.New(erasure.Config{Sets: e.drives.drives(),
		Parity: e.drives.parity, SIMD: e.config.SIMD, Allocator: e.bodies, Reads: e.answers,
		Locks: lockslocal.New(), Logger: e.log, Heal: erasure.HealConfig{
			BytesPerSecond: e.config.HealRate, ScrubPeriod: e.config.ScrubPeriod}})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", config.ErrUsage, err)
	}
	e.checkMemory()
	if err := e.store.Start(ctx); err != nil {
		return nil, err
	}
	watch, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watching sync.WaitGroup
	watching.Go(func() { e.awaitReturns(watch) })
	e.closers = append(e.closers, func() error {
		stop()
		watching.Wait()
		e.store.Close()
		return nil
	})
	return root, nil
}

// openSlot opens the drive of a slot.
func (e *Engine) openSlot(s *slot) { s.open(&e.config, e.io, e.log) }

// probeDir is an existing directory on the file system of the first drive.
func probeDir(drives []string) string {
	dir, err := filepath.Abs(drives[0])
	for err == nil {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return os.TempDir()
}

// handlers builds the way of a request above the store.
func (e *Engine) handlers(root *iam.Root) (netloop.Handler, error) {
	e.registry = metrics.New()
	e.registry.Func(e.figures)
	requests, err := e.registry.NewRequests(s3api.OpNames())
	if err != nil {
		return nil, err
	}
	verifier, err := sigv4.New(sigv4.Config{Region: e.config.Region, Keys: root})
	if err != nil {
		return nil, err
	}
	s3, err := s3api.New(s3api.Config{Store: e.store, Verifier: verifier, Authorizer: root,
		Region: e.config.Region, Domains: e.config.Domains, ETag: e.config.ETag,
		Recorder: requests, Log: e.log})
	if err != nil {
		return nil, err
	}
	e.s3 = s3
	own, err := adminapi.New(adminapi.Config{
		Ready:         e.ready.Load,
		Cluster:       func() bool { return e.store.HasWriteQuorum() },
		Status:        func() any { return e.status() },
		Healing:       func() any { return e.healing() },
		Heal:          func(scrub bool) any { return e.heal(scrub) },
		Adopt:         func(dir string) (any, error) { return e.adopt(dir) },
		Gatherer:      e.registry,
		Verifier:      verifier,
		Authorizer:    root,
		MetricsToken:  e.config.MetricsToken,
		MetricsPublic: e.config.MetricsPublic,
		Log:           e.log,
	})
	if err != nil {
		return nil, err
	}
	return s3api.NewMux(own, s3, e.config.Domains), nil
}

// Addr is the address that is bound.
func (e *Engine) Addr() net.Addr { return e.addr }

// TLS says whether clients are to speak TLS: "on" or "off".
func (e *Engine) TLS() string {
	if e.certs != nil {
		return "on"
	}
	return "off"
}

// URL is where clients find the server.
func (e *Engine) URL() string {
	if e.certs != nil {
		return "https://" + e.addr.String()
	}
	return "http://" + e.addr.String()
}

// Serve answers requests until Shutdown.
func (e *Engine) Serve() error {
	e.ready.Store(true)
	return e.server.Serve(e.handler)
}

// Shutdown stops accepting, lets what is in flight end within ctx, then closes every part. A
// second call is not allowed.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.ready.Store(false)
	return errors.Join(e.server.Shutdown(ctx), e.close())
}

// close closes the parts in the reverse order of their start.
func (e *Engine) close() (err error) {
	for i := len(e.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, e.closers[i]())
	}
	e.closers = nil
	return err
}
