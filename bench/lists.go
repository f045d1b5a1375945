package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// The parts that read lists, which share one filled database of each kind.
var listParts = []string{"fill", "list", "offset", "window", "walk"}

const (
	lists     = "Lists" // section of the report
	pageSize  = 50
	firstMark = 1.4  // times the bare query, without HTTP
	marksRoom = 10e6 // bytes for ten million payments
)

// measureLists fills a server's database with payments and reads pages of them: through the API, by its handler in this process,
// and by the bare query.
func (l *lab) measureLists(ctx context.Context) error {
	for _, kind := range l.kinds() {
		h, k, err := l.filled(ctx, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		if err := l.listsOn(ctx, h, k); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// listed is what was measured over HTTP and is compared with what is read in this process.
type listed struct {
	first time.Duration // the first page
	walk  walked
}

// listsOn measures over HTTP first, and then, when the server has left the database alone, in this process.
func (l *lab) listsOn(ctx context.Context, h home, k merchant) error {
	over, err := l.listsOver(ctx, h, k)
	if err != nil || l.onlyFills() {
		return err
	}
	in, err := openInside(ctx, h, k)
	if err != nil {
		return err
	}
	defer in.close(ctx)
	if l.opts.wants("list") {
		if err := l.firstPages(ctx, in, over.first); err != nil {
			return fmt.Errorf("first page: %w", err)
		}
	}
	if l.opts.wants("walk") {
		return l.reportWalk(ctx, in, over.walk)
	}
	return nil
}

// listsOver measures what is measured over HTTP.
func (l *lab) listsOver(ctx context.Context, h home, k merchant) (over listed, err error) {
	s, err := l.serve(ctx, h)
	if err != nil {
		return over, err
	}
	defer s.stop()
	if err := errors.Join(l.awaitMarks(ctx, h, k), l.reportMarks(ctx, h)); err != nil || l.onlyFills() {
		return over, err
	}
	p := &pager{lab: l, server: s, merchant: k, payments: l.opts.payments}
	if err := p.connect(ctx); err != nil {
		return over, err
	}
	defer func() { p.client.close() }()
	plain := p.page("", 0)
	if over.first, err = p.median(ctx, plain); err != nil {
		return over, err
	}
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"offset", p.offsets}, {"window", func(ctx context.Context) error { return p.windows(ctx, h) }}} {
		if l.opts.wants(part.name) {
			if err := part.run(ctx); err != nil {
				return over, fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	if l.opts.wants("walk") {
		over.walk, err = p.walk(ctx)
	}
	return over, err
}

// pager reads pages over HTTP.
type pager struct {
	*lab

	server   *server
	client   *client
	merchant merchant
	payments int // of the shop
}

// connect has a new connection: the server closes one on which nothing came for two minutes.
func (p *pager) connect(ctx context.Context) error {
	c, err := dial(ctx, p.server.address, time.Now().Add(time.Hour))
	if err != nil {
		return err
	}
	if p.client != nil {
		p.client.close()
	}
	p.client = c
	return nil
}

// page is one request for a page, and how many payments it has to answer with.
type page struct {
	request *request
	holds   int
}

// page asks for the page at an offset of those that the filter leaves; without an own number of payments it is a full one.
func (p *pager) page(filter string, offset int) page {
	return page{p.server.listRequest(pageSize, offset, filter), pageSize}
}

// read reads a page once and returns how long that took.
func (p *pager) read(page page) (time.Duration, error) {
	began := time.Now()
	status, body, err := p.client.do(page.request.raw)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if n := bytes.Count(body, []byte(`"paymentType"`)); status != 200 || n != page.holds {
		return 0, fmt.Errorf("%.100q answered %d with %d payments and not %d: %.200s", page.request.raw, status, n, page.holds, body)
	}
	return took, nil
}

// median reads a page again and again.
func (p *pager) median(ctx context.Context, of page) (time.Duration, error) {
	all, err := p.medians(ctx, of)
	if err != nil {
		return 0, err
	}
	return all[0], nil
}

// medians reads pages in turns and returns the median time of each.
func (p *pager) medians(ctx context.Context, pages ...page) ([]time.Duration, error) {
	took := make([][]time.Duration, len(pages))
	end := time.Now().Add(p.opts.timing().count)
	for i := 0; i < 5 || i < 2000 && time.Now().Before(end); i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for n := range pages {
			once, err := p.read(pages[n])
			if err != nil {
				return nil, err
			}
			if i >= 2 { // after the statements are prepared
				took[n] = append(took[n], once)
			}
		}
	}
	all := make([]time.Duration, len(pages))
	for n := range pages {
		all[n] = percentile(took[n], 50)
	}
	return all, nil
}

// firstPages compares the first page as the API's handler makes it with what the driver needs for the same columns, in turns
// and in this process, and shows beside it what HTTP and the key cost.
func (l *lab) firstPages(ctx context.Context, in *inside, over time.Duration) error {
	if err := in.holds(ctx, pageSize); err != nil {
		return err
	}
	found, err := l.inTurns(
		func() error { return in.list(ctx, pageSize) },
		func() error { return in.bare(ctx, pageSize+1) }, // like the API it asks for one more to see whether more follow
		func() error { return in.onlyKey(ctx) },
	)
	if err != nil {
		return err
	}
	handled, bare, keyed := found[0], found[1], found[2]
	name := fmt.Sprintf("first page of %d among %d payments", pageSize, l.opts.payments)
	on := title(in.home.kind)
	add := func(name string, value time.Duration, against string, base time.Duration) line {
		return line{Section: lists, Name: name + ", median, " + on, Value: millis(value),
			Against: against + ", " + millis(base), Ratio: float64(value) / float64(base)}
	}
	l.report.add(add(name+", read and written", handled, "the same columns read by the driver in the same process", bare).atMost(firstMark))
	l.report.add(add("the key and the frame of a request", keyed, "that page", handled))
	l.report.add(add(name+", over HTTP", over, "that page", handled))
	return nil
}

// inTurns runs everything in turns and returns the median of the times of each.
func (l *lab) inTurns(all ...func() error) ([]time.Duration, error) {
	took := make([][]time.Duration, len(all))
	end := time.Now().Add(2 * l.opts.timing().count)
	for i := 0; i < 5 || i < 5000 && time.Now().Before(end); i++ {
		for n, run := range all {
			began := time.Now()
			if err := run(); err != nil {
				return nil, err
			}
			if once := time.Since(began); i >= 2 {
				took[n] = append(took[n], once)
			}
		}
	}
	medians := make([]time.Duration, len(all))
	for n := range all {
		medians[n] = percentile(took[n], 50)
	}
	return medians, nil
}
