package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"flashstore/engine"
	"flashstore/engine/config"
)

// server runs until SIGTERM or SIGINT.
func server(args []string) error {
	loaded, err := config.Load(withoutForeignTuning(args, os.Stderr), os.Environ(), os.Stdout)
	if loaded != nil && loaded.PrintConfig && err == nil {
		loaded.Print(os.Stdout)
		return nil
	}
	if err != nil {
		return err
	}
	log := logger(loaded.LogLevel)
	profileOnSignals(log)
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	e, err := engine.New(stop, loaded.Config, log)
	if err != nil {
		return err
	}
	if loaded.Durability == "relaxed" {
		log.Warn("durability is relaxed: a power cut may lose acknowledged writes")
	}
	said := []any{"address", e.URL(), "tls", e.TLS()}
	for _, axis := range config.Axes() {
		said = append(said, axis.Key, e.Active(axis.Key))
	}
	log.Info("serving S3", said...)
	served := make(chan error, 1)
	go func() { served <- e.Serve() }()
	select {
	case err = <-served:
		err = fmt.Errorf("the server ended by itself: %w", err)
	case <-stop.Done():
		log.Info("stopping", "grace", loaded.ShutdownGrace)
	}
	grace, done := context.WithTimeout(context.Background(), loaded.ShutdownGrace)
	defer done()
	stopErr := e.Shutdown(grace)
	if errors.Is(stopErr, context.DeadlineExceeded) {
		log.Warn("some requests were cut off at the end of the grace period", "error", stopErr)
		stopErr = nil
	}
	return errors.Join(err, stopErr)
}

// logger writes text to standard error.
func logger(name string) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(name)) // config has validated it
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level,
		ReplaceAttr: errorText}))
}

// errorText lets an error say what it says. Note: slog prints it with %+v, and that is pages of
// stack traces where the index reports damage.
func errorText(_ []string, a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok {
		a.Value = slog.StringValue(err.Error())
	}
	return a
}
