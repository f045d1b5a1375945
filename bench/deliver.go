package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	deliverMark = 0.5
	// posters is how many posts to one endpoint the server has under way at most; the bare client has as many.
	posters = 32
	// fillAtMost keeps the first posts, which the receiver holds back meanwhile, away from their limit of 15 s.
	fillAtMost  = 2500 * time.Millisecond
	settleLimit = 3 * time.Second
	// bareTimes is how often the bare client posts all bodies, as it needs so much less time.
	bareTimes = 3
)

const (
	whoPoster   = "a bare Go client"
	workDeliver = "deliver"
)

// teller is a server whose payments are told to the receiver.
type teller struct {
	srv *server
	db  *sql.DB // beside the server
}

// name of the teller's cell.
func (t *teller) name() string { return "Sluice on " + title(t.srv.kind) }

// measureDeliveries lets events pile up before a receiver that does not answer, opens it, and takes the time until the
// database has recorded all as delivered. Then a bare client posts the same bodies to the same receiver.
func (l *lab) measureDeliveries(ctx context.Context) error {
	r, err := openReceiver(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	var tellers []*teller
	for _, kind := range l.kinds() {
		h, err := l.newHome(ctx, kind)
		if err != nil {
			return err
		}
		t := &teller{}
		if t.srv, err = l.serve(ctx, h); err != nil {
			return err
		}
		defer t.srv.stop()
		if t.db, err = h.open(); err != nil {
			return err
		}
		defer t.db.Close()
		tellers = append(tellers, t)
	}
	found := results{}
	for range l.opts.rounds {
		for _, t := range tellers {
			told, bare, err := l.tellAll(ctx, t, r)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name(), err)
			}
			own, other := t.key(), t.bareKey()
			found[own], found[other] = append(found[own], told), append(found[other], bare)
		}
	}
	l.report.keep(found)
	for _, t := range tellers {
		(&tally{found, l.report}).deliveries(t)
	}
	return nil
}

func (t *teller) key() key     { return key{workDeliver, t.name(), posters} }
func (t *teller) bareKey() key { return key{workDeliver, whoPoster + " beside " + t.name(), posters} }

// tellAll is one round on one server.
func (l *lab) tellAll(ctx context.Context, t *teller, r *receiver) (told, bare sample, err error) {
	r.shut()
	owed, err := l.owe(ctx, t.srv, r.url)
	if err != nil {
		return told, bare, err
	}
	t.srv.settle(ctx)
	used, began := t.srv.cpu(), time.Now()
	r.open()
	if err := r.await(ctx, owed); err != nil {
		return told, bare, err
	}
	if err := t.recorded(ctx); err != nil {
		return told, bare, err
	}
	lasted := time.Since(began)
	told = sample{Rate: float64(owed) / lasted.Seconds(), CPU: (t.srv.cpu() - used) / time.Duration(owed)}
	messages := r.messages()
	if len(messages) != owed {
		return told, bare, fmt.Errorf("%d events came, %d were owed", len(messages), owed)
	}
	if lasted, err = postApart(ctx, posting{URL: r.url, Times: bareTimes, Messages: messages}); err != nil {
		return told, bare, err
	}
	bare.Rate = float64(bareTimes*owed) / lasted.Seconds()
	return told, bare, nil
}

// owe makes paid payments, each of which leaves one event for the address, and returns how many.
func (l *lab) owe(ctx context.Context, s *server, url string) (int, error) {
	var owed atomic.Int64
	pay := s.payingWith(&l.refs, cardPart+`,"webhookUrl":"`+url+`"`)
	counted := func(ctx context.Context, worker int, deadline time.Time) (step, func(), error) {
		do, done, err := pay(ctx, worker, deadline)
		if err != nil {
			return nil, nil, err
		}
		return func() (int, error) {
			n, err := do()
			if err == nil {
				owed.Add(int64(n))
			}
			return n, err
		}, done, nil
	}
	count := min(l.opts.timing().count, fillAtMost)
	_, err := (&load{work: counted, conns: mostConnections}).closedLoop(ctx, timing{count: count})
	return int(owed.Load()), err
}

// settle waits until what the requests have left to do, such as the provider's notices, is done.
func (s *server) settle(ctx context.Context) {
	const look = 100 * time.Millisecond
	for until := time.Now().Add(settleLimit); time.Now().Before(until) && ctx.Err() == nil; {
		before := s.cpu()
		pause(ctx, look)
		if s.cpu()-before <= look/10 {
			return
		}
	}
}

// recorded waits until no delivery is open in the database.
func (t *teller) recorded(ctx context.Context) error {
	for until := time.Now().Add(time.Minute); ; pause(ctx, time.Millisecond) {
		var open int64
		err := t.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM delivery WHERE next IS NOT NULL").Scan(&open)
		if err != nil || open == 0 {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%d deliveries are still open", open)
		}
	}
}

// deliveries adds the ratio of a teller.
func (t *tally) deliveries(who *teller) {
	ratio, ok := t.pairs(who.key(), who.bareKey(), func(a, b sample) float64 { return a.Rate / b.Rate })
	if !ok {
		return
	}
	n := line{Section: "Webhooks", Name: fmt.Sprintf("events delivered, recorded and signed, from a backlog, %s, %d posts at a time",
		who.name(), posters), Value: perSecond(t.middle(who.key(), rateOf)), Ratio: ratio,
		Against: fmt.Sprintf("%s, a process of its own too, posting the same bodies to the same receiver, unsigned, from memory, %s", whoPoster,
			perSecond(t.middle(who.bareKey(), rateOf)))}
	t.report.add(n.atLeast(deliverMark))
}
