package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errAnswer is an answer that proves nothing: the outcome stays unknown.
var errAnswer = errors.New("the provider's answer proves nothing")

// errNoSuch is the provider's clear word that it does not know a transaction.
var errNoSuch = errors.New("the provider does not know the transaction")

// client makes the HTTP calls. header is shared by all of them and never changed.
type client struct {
	http   *outbound.Client
	base   string
	header http.Header
	log    *slog.Logger
}

func (c *client) get(ctx context.Context, path string) (*outbound.Response, error) {
	return c.http.Do(ctx, &outbound.Request{Method: http.MethodGet, URL: c.base + path, Header: c.header})
}

func (c *client) post(ctx context.Context, path string, body []byte) (*outbound.Response, error) {
	return c.http.Do(ctx, &outbound.Request{Method: http.MethodPost, URL: c.base + path, Header: c.header, Body: body, Wipe: true})
}

// find asks for one transaction. It returns errNoSuch when the provider says that
// there is none; every other refusal of a query proves nothing about what was asked for.
func (c *client) find(ctx context.Context, path string) (*transaction, error) {
	res, err := c.get(ctx, path)
	if err != nil {
		return nil, err
	}
	if res.Status == http.StatusOK {
		return readTransaction(res.Body)
	}
	r := readRefusal(res.Body)
	if res.Status == http.StatusNotFound && r.Code == "transaction_not_found" {
		return nil, errNoSuch
	}
	c.warn(ctx, res.Status)
	return nil, unclear(res.Status, r)
}

// refused judges a money request that was not accepted. Only the provider's written
// promise that it did nothing makes it a refusal.
func (c *client) refused(ctx context.Context, res *outbound.Response) (payment.Fact, error) {
	r := readRefusal(res.Body)
	c.warn(ctx, res.Status)
	if res.Status < 400 || res.Status > 499 || r.Processed == nil || *r.Processed {
		return payment.Fact{}, unclear(res.Status, r)
	}
	return payment.Fact{Class: payment.ClassRejected, Code: rejection(r.Code), RawCode: r.Code}, nil
}

// warn tells the operator that the terminal's settings are at fault.
func (c *client) warn(ctx context.Context, status int) {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		c.log.ErrorContext(ctx, "the provider does not accept the terminal's key", "provider", Name, "status", status)
	}
}

func unclear(status int, r refusal) error {
	if r.Code == "" {
		return fmt.Errorf("%w: status %d", errAnswer, status)
	}
	return fmt.Errorf("%w: status %d, %s", errAnswer, status, r.Code)
}

// cancellation is the answer to a cancel by reference.
type cancellation struct {
	Reference   string      `json:"reference"`
	Result      string      `json:"result"`
	Transaction transaction `json:"transaction"`
}

// refusal is the provider's error. Code is empty unless it is a plain word.
type refusal struct {
	Code      string `json:"code"`
	Processed *bool  `json:"processed"`
}

// readTransaction decodes one transaction: a whole JSON object in which no name
// repeats, with an id that can be part of an address.
func readTransaction(body []byte) (*transaction, error) {
	t := new(transaction)
	if err := json.Unmarshal(body, t); err != nil {
		return nil, fmt.Errorf("%w: no transaction in %d bytes", errAnswer, len(body))
	}
	if !provider.Word(t.ID, 64) {
		return nil, fmt.Errorf("%w: no usable transaction id", errAnswer)
	}
	return t, nil
}

func readRefusal(body []byte) refusal {
	var r struct {
		Error refusal `json:"error"`
	}
	if json.Unmarshal(body, &r) != nil {
		return refusal{}
	}
	if !provider.Word(r.Error.Code, 40) || strings.ContainsAny(r.Error.Code, "0123456789") {
		r.Error.Code = ""
	}
	return r.Error
}
