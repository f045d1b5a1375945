package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/web"
)

// dataFiles are the names of what the program keeps in its data folder beside what an installation does. A test holds the
// folder of a running demo against both.
var dataFiles = []string{adminSocket, adminLock, demoFile, "." + demoFile + ".*", demoLedger}

// base is an installation and the settings by which a command has opened it.
type base struct {
	*app.Installation
	config config.Config
	log    *slog.Logger
}

// placeFor is where an installation is by these settings.
func placeFor(s *surroundings, c config.Config) app.Place {
	return app.Place{Config: c, Env: s.env, Now: clock, Log: telemetry.Logger(c.LogLevel, c.LogFormat, s.err), Files: dataFiles}
}

// load opens the installation that flags, environment and file name: see open.
func load(s *surroundings, flags config.Flags, by opening) (*base, error) {
	c, err := config.Load(flags, s.env)
	if err != nil {
		return nil, err
	}
	return open(s, c, by)
}

// opening is one of app.Make, app.Migrate and app.Open.
type opening func(context.Context, app.Place) (*app.Installation, error)

// open opens the installation of these settings.
func open(s *surroundings, c config.Config, by opening) (*base, error) {
	p := placeFor(s, c)
	i, err := by(s.ctx, p)
	if err != nil {
		return nil, err
	}
	return &base{Installation: i, config: c, log: p.Log}, nil
}

// node is the application of a process that serves, or that carries out one command, with what the process has beside it.
type node struct {
	*app.App
	*base
	limits    limits
	strangers *slog.Logger               // for what strangers can cause
	simulator string                     // its address, in a demo
	public    atomic.Pointer[web.Server] // once it serves
}

// newNode builds the application. publicURL is where customers and providers reach it.
func newNode(b *base, publicURL string) (*node, error) {
	c := b.Config(publicURL, version)
	c.Strangers = telemetry.Paced(b.log, clock)
	built, err := app.New(c)
	return &node{App: built, base: b, strangers: c.Strangers}, err
}
