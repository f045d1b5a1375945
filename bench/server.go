package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// server is a running Sluice with its simulator.
type server struct {
	*process
	kind     store.Kind
	ready    readiness
	address  string // host:port of the API
	simAPI   string // host:port of the simulator
	simKey   string
	data     string
	database string // URL; "" for SQLite
}

// readiness is what the ready file of a server holds.
type readiness struct {
	BaseURL      string `json:"baseUrl"`
	ShopID       string `json:"shopId"`
	APIKey       string `json:"apiKey"`
	SimulatorURL string `json:"simulatorUrl"`
}

// home is where one server keeps its data.
type home struct {
	kind     store.Kind
	data     string
	database string
}

// arguments of a demo server on this home, listening on the address.
func (h home) arguments(listen, readyFile string) []string {
	args := []string{"serve", "--demo", "--listen", listen, "--data", h.data, "--ready-file", readyFile, "--log-level", "warn"}
	if h.database != "" {
		args = append(args, "--database", h.database)
	}
	return args
}

// serve starts a server and waits until it answers.
func (l *lab) serve(ctx context.Context, h home) (*server, error) {
	readyFile := filepath.Join(l.dir, "ready-"+l.fresh()+".json")
	p, err := spawn(ctx, l.dir, l.binary, h.arguments("127.0.0.1:0", readyFile)...)
	if err != nil {
		return nil, err
	}
	s := &server{process: p, kind: h.kind, data: h.data, database: h.database}
	if err := p.until(ctx, func() bool { return readJSON(readyFile, &s.ready) == nil }); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: sluice on %s: %w", errSetup, h.kind, err)
	}
	var demo struct {
		SimulatorKey string `json:"simulatorKey"`
	}
	if err := readJSON(filepath.Join(h.data, "demo.json"), &demo); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w: key of the simulator: %w", errSetup, err)
	}
	s.address, s.simAPI = strings.TrimPrefix(s.ready.BaseURL, "http://"), strings.TrimPrefix(s.ready.SimulatorURL, "http://")
	s.simKey = demo.SimulatorKey
	return s, nil
}

func readJSON(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// cpu is the processor time that the server has used so far.
func (s *server) cpu() time.Duration { return cpuOf(s.pid()) }

// listRequest asks for a page of the payments that the filter leaves: more parameters, each with its ampersand.
func (s *server) listRequest(limit, offset int, filter string) *request {
	return newRequest("GET", fmt.Sprintf("/api/v1/payments?limit=%d&offset=%d%s", limit, offset, filter), s.ready.APIKey, content{})
}
