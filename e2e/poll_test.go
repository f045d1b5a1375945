package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	pollEvery  = 50 * time.Millisecond
	polledBy   = 8  // merchants at work at once
	polledEach = 20 // payments of each
	pollsAfter = 2 * time.Second
)

// TestPollersMissNothing: shops that ask for what changed, each time from where they were before on, see the final state
// of every payment, however many nodes work on the payments.
func TestPollersMissNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, database string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		var nodes []*server
		if database == "" {
			nodes = []*server{newServer(t, dir, "")}
			nodes[0].start(t)
		} else {
			nodes = startNodes(t, dir, database, database)
		}
		c := nodes[0].newShop(t, sim)
		polls := []*poll{
			{name: "from the start of the last poll on", next: func(began, _, _ time.Time) time.Time { return began }},
			{name: "from the last answer's timestamp on", next: func(_, told, _ time.Time) time.Time { return told }},
			{name: "windows, one after the other", bounded: true, next: func(_, _, end time.Time) time.Time { return end }},
		}
		var quiet atomic.Pointer[time.Time]
		var working, polling sync.WaitGroup
		for i, p := range polls {
			p.client, p.from = newClient(nodes[i%len(nodes)].base, c.key), time.Now()
			polling.Go(func() { p.run(t, &quiet) })
		}
		for w := range polledBy {
			at := newClient(nodes[w%len(nodes)].base, c.key)
			working.Go(func() {
				for n := range polledEach {
					at.pay(t, deposit(fmt.Sprintf("order-%d-%d", w, n), amountOf(1000+n)))
				}
			})
		}
		working.Wait()
		end := time.Now()
		quiet.Store(&end)
		polling.Wait()
		final := c.all(t)
		if len(final) != polledBy*polledEach {
			t.Errorf("%d payments were made", len(final))
		}
		for _, p := range polls {
			p.compare(t, final)
		}
	})
}

// poll is one way to ask for what changed.
type poll struct {
	*client
	name    string
	bounded bool // each question ends where the next one begins
	next    func(began, told, end time.Time) time.Time

	from  time.Time
	seen  map[string]string // id to the state that was seen last
	asked int
}

// run polls until the load has ended and all that it changed must have been found.
func (p *poll) run(t *testing.T, quiet *atomic.Pointer[time.Time]) {
	p.seen = map[string]string{}
	for last := quiet.Load(); last == nil || p.from.Before(last.Add(pollsAfter)); last = quiet.Load() {
		time.Sleep(pollEvery)
		began := time.Now()
		query := url.Values{"updated.gte": {utc(p.from)}}
		if p.bounded {
			query.Set("updated.lt", utc(began))
		}
		told, ok := p.read(t, query)
		if !ok {
			return
		}
		p.from = p.next(began, told, began)
		p.asked++
	}
}

// read reads all pages of one question and returns the first answer's timestamp.
func (p *poll) read(t *testing.T, query url.Values) (told time.Time, ok bool) {
	for offset := 0; ; offset += 1000 {
		query.Set("limit", "1000")
		query.Set("offset", strconv.Itoa(offset))
		r, err := p.do(t.Context(), request{method: http.MethodGet, path: payments + "?" + query.Encode()})
		if err != nil || r.status != http.StatusOK {
			t.Errorf("poll %s: %v %v", p.name, r, err)
			return told, false
		}
		if offset == 0 {
			var envelope struct{ Timestamp time.Time }
			if err := json.Unmarshal(r.body, &envelope); err != nil {
				t.Errorf("poll %s: %v", p.name, err)
				return told, false
			}
			told = envelope.Timestamp
		}
		for _, one := range r.list {
			p.seen[one.ID] = one.State
		}
		if !r.more {
			return told, true
		}
	}
}

func (p *poll) compare(t *testing.T, final []paid) {
	t.Helper()
	lost := 0
	for _, one := range final {
		if p.seen[one.ID] != one.State {
			lost++
		}
	}
	t.Logf("%s: %d polls, %d of %d payments lost", p.name, p.asked, lost, len(final))
	if lost > 0 {
		t.Errorf("%s: the final state of %d of %d payments was never seen", p.name, lost, len(final))
	}
}

func utc(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }
