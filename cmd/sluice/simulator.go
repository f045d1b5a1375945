package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"time"

	"github.com/sluicepay/sluice/internal/private"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/web"
)

type simulatorCommand struct {
	Listen       string `name:"listen" default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Address to listen on. Port 0 picks a free one."`
	Ledger       string `name:"ledger" placeholder:"PATH" help:"Keep the books in this file; without it they are in memory only."`
	APIKey       string `name:"api-key" env:"SLUICE_SIMULATOR_API_KEY" type:"input" secret:"" placeholder:"@FILE" help:"Key that terminals present; one is made up, and printed, when not given. A ledger file needs one."`
	NoticeSecret string `name:"notice-secret" env:"SLUICE_SIMULATOR_NOTICE_SECRET" type:"input" secret:"" placeholder:"@FILE" help:"Secret that signs notices; made up, and printed, when not given."`
	ReadyFile    string `name:"ready-file" placeholder:"PATH" help:"Write address and keys, as JSON, when it answers."`
}

// Run serves the sandbox provider until the process is told to stop.
func (c *simulatorCommand) Run(s *surroundings) (err error) {
	log := telemetry.Logger(slog.LevelInfo, "text", s.err)
	l, err := new(net.ListenConfig).Listen(s.ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	url := urlOf(l.Addr())
	sim, err := simulator.New(simulator.Config{
		Now: clock, Random: rand.Reader, Logger: log, PublicURL: func() string { return url },
		APIKey: c.APIKey, NoticeSecret: c.NoticeSecret, LedgerPath: c.Ledger,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	g := group{}
	g.ctx, g.cancel = context.WithCancel(s.ctx)
	defer func() { err = errors.Join(err, g.wait()) }()
	serveSimulator(&g, sim, l, web.Options{Logger: log})
	facts := map[string]any{
		"simulatorUrl": url, "apiKey": sim.APIKey(), "noticeSecret": sim.NoticeSecret(), "pid": os.Getpid(),
	}
	if err := document(s.out, c.made(facts)); err != nil {
		return err
	}
	if c.ReadyFile != "" {
		raw, err := json.Marshal(facts)
		if err != nil {
			return fmt.Errorf("render ready file: %w", err)
		}
		if err := private.Write(c.ReadyFile, raw); err != nil {
			return err
		}
	}
	<-g.ctx.Done()
	return nil
}

// made leaves out of what is printed the secrets that were given: who gave them has them, and a log would keep them.
func (c *simulatorCommand) made(facts map[string]any) map[string]any {
	shown := maps.Clone(facts)
	if c.APIKey != "" {
		delete(shown, "apiKey")
	}
	if c.NoticeSecret != "" {
		delete(shown, "noticeSecret")
	}
	return shown
}

// serveSimulator runs a simulator on a listener of its own. Its hanging answers end
// before the server drains.
func serveSimulator(g *group, sim *simulator.Simulator, l net.Listener, o web.Options) {
	o.Handler = sim.Handler()
	o.WriteTimeout = simulatorWriteTimeout
	server := web.New(o)
	g.run(func(ctx context.Context) error {
		closed := make(chan error, 1)
		go func() {
			<-ctx.Done()
			closed <- sim.Close()
		}()
		err := server.Serve(ctx, l)
		if ctx.Err() == nil { // it failed by itself
			return errors.Join(err, sim.Close())
		}
		return errors.Join(err, <-closed)
	})
}

// simulatorWriteTimeout is longer than any answer that the simulator may hold back.
const simulatorWriteTimeout = 15 * time.Minute
