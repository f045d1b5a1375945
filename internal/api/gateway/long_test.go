package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/web"
)

// heavy gives the shop so many payments of some kilobytes, straight in the database.
func heavy(t *testing.T, a *testkit.App, m testkit.Member, n, bytes int) {
	t.Helper()
	base := a.Clock.Now().Add(-time.Hour)
	err := a.DB.Update(t.Context(), func(tx *store.Tx) error {
		for i := range n {
			at := base.Add(time.Duration(i) * time.Millisecond).Truncate(time.Microsecond)
			p := payment.Restore(payment.Payment{Shop: m.ID, ID: payment.ID(id.Floor(at) + strings.Repeat("0", 32-len(id.Floor(at)))), Type: payment.Deposit,
				Asked: money.Sum{Amount: money.MustParse("1"), Currency: "EUR"}, Created: at, Updated: at,
				Terms: payment.Terms{Additional: payment.Document(`{"a":"` + strings.Repeat("x", bytes) + `"}`)}}, payment.Declined)
			tx.Payments().Insert(&p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// listAnswer is what a list answers with.
type listAnswer struct {
	HasMore bool              `json:"hasMore"`
	Result  []json.RawMessage `json:"result"`
}

func (c *client) listed(t *testing.T, query string) listAnswer {
	t.Helper()
	var l listAnswer
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.app.URL+payments+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.shop.APIKey)
	a := c.read(t, r)
	if err := json.Unmarshal(a.body, &l); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d, %v: %.300s", query, a.status, err, a.body)
	}
	return l
}

// TestALongPageIsAsManyShortOnes: what is sent in parts is what would be sent whole.
func TestALongPageIsAsManyShortOnes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		a := testkit.New(t, d.Open(), testkit.Options{})
		c := &client{app: a, shop: fakeShop(t, a)}
		heavy(t, a, c.shop, 130, 9000)
		whole := c.listed(t, "?limit=1000")
		if whole.HasMore || len(whole.Result) != 130 {
			t.Fatalf("%d payments, more %v", len(whole.Result), whole.HasMore)
		}
		var by [2][]json.RawMessage // offset and cursor
		after := ""
		for offset := 0; offset < 130; offset += 13 {
			page := c.listed(t, fmt.Sprint("?limit=13&offset=", offset))
			if page.HasMore != (offset < 117) {
				t.Errorf("offset %d: more %v", offset, page.HasMore)
			}
			by[0] = append(by[0], page.Result...)
			page = c.listed(t, "?limit=13&after="+after)
			if page.HasMore != (offset < 117) {
				t.Errorf("after %q: more %v", after, page.HasMore)
			}
			by[1] = append(by[1], page.Result...)
			var last struct{ ID string }
			if err := json.Unmarshal(page.Result[len(page.Result)-1], &last); err != nil {
				t.Fatal(err)
			}
			after = last.ID
		}
		for n, found := range by {
			if !bytes.Equal(bytes.Join(rawOf(found), nil), bytes.Join(rawOf(whole.Result), nil)) {
				t.Errorf("way %d of paging finds other payments than one page", n)
			}
		}
		if page := c.listed(t, "?after="+after); page.HasMore || len(page.Result) != 0 {
			t.Errorf("after the last one there are %d", len(page.Result))
		}
	})
}

func rawOf(all []json.RawMessage) [][]byte {
	raw := make([][]byte, len(all))
	for i := range all {
		raw[i] = all[i]
	}
	return raw
}

// fakeShop is a shop whose payments nobody audits: they were made by no command.
func fakeShop(t *testing.T, a *testkit.App) testkit.Member {
	t.Helper()
	m := a.NewShop(t, nil)
	a.Forget(m)
	return m
}

// pipes is a network without any buffers: what is not read is not sent.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial(t *testing.T) net.Conn {
	t.Helper()
	mine, its := net.Pipe()
	t.Cleanup(func() { _ = mine.Close() })
	_ = mine.SetDeadline(time.Now().Add(time.Minute))
	p.conns <- its
	return mine
}

// serveOn serves the application on a network of pipes until the test ends.
func serveOn(t *testing.T, a *testkit.App, memory int64) (*web.Server, *pipes, func()) {
	t.Helper()
	server := web.New(web.Options{Handler: a.Handler(t.Context(), app.Public{}), Logger: slog.New(slog.DiscardHandler), BodyMemory: memory})
	network := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, network) }()
	end := sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return server, network, end
}

// askForAll asks for the longest page, and waits for the first line of the answer.
func (p *pipes) askForAll(t *testing.T, m testkit.Member) (net.Conn, string) {
	t.Helper()
	c := p.dial(t)
	_, err := io.WriteString(c, "GET /api/v1/payments?limit=1000 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer "+m.APIKey+"\r\n\r\n")
	status := make([]byte, len("HTTP/1.1 200"))
	if err == nil {
		_, err = io.ReadFull(c, status)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, string(status)
}

// TestAnswersThatNobodyReads: however many pages of the heaviest payments one key asks for and leaves unread, they hold no more
// than the shop's share, and another shop has its page.
func TestAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		const budget, askers = 4 << 20, 40
		a := testkit.New(t, d.Open(), testkit.Options{})
		shops := []testkit.Member{fakeShop(t, a), fakeShop(t, a)}
		for _, s := range shops {
			heavy(t, a, s, 40, 50_000)
		}
		server, network, end := serveOn(t, a, budget)
		var all []net.Conn
		begun, refused := 0, 0
		for range askers {
			c, status := network.askForAll(t, shops[0])
			all = append(all, c)
			if status == "HTTP/1.1 200" {
				begun++
			} else if refused++; status != "HTTP/1.1 429" {
				t.Fatalf("%q", status)
			}
			if held := server.Memory(); held > budget/2 {
				t.Fatalf("the shop's answers hold %d bytes of %d", held, budget)
			}
		}
		if begun == 0 || refused == 0 || server.Memory() < budget/4 {
			t.Errorf("%d answers were begun and %d refused; they hold %d bytes", begun, refused, server.Memory())
		}
		other, status := network.askForAll(t, shops[1])
		if status != "HTTP/1.1 200" {
			t.Errorf("another shop is answered %q", status)
		}
		for _, c := range append(all, other) {
			_ = c.Close()
		}
		end()
		if held := server.Memory(); held != 0 {
			t.Errorf("in the end %d bytes are held", held)
		}
	})
}

// TestAnAnswerThatCannotBeFinishedIsCut: where the rest of a page cannot be read, nobody takes what was sent for all of it.
func TestAnAnswerThatCannotBeFinishedIsCut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		var broken atomic.Bool
		db := d.Open(func(o *store.Options) {
			o.Fault = func(p store.FaultPoint, _ []string) error {
				if p == store.FaultRead && broken.Load() {
					return store.ErrUnavailable
				}
				return nil
			}
		})
		a := testkit.New(t, db, testkit.Options{Log: slog.New(slog.DiscardHandler)})
		m := fakeShop(t, a)
		heavy(t, a, m, 100, 50_000)
		_, network, _ := serveOn(t, a, 0)
		c, status := network.askForAll(t, m)
		broken.Store(true) // most of the first part is still to be taken
		resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(status), c)), nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(status, err)
		}
		defer func() { _ = resp.Body.Close() }() // as it ends
		if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes were sent, and then %v", len(body), err)
		}
		broken.Store(false)
	})
}
