package connectortest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// patience is how long a call may take before the suite gives up on it: longer than the slowest machine needs.
const patience = 2 * time.Minute

// rig is one connector at one double. Its log and everything that its calls leave
// behind are searched for secrets.
type rig struct {
	suite   Suite
	p       Provider
	c       connector.Connector
	log     *lockedBuffer
	secrets []string
	keys    atomic.Int64
	names   sync.Map // the provider's, by our keys: see Exceptions.Named
	pages   sync.Map // of keys: where their customers were sent
}

// lockedBuffer takes log lines of several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t *testing.T, s Suite) *rig {
	t.Helper()
	p := s.Open(t)
	return rigAt(t, s, p, p.URL)
}

// rigAt opens the connector on another address than the double's.
func rigAt(t *testing.T, s Suite, p Provider, address string) *rig {
	t.Helper()
	r := &rig{suite: s, p: p, log: new(lockedBuffer), secrets: p.Secrets}
	for _, c := range []*instrument.Card{p.Good, p.Refused, p.Challenged} {
		if c == nil {
			continue
		}
		r.secrets = append(r.secrets, c.Number.Reveal())
		if code := c.SecurityCode.Reveal(); code != "" {
			r.secrets = append(r.secrets, `"`+code+`"`, `\"`+code+`\"`, "="+code)
		}
	}
	client := outbound.New(outbound.Options{
		Guard: outbound.GuardNone, Timeout: patience, Now: time.Now, Loggable: s.Type.Loggable,
	})
	config, err := s.Type.Parse(p.Settings(address))
	if err != nil {
		t.Fatal("settings of the double:", err)
	}
	now := p.Now
	if now == nil {
		now = time.Now
	}
	r.c, err = config.Open(connector.Deps{
		Client: client, Now: now, Random: rand.Reader, Log: slog.New(slog.NewJSONHandler(r.log, nil)),
	})
	if err != nil {
		t.Fatal("open:", err)
	}
	for _, v := range []any{config, r.c} {
		r.search(t, "printing", fmt.Sprintf("%v %+v %#v %s %q", v, v, v, v, v))
	}
	t.Cleanup(func() {
		client.CloseIdle()
		r.search(t, "the log", r.log.String())
	})
	return r
}

// search fails the test when a secret is in the text.
func (r *rig) search(t *testing.T, where, text string) {
	t.Helper()
	for i, secret := range r.secrets {
		for _, form := range []string{secret, url.QueryEscape(secret)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows secret number %d", where, i)
			}
		}
	}
}

// key makes a key of the form that the engine uses.
func (r *rig) key() string { return fmt.Sprintf("7e57ab1e-%032x-1", r.keys.Add(1)) }

// said is how answers name a key.
func (r *rig) said(key string) string {
	if r.p.Said != nil {
		return r.p.Said(key)
	}
	return key
}

// sale is a request for 11.12 EUR by the good card, or what the provider takes instead.
func (r *rig) sale() connector.Request {
	q := connector.Request{
		Key: r.key(), Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard,
		Description: "two coffees", ReturnURL: "https://shop.example/back",
		Customer: payment.Customer{Email: "jane@shop.example", FirstName: "Jane", LastName: "Doe"},
		Browser:  payment.Browser{IP: "192.0.2.7", UserAgent: "test", Language: "en"},
	}
	if r.p.Good != nil {
		q.Means = r.p.Good.Clone()
	}
	if r.p.Sale != nil {
		r.p.Sale(&q)
	}
	return q
}

// request is a request for an attempt of that kind, with the original that it needs
// already made. The test is skipped where the connector cannot do it.
func (r *rig) request(t *testing.T, kind payment.AttemptKind) connector.Request {
	t.Helper()
	if !r.can(kind) {
		t.Skip("the connector has no ", kind)
	}
	q := r.sale()
	if kind == payment.AttemptWithdrawal && r.p.Account != nil {
		q.Means, q.Customer = nil, *r.p.Account
	}
	if kind == payment.AttemptDeposit || kind == payment.AttemptWithdrawal {
		return q
	}
	q.PreAuth = kind != payment.AttemptRefund
	fact := r.must(t, payment.AttemptDeposit, q)
	return connector.Request{
		Key: r.key(), Amount: q.Amount, Currency: q.Currency, Method: q.Method,
		Original: connector.Ref{
			Kind: payment.AttemptDeposit, Key: q.Key, ProviderRef: fact.ProviderRef, Amount: q.Amount, Currency: q.Currency,
		},
	}
}

// method is the connector's own for the request of an attempt of that kind, or nil.
func (r *rig) method(kind payment.AttemptKind, verify bool) func(context.Context, connector.Request) (payment.Fact, error) {
	switch kind {
	case payment.AttemptDeposit:
		if !verify {
			return r.c.Start
		}
		if c, ok := connector.As[connector.Verifier](r.c); ok {
			return c.Verify
		}
	case payment.AttemptWithdrawal:
		if c, ok := connector.As[connector.Payer](r.c); ok {
			return c.Payout
		}
	case payment.AttemptRefund:
		if c, ok := connector.As[connector.Refunder](r.c); ok {
			return c.Refund
		}
	case payment.AttemptCapture:
		if c, ok := connector.As[connector.Capturer](r.c); ok && r.c.Traits().PreAuth {
			return c.Capture
		}
	case payment.AttemptVoid:
		if c, ok := connector.As[connector.Voider](r.c); ok && r.c.Traits().PreAuth {
			return c.Void
		}
	}
	return nil
}

// can reports whether the connector makes attempts of that kind.
func (r *rig) can(kind payment.AttemptKind) bool { return r.method(kind, false) != nil }

// send makes the call of an attempt of that kind.
func (r *rig) send(t *testing.T, kind payment.AttemptKind, q connector.Request) (payment.Fact, error) {
	t.Helper()
	return r.sendIn(t.Context(), t, kind, q)
}

func (r *rig) sendIn(ctx context.Context, t *testing.T, kind payment.AttemptKind, q connector.Request) (payment.Fact, error) {
	t.Helper()
	fact, err := r.watch(ctx, t, func(ctx context.Context) (payment.Fact, error) {
		if call := r.method(kind, q.Verify); call != nil {
			fact, err := call(ctx, q)
			if kind == payment.AttemptDeposit && err == nil && fact.Class == payment.ClassWaiting && r.p.Back != nil {
				return r.back(ctx, q, fact, true)
			}
			return fact, err
		}
		return payment.Fact{}, errors.New("the connector has no " + string(kind))
	})
	r.remember(q.Key, fact, err)
	return fact, err
}

// must makes a call that has to succeed. Where outcomes are told, it may be done only when that is told.
func (r *rig) must(t *testing.T, kind payment.AttemptKind, q connector.Request) payment.Fact {
	t.Helper()
	fact, err := r.send(t, kind, q)
	return r.done(t, kind, q, fact, err)
}

// done is the success that the answer is, or that follows it once the customer has paid.
func (r *rig) done(t *testing.T, kind payment.AttemptKind, q connector.Request, fact payment.Fact, err error) payment.Fact {
	t.Helper()
	fact, err = r.arrived(t, kind, q, fact, err)
	if r.told() && err == nil && fact.Class == payment.ClassWaiting {
		fact, err = r.status(t, kind, q)
	}
	want := payment.ClassApproved
	if q.PreAuth {
		want = payment.ClassAuthorized
	}
	if err != nil || fact.Class != want {
		t.Fatalf("%s: %s, %v; want %s", kind, fact.Class, err, want)
	}
	return fact
}

// ask asks for an attempt.
func (r *rig) ask(t *testing.T, kind payment.AttemptKind, q connector.Request) (payment.Fact, error) {
	t.Helper()
	return r.watch(t.Context(), t, func(ctx context.Context) (payment.Fact, error) {
		return r.question(ctx, kind, q)
	})
}

// fence closes an attempt, where the connector can.
func (r *rig) fence(t *testing.T, kind payment.AttemptKind, q connector.Request) (payment.Fact, error) {
	t.Helper()
	fencer, ok := connector.As[connector.Fencer](r.c)
	if !ok {
		t.Skip("the connector has no fence")
	}
	return r.watch(t.Context(), t, func(ctx context.Context) (payment.Fact, error) {
		return fencer.Fence(ctx, r.refOf(kind, q))
	})
}

// nameOf is the provider's name of an attempt, where only its notices tell that of one whose answer got lost.
func (r *rig) nameOf(key string) string {
	if r.p.Name == nil {
		return ""
	}
	return r.p.Name(key)
}

func (r *rig) refOf(kind payment.AttemptKind, q connector.Request) connector.Ref {
	return connector.Ref{
		Kind: kind, Key: q.Key, ProviderRef: r.nameOf(q.Key), Amount: q.Amount, Currency: q.Currency, Started: time.Now(), Page: r.page(q.Key),
		Of: connector.Original{Key: q.Original.Key, ProviderRef: cmp.Or(q.Original.ProviderRef, r.nameOf(q.Original.Key))},
	}
}

// watch makes a call under a recorder and a time limit, and checks what every answer
// has to keep to.
func (r *rig) watch(ctx context.Context, t *testing.T, call func(context.Context) (payment.Fact, error)) (payment.Fact, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, messages := outbound.WithRecorder(ctx)
	fact, err := call(ctx)
	r.search(t, "a message sent", messages.Outgoing())
	r.search(t, "a message received", messages.Incoming())
	if err != nil {
		r.search(t, "an error", err.Error())
		return payment.Fact{}, err // what comes with an error is nobody's business
	}
	r.search(t, "a fact", fmt.Sprintf("%+v", fact))
	wellFormed(t, fact)
	return fact, nil
}
