package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/store"
)

// allParts lists the bench's parts in the order in which they run. What shares the rounds is one part with several names.
func allParts() []part {
	return []part{
		{[]string{"create", "flow", "open", "overhead"}, "creates and paid flows", (*lab).measureRates},
		{[]string{"webhook"}, "webhooks", (*lab).measureDeliveries},
		{[]string{"idle"}, "doing nothing", (*lab).measureIdle},
		{[]string{"memory"}, "memory under load", (*lab).measureMemory},
		{listParts, "lists", (*lab).measureLists},
		{[]string{"start"}, "start to first answer", (*lab).measureStarts},
		{[]string{"vault"}, "the vault", (*lab).measureVault},
		{[]string{"wallet"}, "tokens of wallets", (*lab).measureWallets},
		{[]string{"page"}, "payment pages", (*lab).measurePages},
	}
}

type part struct {
	names []string
	about string
	run   func(*lab, context.Context) error
}

func partNames() []string {
	var names []string
	for _, p := range allParts() {
		names = append(names, p.names...)
	}
	return names
}

func (p part) wanted(o options) bool {
	return slices.ContainsFunc(p.names, o.wants)
}

// Numbers of connections, of which the marks are for the last.
var connections = []int{1, 16, 64}

const (
	mostConnections = 64
	openShare       = 0.7 // of the closed-loop rate, in the open loop
)

// key names a cell: what is done, by whom, over how many connections.
type key struct {
	work, who string
	conns     int
}

// cell is one measurement that has its turn in each round.
type cell struct {
	key
	run func(ctx context.Context) (sample, error)
}

// results holds the samples of each cell, one a round.
type results map[key][]sample

// latest is a cell's sample of the present round.
func (r results) latest(k key) sample {
	all := r[k]
	if len(all) == 0 {
		return sample{}
	}
	return all[len(all)-1]
}

// bed is one kind of database with everything that is measured on it.
type bed struct {
	kind   store.Kind
	srv    *server
	bare   bareDB
	create job
	flow   job
	final  job
}

func (b *bed) sluice() string { return "Sluice on " + title(b.kind) }
func (b *bed) bareSQL() string {
	return "bare SQL on " + title(b.kind)
}

func (b *bed) groupSQL() string { return "grouped SQL on " + title(b.kind) }

func title(k store.Kind) string {
	if k == store.Postgres {
		return "PostgreSQL"
	}
	return "SQLite"
}

func (b *bed) close() {
	b.bare.close()
	b.srv.stop()
}

const whoMock = "stripe-mock"

// measureRates runs creates, flows, the open loop and the overhead in rounds.
func (l *lab) measureRates(ctx context.Context) error {
	var beds []*bed
	for _, kind := range l.kinds() {
		b, err := l.makeBed(ctx, kind)
		if err != nil {
			return err
		}
		defer b.close()
		beds = append(beds, b)
	}
	var peer *mock
	if l.mockProgram != "" {
		address, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		if peer, err = l.startMock(ctx, address); err != nil {
			return err
		}
		defer peer.stop()
	}
	found := results{}
	cells := l.cells(beds, peer, found)
	for range l.opts.rounds {
		for _, c := range cells {
			s, err := c.run(ctx)
			if err != nil {
				return fmt.Errorf("%s, %s, %d connections: %w", c.work, c.who, c.conns, err)
			}
			found[c.key] = append(found[c.key], s)
		}
	}
	l.reportRates(beds, found)
	return nil
}

// makeBed starts a server and takes from its database what its creates and flows have written.
func (l *lab) makeBed(ctx context.Context, kind store.Kind) (b *bed, err error) {
	h, err := l.newHome(ctx, kind)
	if err != nil {
		return nil, err
	}
	b = &bed{kind: kind}
	if b.srv, err = l.serve(ctx, h); err != nil {
		return nil, err
	}
	born, carded, paid, err := l.sampleTraces(ctx, b.srv, h)
	if err == nil {
		b.create, b.final = createJob(born), finalJob(paid)
		b.flow, err = flowJob(carded, paid)
	}
	if err == nil {
		b.bare, err = l.openBare(ctx, kind)
	}
	if bare, ok := b.bare.(*postgresBare); ok && err == nil {
		own := &postgresBare{url: h.database, ids: bare.ids}
		err = errors.Join(bare.settle(ctx, b.final), own.settle(ctx, b.final))
	}
	if err != nil {
		b.srv.stop()
		return nil, err
	}
	return b, nil
}

// sampleTraces makes a payment for the hosted page and one with a card, and returns their rows: the second as it was born
// and as it was when paid.
func (l *lab) sampleTraces(ctx context.Context, s *server, h home) (born, carded, paid trace, err error) {
	c, err := dial(ctx, s.address, time.Now().Add(time.Minute))
	if err != nil {
		return born, carded, paid, err
	}
	defer c.close()
	db, err := h.open()
	if err != nil {
		return born, carded, paid, err
	}
	defer db.Close()
	look := func(id string) trace {
		if err != nil {
			return trace{}
		}
		var t trace
		t, err = traceOf(ctx, db, s.ready.ShopID, id)
		return t
	}
	made, err := s.create(c, s.createRequest(""), l.refs.next())
	born = look(string(made))
	if err != nil {
		return born, carded, paid, err
	}
	made, err = s.create(c, s.createRequest(cardPart), l.refs.next())
	id := string(made)
	carded = look(id)
	if err == nil {
		err = s.pay(c, s.patchRequest(), []byte(id))
	}
	paid = look(id)
	return born, carded, paid, err
}

// cells lists what has its turn in each round: things that are compared come after each other.
func (l *lab) cells(beds []*bed, peer *mock, found results) []cell {
	var cells []cell
	for _, n := range connections {
		if l.opts.wants("create") || l.opts.wants("open") {
			for _, b := range beds {
				cells = append(cells, l.createCells(b, n)...)
			}
			if peer != nil {
				cells = append(cells, cell{key{"create", whoMock, n}, func(ctx context.Context) (sample, error) {
					return (&load{work: peer.mocking, conns: n}).closedLoop(ctx, l.opts.timing())
				}})
			}
		}
		for _, b := range beds {
			if l.opts.wants("flow") || l.opts.wants("open") {
				cells = append(cells, l.flowCells(b, n)...)
			}
			if l.opts.wants("overhead") && n < mostConnections {
				cells = append(cells, l.overheadCells(b, n)...)
			}
		}
	}
	if !l.opts.wants("open") {
		return cells
	}
	for _, b := range beds {
		cells = append(cells, l.openCell(b, "create", b.srv.creating(&l.refs), found),
			l.openCell(b, "flow", b.srv.paying(&l.refs), found))
	}
	return cells
}

func (l *lab) createCells(b *bed, n int) []cell {
	t := l.opts.timing()
	cells := []cell{
		{key{"create", b.sluice(), n}, func(ctx context.Context) (sample, error) {
			return (&load{work: b.srv.creating(&l.refs), conns: n, cpu: b.srv.cpu}).closedLoop(ctx, t)
		}},
		{key{"create", b.bareSQL(), n}, func(ctx context.Context) (sample, error) { return b.bare.single(ctx, b.create, n, t) }},
	}
	if n == mostConnections {
		cells = append(cells, cell{key{"create", b.groupSQL(), n}, func(ctx context.Context) (sample, error) {
			return b.bare.grouped(ctx, b.create, t)
		}})
	}
	return cells
}

func (l *lab) flowCells(b *bed, n int) []cell {
	t := l.opts.timing()
	cells := []cell{
		{key{"flow", b.sluice(), n}, func(ctx context.Context) (sample, error) {
			return (&load{work: b.srv.paying(&l.refs), conns: n, cpu: b.srv.cpu}).closedLoop(ctx, t)
		}},
		{key{"flow", b.bareSQL(), n}, func(ctx context.Context) (sample, error) { return b.bare.single(ctx, b.flow, n, t) }},
	}
	if n == mostConnections {
		cells = append(cells,
			cell{key{"final", b.bareSQL(), n}, func(ctx context.Context) (sample, error) { return b.bare.single(ctx, b.final, n, t) }},
			cell{key{"flow", b.groupSQL(), n}, func(ctx context.Context) (sample, error) { return b.bare.grouped(ctx, b.flow, t) }})
	}
	return cells
}

// openCell sends at a fixed rate, a share of what the closed loop has reached in the same round.
func (l *lab) openCell(b *bed, work string, w work, found results) cell {
	return cell{key{work + " open", b.sluice(), mostConnections}, func(ctx context.Context) (sample, error) {
		closed := found.latest(key{work, b.sluice(), mostConnections})
		perSecond := max(1, closed.Rate*openShare)
		return (&load{work: w, conns: mostConnections, cpu: b.srv.cpu}).openLoop(ctx, l.opts.timing(), perSecond)
	}}
}
