package main

import (
	"context"
	"database/sql"
	"errors"
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
	// backlog is how many events wait, so that beginning and end weigh little.
	backlog      = 30_000
	quickBacklog = 1_000
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
	if err == nil {
		owed, err = l.multiply(ctx, t.db, owed)
	}
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
	if lasted, err = postApart(ctx, posting{URL: r.url, Messages: messages}); err != nil {
		return told, bare, err
	}
	bare.Rate = float64(owed) / lasted.Seconds()
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

// The statements that multiply what waits: copies of events and their deliveries, as of other payments.
const (
	sqlCopyEvents = `INSERT INTO event (shop_id, id, dialect, payment_id, seq, type, content_type, body, created)
		SELECT e.shop_id, e.id || '-%[1]d', e.dialect, e.payment_id || '-%[1]d', e.seq, e.type, e.content_type, e.body, e.created
		FROM event e JOIN delivery d ON d.shop_id = e.shop_id AND d.payment_id = e.payment_id AND d.seq = e.seq
		WHERE d.next IS NOT NULL AND d.payment_id NOT LIKE '%%-%%'`
	sqlCopyDeliveries = `INSERT INTO delivery (shop_id, payment_id, seq, endpoint_id, shard, state, tries, rung, next)
		SELECT shop_id, payment_id || '-%[1]d', seq, endpoint_id, shard, state, tries, rung, next
		FROM delivery WHERE next IS NOT NULL AND payment_id NOT LIKE '%%-%%'`
)

// multiply makes a backlog of what is owed, which takes far less time than so many payments would, and returns its size.
func (l *lab) multiply(ctx context.Context, db *sql.DB, owed int) (int, error) {
	if owed == 0 {
		return 0, errors.New("no payment was made")
	}
	wanted := backlog
	if l.opts.quick {
		wanted = quickBacklog
	}
	all := owed
	for n := 1; all < wanted; n++ {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		for _, text := range []string{sqlCopyEvents, sqlCopyDeliveries} {
			done, err := tx.ExecContext(ctx, fmt.Sprintf(text, n))
			if err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
			if made, err := done.RowsAffected(); err != nil || int(made) != owed {
				return 0, errors.Join(fmt.Errorf("%d copies of %d events", made, owed), err, tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
		all += owed
	}
	return all, nil
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
	n := line{Section: "Webhooks", Name: fmt.Sprintf("events delivered, recorded and signed, from a backlog, %s, at most %d posts at a time",
		who.name(), posters), Value: perSecond(t.middle(who.key(), rateOf)), Ratio: ratio,
		Against: fmt.Sprintf("%s, a process of its own too, posting the same bodies to the same receiver, unsigned, from memory, %s", whoPoster,
			perSecond(t.middle(who.bareKey(), rateOf)))}
	t.report.add(n.atLeast(deliverMark))
}
