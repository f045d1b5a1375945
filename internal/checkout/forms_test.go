package checkout_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/web"
)

// slowly is a form that comes in drops: nothing more of it until it is let go.
type slowly struct {
	begun, end chan struct{}
	once       sync.Once
}

func (s *slowly) Read([]byte) (int, error) {
	s.once.Do(func() { s.begun <- struct{}{} })
	<-s.end
	return 0, io.EOF
}

// counter is where forms are handed in.
type counter struct {
	*house
	mux  *http.ServeMux
	wg   sync.WaitGroup
	held chan struct{} // hears of each form that is being read
	end  chan struct{} // closed, it ends all slow ones
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{house: newHouse(t), mux: http.NewServeMux(), held: make(chan struct{}), end: make(chan struct{})}
	checkout.New(checkout.Deps{
		Engine: c.engine, Log: slog.New(slog.DiscardHandler), TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}).Mount(c.mux)
	return c
}

func (c *counter) page() string {
	_, page := c.deposit()
	return "/payment/" + path.Base(page)
}

// send posts a form, through a proxy from that client.
func (c *counter) send(at, client string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, at, body) // of 192.0.2.1
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", client)
	w := httptest.NewRecorder()
	c.mux.ServeHTTP(w, r)
	return w
}

// slow begins a form that stays on its way, and returns once it is being read or was answered.
func (c *counter) slow(at, client string) (answered bool) {
	done := make(chan struct{})
	c.wg.Go(func() {
		c.send(at, client, &slowly{begun: c.held, end: c.end})
		close(done)
	})
	select {
	case <-c.held:
		return false
	case <-done:
		return true
	}
}

// quick posts a form that is there at once.
func (c *counter) quick(at, client string) *httptest.ResponseRecorder {
	return c.send(at, client, strings.NewReader("nonce=none"))
}

// TestFormsInDropsForOnePayment: whoever knows the address of a payment sends forms there that never end. So many are read
// and no more, and those for other payments come in, be they from the same address.
func TestFormsInDropsForOnePayment(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	const stranger = "203.0.113.1"
	one, another := c.page(), c.page()
	for n := range 4 {
		at := one
		if n == 3 {
			at += "/cancel"
		}
		if c.slow(at, fmt.Sprintf("203.0.113.%d", n)) {
			t.Fatalf("form %d is not read", n)
		}
	}
	for _, at := range []string{one, one + "/cancel"} {
		for range 5 {
			w := c.quick(at, stranger)
			if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "<html") {
				t.Errorf("%s: %d, Retry-After %q", at, w.Code, w.Header().Get("Retry-After"))
			}
		}
	}
	for range 5 {
		if w := c.quick(another, stranger); w.Code != http.StatusSeeOther {
			t.Errorf("another payment: %d", w.Code)
		}
	}
	if w := c.send(one+"/return", stranger, &slowly{}); w.Code != http.StatusSeeOther { // nobody reads it
		t.Errorf("a return: %d", w.Code)
	}
	close(c.end)
	c.wg.Wait()
	if w := c.quick(one, stranger); w.Code != http.StatusSeeOther {
		t.Errorf("when they have ended: %d", w.Code)
	}
}

// TestFormsInDropsFromOneAddress: somebody with many payments of his own gets no more than one address has.
func TestFormsInDropsFromOneAddress(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	const many = 65
	begun := 0
	for n := range many {
		at := c.page()
		for range 4 {
			if !c.slow(at, fmt.Sprintf("2001:db8:1:2::%x", n)) {
				begun++
			}
		}
	}
	if begun != 256 {
		t.Errorf("%d forms of %d are read", begun, 4*many)
	}
	at := c.page()
	if w := c.quick(at, "2001:db8:1:2::ffff"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	for _, client := range []string{"2001:db8:1:3::1", "203.0.113.1", "10.0.0.1", "10.0.0.1"} {
		if w := c.quick(at, client); w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", client, w.Code)
		}
	}
	close(c.end)
	c.wg.Wait()
	if w := c.quick(at, "2001:db8:1:2::ffff"); w.Code != http.StatusSeeOther {
		t.Errorf("when they have ended: %d", w.Code)
	}
}

// TestFormsForPaymentsThatAreNotThere are not read, so that they hold nothing.
func TestFormsForPaymentsThatAreNotThere(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	known := c.page()
	for n := range 20 {
		if !c.slow(fmt.Sprintf("%s%d", known, n), "203.0.113.1") {
			t.Fatal("the form of a payment that is not there is read")
		}
	}
	c.wg.Wait()
	if w := c.quick(known, "203.0.113.1"); w.Code != http.StatusSeeOther {
		t.Errorf("status %d", w.Code)
	}
}

// TestNoMemoryForAForm is answered politely, and is no error of ours: strangers can cause it.
func TestNoMemoryForAForm(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	log := &safeBuffer{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := web.New(web.Options{Logger: slog.New(slog.DiscardHandler), BodyMemory: 1 << 10, Handler: web.Wrap(c.mux, web.Common{
		Logger: slog.New(slog.NewTextHandler(log, nil)), Now: c.clock.Now, NewID: func() string { return "one" },
	})})
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	a := c.do(http.MethodPost, "http://"+l.Addr().String()+c.page(), url.Values{"nonce": {strings.Repeat("n", 5000)}})
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "level=INFO") || !strings.Contains(text, "status=503") || strings.Contains(text, "ERROR") {
		t.Errorf("logged %s", text)
	}
}
