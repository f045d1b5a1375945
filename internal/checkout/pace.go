package checkout

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/web"
)

// Rates are how often addresses of payments may be opened; what is beyond is answered 429. The zero value is no limit.
type Rates struct {
	Payment limit.Rate // everything below the address of one payment, by whomever
	Client  limit.Rate // by one client address, a network of 64 bits of IP version 6 counting as one
}

// DefaultRates serve a customer who loads the page in several tabs that load themselves again every three seconds, and some
// thousand customers who share an address.
func DefaultRates() Rates {
	return Rates{Payment: limit.Rate{PerSecond: 4, Burst: 80}, Client: limit.Rate{PerSecond: 50, Burst: 500}}
}

// paces is who opened what, and how often.
type paces struct {
	rates    Rates
	payments limit.Pace[payment.ID]
	clients  limit.Pace[netip.Addr]
}

// tooFast is the error of a request that comes too soon.
type tooFast struct{ wait time.Duration }

// Error implements error.
func (e *tooFast) Error() string { return fmt.Sprintf("too many requests for %s", e.wait) }

// client counts a request of a client address. Addresses of private networks are not counted: they are proxies that nobody
// has named to us, and all customers are behind them.
func (p *paces) client(r *http.Request, trusted []netip.Prefix, now time.Time) error {
	if !p.rates.Client.Limits() {
		return nil
	}
	addr, ok := clientOf(r, trusted)
	if !ok {
		return nil
	}
	if wait := p.clients.Take(addr, p.rates.Client, now); wait > 0 {
		return &tooFast{wait}
	}
	return nil
}

// clientOf is what a client is counted by: its address, of IP version 6 the network. ok is false for what stands for no
// client but for a proxy that nobody has named to us; the address is the zero value then.
func clientOf(r *http.Request, trusted []netip.Prefix) (addr netip.Addr, ok bool) {
	addr = web.ClientIP(r, trusted)
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return netip.Addr{}, false
	}
	return web.Network(addr), true
}

// opened counts a request for a payment.
func (p *paces) opened(id payment.ID, now time.Time) error {
	if wait := p.payments.Take(id, p.rates.Payment, now); wait > 0 {
		return &tooFast{wait}
	}
	return nil
}

// showTooFast asks for some patience. It costs the database nothing.
func (g *Pages) showTooFast(w http.ResponseWriter, r *http.Request, e *tooFast, words *words) {
	seconds := strconv.FormatInt(int64((e.wait+time.Second-1)/time.Second), 10)
	w.Header().Set("Retry-After", seconds)
	g.renderProblem(w, r, http.StatusTooManyRequests, words, words.Busy)
}
