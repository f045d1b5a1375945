package main

import (
	"context"
	"sync"
	"time"
)

// overheadCells measures what Sluice adds to a call of the provider. The same workers that execute payments also ask the
// simulator directly, in turns; the second cell only hands out what the first has measured.
func (l *lab) overheadCells(b *bed, n int) []cell {
	var direct sample
	return []cell{
		{key{"execute", b.sluice(), n}, func(ctx context.Context) (executed sample, err error) {
			executed, direct, err = l.overhead(ctx, b.srv, n)
			return executed, err
		}},
		{key{"execute", "simulator of " + b.sluice(), n}, func(context.Context) (sample, error) { return direct, nil }},
	}
}

// overhead returns the times of executing a payment and of the provider's call alone.
func (l *lab) overhead(ctx context.Context, s *server, conns int) (executed, direct sample, err error) {
	var mu sync.Mutex
	var executes, calls []time.Duration
	both := func(ctx context.Context, _ int, deadline time.Time) (step, func(), error) {
		c, err := dial(ctx, s.address, deadline)
		if err != nil {
			return nil, nil, err
		}
		sim, err := dial(ctx, s.simAPI, deadline)
		if err != nil {
			c.close()
			return nil, nil, err
		}
		create, patch := s.createRequest(cardPart), s.patchRequest()
		sale := newRequest("POST", "/v1/payments", s.simKey, content{mediaJSON, saleBody, zeroes})
		return func() (int, error) {
			id, err := s.create(c, create, l.refs.next())
			if err != nil {
				return 0, err
			}
			began := time.Now()
			if err := s.pay(c, patch, id); err != nil {
				return 0, err
			}
			paid := time.Now()
			if err := s.sale(sim, sale, l.refs.next()); err != nil {
				return 0, err
			}
			called := time.Now()
			mu.Lock()
			executes, calls = append(executes, paid.Sub(began)), append(calls, called.Sub(paid))
			mu.Unlock()
			return 1, nil
		}, func() { c.close(); sim.close() }, nil
	}
	all, err := (&load{work: both, conns: conns}).closedLoop(ctx, l.opts.timing())
	executed = sample{Rate: all.Rate, P50: percentile(executes, 50), P99: percentile(executes, 99)}
	direct = sample{Rate: all.Rate, P50: percentile(calls, 50), P99: percentile(calls, 99)}
	return executed, direct, err
}
