package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// measureStarts takes the time from starting a process to its first right answer, in turns with stripe-mock.
func (l *lab) measureStarts(ctx context.Context) error {
	homes := map[store.Kind]home{}
	keys := map[store.Kind]string{}
	for _, kind := range l.kinds() {
		h, err := l.newHome(ctx, kind)
		if err != nil {
			return err
		}
		s, err := l.serve(ctx, h) // makes the shop, so that the starts that count find one
		if err != nil {
			return err
		}
		s.stop()
		homes[kind], keys[kind] = h, s.ready.APIKey
	}
	var fresh, peers []time.Duration
	again := map[store.Kind][]time.Duration{}
	for i := range 6 { // the first warms the page cache and does not count
		for _, kind := range l.kinds() {
			r := newRequest("GET", "/api/v1/payments", keys[kind], content{})
			took, err := l.firstAnswer(ctx, homes[kind], r)
			if err != nil {
				return err
			}
			again[kind] = append(again[kind], took)
		}
		took, err := l.firstStart(ctx)
		if err != nil {
			return err
		}
		fresh = append(fresh, took)
		if l.mockProgram != "" {
			if took, err = l.mockAnswer(ctx); err != nil {
				return err
			}
			peers = append(peers, took)
		}
		if i == 0 {
			fresh, peers = nil, nil
			clear(again)
		}
	}
	l.reportStart("the authenticated list, SQLite, existing data", again[store.SQLite], peers)
	l.reportStart("/healthz, SQLite, an empty folder", fresh, peers)
	if _, ok := homes[store.Postgres]; ok {
		l.reportStart("the authenticated list, PostgreSQL, existing data", again[store.Postgres], peers)
	}
	return nil
}

func (l *lab) reportStart(name string, own, peers []time.Duration) {
	if len(peers) == 0 {
		return
	}
	mine, peer := percentile(own, 50), percentile(peers, 50)
	line := line{Section: "Start", Name: "start to first answer of " + name, Value: millis(mine),
		Against: "stripe-mock, " + millis(peer), Ratio: float64(mine) / float64(peer)}
	l.report.add(line.atMost(1))
}

// firstStart is firstAnswer in a new folder, where migrations run and the shop is made.
func (l *lab) firstStart(ctx context.Context) (time.Duration, error) {
	h, err := l.newHome(ctx, store.SQLite)
	if err != nil {
		return 0, err
	}
	return l.firstAnswer(ctx, h, newRequest("GET", "/healthz", "", content{}))
}

// firstAnswer starts a server and returns how long its first right answer took.
func (l *lab) firstAnswer(ctx context.Context, h home, r *request) (time.Duration, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	readyFile := filepath.Join(l.dir, "ready-"+l.fresh()+".json")
	began := time.Now()
	p, err := spawn(ctx, l.dir, l.binary, h.arguments(address, readyFile)...)
	if err != nil {
		return 0, err
	}
	defer p.stop()
	if err := p.until(ctx, func() bool { return answers(ctx, address, r, 200) }); err != nil {
		return 0, fmt.Errorf("%w: start of sluice: %w", errSetup, err)
	}
	took := time.Since(began)
	// It must be ready in its own eyes before it is told to stop.
	return took, p.until(ctx, func() bool { _, err := os.Stat(readyFile); return err == nil })
}

func (l *lab) mockAnswer(ctx context.Context) (time.Duration, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	m, err := l.startMock(ctx, address)
	if err != nil {
		return 0, err
	}
	took := time.Since(began)
	m.stop()
	return took, nil
}
