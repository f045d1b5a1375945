package provider

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
)

const (
	// grantMargin is how long before its end a token is no longer used: a call lasts at most 30 s, and clocks differ.
	grantMargin = time.Minute
	// grantLife is taken where the server does not say how long a token lives.
	grantLife = 5 * time.Minute
	// grantLongest bounds what is believed of a token's life.
	grantLongest = 24 * time.Hour
)

// Grant is an OAuth 2.0 access token by client credentials (RFC 6749, 4.4), fetched when it is needed and kept in memory until shortly before
// its end. It is safe for concurrent use: one fetch serves all who wait for it.
type Grant struct {
	API *API // of the token endpoint; its Header has the credentials where they go by Basic
	// Path of the endpoint, and Form what is posted there: it is made anew for each fetch, because it is overwritten.
	Path string
	Form func() Form
	Now  func() time.Time

	mu    sync.Mutex
	token string
	until time.Time
	busy  chan struct{} // closed when the fetch under way is over
}

// Bearer returns the header of a call. An error says that the call has not left: getting a token moves nothing.
func (g *Grant) Bearer(ctx context.Context) (http.Header, error) {
	for {
		g.mu.Lock()
		if g.token != "" && g.Now().Before(g.until) {
			header := http.Header{"Authorization": {"Bearer " + g.token}}
			g.mu.Unlock()
			return header, nil
		}
		wait := g.busy
		if wait == nil {
			wait = make(chan struct{})
			g.busy = wait
			g.mu.Unlock()
			if err := g.fetch(ctx, wait); err != nil {
				return nil, Before(err)
			}
			continue
		}
		g.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w: waiting for an access token: %w", outbound.ErrNotSent, outbound.ErrOurs, ctx.Err())
		}
	}
}

// Forget drops the token after an answer that did not accept it; the next call fetches another.
func (g *Grant) Forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token = ""
}

func (g *Grant) fetch(ctx context.Context, done chan struct{}) error {
	token, life, err := g.ask(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = nil
	close(done)
	if err != nil {
		return err
	}
	g.token, g.until = token, g.Now().Add(life)
	return nil
}

func (g *Grant) ask(ctx context.Context) (string, time.Duration, error) {
	res, err := g.API.Post(ctx, g.Path, g.Form(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}})
	if err != nil {
		return "", 0, fmt.Errorf("access token: %w", err)
	}
	if res.Status < 200 || res.Status > 299 {
		return "", 0, fmt.Errorf("access token: %w", Unclear(res.Status, ""))
	}
	var got struct {
		Token string `json:"access_token"`
		Life  int64  `json:"expires_in"`
	}
	if err := Read(res.Body, &got); err != nil {
		return "", 0, fmt.Errorf("access token: %w", err)
	}
	if !Bearable(got.Token) {
		return "", 0, fmt.Errorf("access token: %w: none that may stand in a header", ErrAnswer)
	}
	life := grantLife
	if got.Life > 0 {
		life = min(time.Duration(min(got.Life, int64(grantLongest/time.Second)))*time.Second, grantLongest)
	}
	// One that lives shorter than the margin serves this call and no other.
	return got.Token, max(life-grantMargin, time.Second), nil
}

// Bearable reports whether a token is of the characters that RFC 6750 has, and no longer than a header should be.
func Bearable(token string) bool {
	if token == "" || len(token) > 8<<10 {
		return false
	}
	for i := range len(token) {
		if c := token[i]; c <= ' ' || c >= 0x7f || c == '"' || c == ',' {
			return false
		}
	}
	return true
}
