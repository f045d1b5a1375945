package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

// ErrBusy is returned where there is no place for one more request now. The fitting answer is 429.
var ErrBusy = errors.New("too many requests at a time")

// Limited is the error of a request that comes sooner than its shop's settings allow. The fitting answer is 429.
type Limited struct{ Wait time.Duration } // until the next one may come

// Error implements error.
func (l *Limited) Error() string {
	return fmt.Sprintf("the shop's rate limit is reached for %s", l.Wait)
}

// Gate lets requests of shops in: one for all dialects, since they share what there is. Nil lets in everybody. It is safe
// for concurrent use.
type Gate struct {
	places *limit.Places[shop.ID]
	pace   limit.Pace[shop.ID]
	now    func() time.Time
}

// NewGate returns a gate for so many requests at a time, of which one shop may have as many as it leaves free; 0 is no limit.
func NewGate(most int, now func() time.Time) *Gate {
	return &Gate{places: limit.NewPlaces[shop.ID](most), now: now}
}

// Enter lets a request in, and Leave must follow, or it says why not: *Limited or ErrBusy. The body is read before a place
// is taken, because its sender decides how long that takes; ReadBody returns it later, or what was wrong with it. Of an
// endpoint that does not read it, it is dropped: a connection whose body nobody has read is one of those that have to
// make room for others, and it would lose the answer to what is being done.
func (g *Gate) Enter(w http.ResponseWriter, r *http.Request, s *shop.Shop, reads bool) error {
	if g == nil {
		return nil
	}
	if rate := s.Settings.RateLimit.Rate(); rate.Limits() {
		if wait := g.pace.Take(s.ID, rate, g.now()); wait > 0 {
			return &Limited{Wait: wait}
		}
	}
	if r.ContentLength != 0 {
		body, err := web.ReadBody(w, r, MaxBody, string(s.ID))
		if !reads {
			clear(body)
			body = nil
		}
		r.Body = &fetched{ReadCloser: r.Body, body: body, err: err}
	}
	if !g.places.Take(s.ID, 1) {
		return ErrBusy
	}
	return nil
}

// Leave gives back the place of a request that was let in.
func (g *Gate) Leave(s *shop.Shop) {
	if g != nil {
		g.places.Give(s.ID, 1)
	}
}

// Wait is Leave for a while: a request that waits for something to happen needs no place. Again must follow.
func (g *Gate) Wait(id shop.ID) {
	if g != nil {
		g.places.Give(id, 1)
	}
}

// Again takes the place back after Wait, whether or not there is one.
func (g *Gate) Again(id shop.ID) {
	if g != nil {
		g.places.Retake(id, 1)
	}
}

// fetched is a body that was read before its endpoint asked for it.
type fetched struct {
	io.ReadCloser
	body []byte
	err  error
}

// RetryAfter is what the header of that name says to somebody who is to come again no sooner than that: whole seconds, at
// least one.
func RetryAfter(err error) string {
	wait := time.Second
	if l := new(Limited); errors.As(err, &l) {
		wait = l.Wait
	}
	if s := new(engine.Slowed); errors.As(err, &s) {
		wait = s.After
	}
	return strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10)
}
