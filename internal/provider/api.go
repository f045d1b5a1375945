package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"github.com/sluicepay/sluice/internal/outbound"
)

// ErrAnswer is an answer that proves nothing: the outcome stays unknown.
var ErrAnswer = errors.New("the provider's answer proves nothing")

// API is a provider's HTTP interface under one set of credentials. Each call leaves once and follows no redirect.
type API struct {
	Client *outbound.Client
	Name   string      // of the connector, for log lines
	Base   string      // the address without a final slash
	Header http.Header // sent with every request; never changed
	Log    *slog.Logger
}

// Get asks. The path begins with a slash and may have a query.
func (a *API) Get(ctx context.Context, path string) (*outbound.Response, error) {
	return a.Do(ctx, http.MethodGet, path, nil, nil)
}

// Post sends a body, which is overwritten once it has left, with more headers, such as the provider's name for our key.
func (a *API) Post(ctx context.Context, path string, body []byte, more http.Header) (*outbound.Response, error) {
	return a.Do(ctx, http.MethodPost, path, body, more)
}

// Do makes a call of any method, as Get and Post do.
func (a *API) Do(ctx context.Context, method, path string, body []byte, more http.Header) (*outbound.Response, error) {
	return a.call(ctx, &outbound.Request{Method: method, URL: a.Base + path, Header: a.with(more), Body: body, Wipe: len(body) > 0})
}

// with is the header of a call that has more than others.
func (a *API) with(more http.Header) http.Header {
	if len(more) == 0 {
		return a.Header
	}
	header := a.Header.Clone()
	if header == nil {
		header = make(http.Header, len(more))
	}
	maps.Copy(header, more)
	return header
}

// PostOnce is Post of a request that the provider carries out once under a key of ours, which the header named key has, and that may be
// sent again as the same bytes: see connector.Resend. Everything that is sent with every request is part of what has to be the same.
func (a *API) PostOnce(ctx context.Context, path string, body []byte, key string, more http.Header) (*outbound.Response, error) {
	return a.DoOnce(ctx, Once{http.MethodPost, path, body, key, more})
}

// Once is a request that the provider carries out once under a key of ours, which the header named Key has.
type Once struct {
	Method, Path string
	Body         []byte
	Key          string
	More         http.Header
}

// DoOnce is PostOnce by any method.
func (a *API) DoOnce(ctx context.Context, o Once) (*outbound.Response, error) {
	once := append(slices.Sorted(maps.Keys(a.Header)), o.Key)
	return a.call(ctx, &outbound.Request{Method: o.Method, URL: a.Base + o.Path, Header: a.with(o.More), Body: o.Body, Wipe: len(o.Body) > 0, Once: once})
}

func (a *API) call(ctx context.Context, r *outbound.Request) (*outbound.Response, error) {
	res, err := a.Client.Do(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	if res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden {
		a.Log.ErrorContext(ctx, "the provider does not accept the terminal's key", "provider", a.Name, "status", res.Status)
	}
	return res, nil
}

// Before is an error of a request that had to be made before the one that moves money, such as naming the card to the provider: since it
// failed, the one that counts has provably not left. For want of our own means it may be made again.
func Before(err error) error {
	if err == nil || errors.Is(err, outbound.ErrNotSent) {
		return err
	}
	return fmt.Errorf("%w: what has to be sent before it failed: %w", outbound.ErrNotSent, err)
}

// Unclear is the error of an answer with that status that is neither a success nor a refusal that proves anything. The word is the
// provider's own for it and may be empty.
func Unclear(status int, word string) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fmt.Errorf("%w: status %d, the key is not accepted", ErrAnswer, status)
	}
	if !Word(word, 64) {
		return fmt.Errorf("%w: status %d", ErrAnswer, status)
	}
	return fmt.Errorf("%w: status %d, %s", ErrAnswer, status, word)
}
