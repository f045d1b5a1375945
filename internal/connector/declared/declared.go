package declared

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Declared is one account at the provider of a file.
type Declared struct {
	d        *declaration
	api      provider.API
	settings map[string]string
	timeout  time.Duration
	now      func() time.Time
}

var (
	_ connector.Limited  = (*Declared)(nil)
	_ connector.Verifier = (*Declared)(nil)
	_ connector.Capturer = (*Declared)(nil)
	_ connector.Voider   = (*Declared)(nil)
	_ connector.Refunder = (*Declared)(nil)
	_ connector.Payer    = (*Declared)(nil)
	_ connector.Fencer   = (*Declared)(nil)
	_ connector.Prober   = (*Declared)(nil)
	_ connector.Notifier = (*Declared)(nil)
)

// Traits are those of the file.
func (c *Declared) Traits() connector.Traits {
	t := c.d.traits
	t.Timeout, t.NoAskByKey, t.ByOriginal = c.timeout, !c.d.asksByKey(), c.d.asksByOriginal()
	return t
}

// Has reports whether the file declares the capability.
func (c *Declared) Has(capability string) bool {
	if capability == "notice" {
		return c.d.notices != nil
	}
	return c.d.calls[capability] != nil
}

// Start makes a sale, or a hold where PreAuth is set.
func (c *Declared) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Method.Spec().Means == instrument.KindCard && r.Means == nil {
		return payment.Fact{}, fmt.Errorf("%w: a card or a credential is needed", connector.ErrIncomplete)
	}
	if r.PreAuth {
		return c.send(ctx, callHold, payment.AttemptDeposit, &r)
	}
	return c.send(ctx, callSale, payment.AttemptDeposit, &r)
}

// Verify checks a card without money.
func (c *Declared) Verify(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if instrument.CardOf(r.Means) == nil || !r.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: a card and no amount are needed", connector.ErrIncomplete)
	}
	return c.send(ctx, callVerify, payment.AttemptDeposit, &r)
}

// Capture takes the amount of the hold.
func (c *Declared) Capture(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return c.send(ctx, callCapture, payment.AttemptCapture, &r)
}

// Void gives the hold back.
func (c *Declared) Void(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return c.send(ctx, callVoid, payment.AttemptVoid, &r)
}

// Refund gives the amount back.
func (c *Declared) Refund(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return c.send(ctx, callRefund, payment.AttemptRefund, &r)
}

// Payout pays the amount to the customer.
func (c *Declared) Payout(ctx context.Context, r connector.Request) (payment.Fact, error) {
	if r.Means == nil && r.Customer.AccountNumber == "" {
		return payment.Fact{}, fmt.Errorf("%w: a card or an account is needed", connector.ErrIncomplete)
	}
	return c.send(ctx, callPayout, payment.AttemptWithdrawal, &r)
}

// Status asks how the attempt stands.
func (c *Declared) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	return c.ask(ctx, callStatus, ref)
}

// Fence closes the attempt: at once, or what waits after a question.
func (c *Declared) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if by := c.d.calls[callFence]; by != nil && by.after {
		return c.cancel(ctx, by, ref)
	}
	return c.ask(ctx, callFence, ref)
}

// probeKey is a key that no attempt has: theirs are longer.
const probeKey = "sluice-probe"

// Probe makes the request that is declared for it, or asks about a key that was never used.
func (c *Declared) Probe(ctx context.Context) error {
	res, _, err := c.call(ctx, callProbe, c.d.calls[callProbe], &connector.Request{Key: probeKey}, "")
	if err != nil {
		return err
	}
	a, err := readAnswer(res.Status, res.Body)
	if res.Status >= 200 && res.Status <= 299 && err == nil {
		return nil
	}
	q := asked{call: callStatus, key: probeKey, kind: payment.AttemptDeposit}
	if fact, err := c.d.judge(a, q); err == nil && fact.NotFound {
		return nil
	}
	return fmt.Errorf("%s probe: %w: neither 2xx with an object nor what a rule takes for NOT_FOUND", c.d.name, provider.Unclear(res.Status, ""))
}

// send makes a call that moves something and judges what is said to it.
func (c *Declared) send(ctx context.Context, name string, kind payment.AttemptKind, r *connector.Request) (payment.Fact, error) {
	if !provider.Word(r.Key, 200) || c.d.calls[name] == nil {
		return payment.Fact{}, fmt.Errorf("%w: there is no key, or no %s", connector.ErrIncomplete, name)
	}
	by := c.d.calls[name]
	if err := c.found(ctx, by, r); err != nil {
		return payment.Fact{}, fmt.Errorf("%s %s: %w", c.d.name, name, provider.Before(err))
	}
	res, v, err := c.call(ctx, name, by, r, "")
	if err != nil {
		return payment.Fact{}, err
	}
	return c.judged(res, asked{call: name, kind: kind, key: r.Key, none: name == callVerify, by: by, v: v})
}

func (c *Declared) ask(ctx context.Context, name string, ref connector.Ref) (payment.Fact, error) {
	return c.asking(ctx, name, ref, ref.Kind == payment.AttemptDeposit && ref.Amount.IsZero())
}

// asking asks about what moves money, or of which is known that it moves none.
func (c *Declared) asking(ctx context.Context, name string, ref connector.Ref, none bool) (payment.Fact, error) {
	if !provider.Word(ref.Key, 200) || c.d.calls[name] == nil {
		return payment.Fact{}, fmt.Errorf("%s %s: no key", c.d.name, name)
	}
	r := &connector.Request{Key: ref.Key, Original: connector.Ref{Key: ref.Of.Key, ProviderRef: ref.Of.ProviderRef}}
	by := c.d.calls[name]
	if name == callStatus {
		if by = c.d.asking(ref, c.values(r, ref.ProviderRef, "")); by == nil {
			return payment.Fact{}, fmt.Errorf("%s status: %w: no question is declared for what is known of the %s", c.d.name, provider.ErrAnswer, ref.Kind)
		}
	}
	if err := c.found(ctx, by, r); errors.Is(err, errNotFound) {
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	} else if err != nil {
		return payment.Fact{}, fmt.Errorf("%s %s: %w", c.d.name, name, err)
	}
	res, v, err := c.call(ctx, name, by, r, ref.ProviderRef)
	if err != nil {
		return payment.Fact{}, err
	}
	return c.judged(res, asked{call: name, kind: ref.Kind, key: ref.Key, none: none, by: by, v: v})
}

func (c *Declared) judged(res *outbound.Response, q asked) (payment.Fact, error) {
	a, err := readAnswer(res.Status, res.Body)
	ok := res.Status >= 200 && res.Status <= 299
	if err != nil && ok {
		return payment.Fact{}, fmt.Errorf("%s %s: %w", c.d.name, q.call, err)
	}
	if ok {
		if a, err = c.d.meant(a, q); errors.Is(err, errNotFound) {
			return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
		} else if err != nil {
			return payment.Fact{}, fmt.Errorf("%s %s: %w", c.d.name, q.call, err)
		}
	}
	fact, err := c.d.judge(a, q)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("%s %s: %w", c.d.name, q.call, err)
	}
	return fact, nil
}

// call makes the request that is declared, for what is known of a payment; id is the provider's own of what is asked about.
func (c *Declared) call(ctx context.Context, name string, declared *call, r *connector.Request, id string) (*outbound.Response, *values, error) {
	amount, err := c.amount(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", c.d.name, name, err)
	}
	v := c.values(r, id, amount)
	path, err := declared.path.plain(v, url.PathEscape)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", c.d.name, name, err)
	}
	more := http.Header{}
	for _, h := range declared.headers {
		value, err := h.text.plain(v, func(s string) string { return s })
		if err != nil {
			return nil, nil, fmt.Errorf("%s %s: %w", c.d.name, name, err)
		}
		more.Set(h.name, value)
	}
	var body []byte
	if declared.body != nil {
		body = make([]byte, 0, 4096+6*(len(r.Description)+len(r.ReturnURL)+len(r.NoticeURL)+len(r.Key))) // one that grows would leave a copy of a card behind
		if c.d.form {
			body = declared.body.form(body, "", v)
		} else {
			body, _ = declared.body.json(body, v)
		}
	}
	if declared.once == "" {
		res, err := c.api.Do(ctx, declared.method, path, body, more)
		return res, v, err //nolint:wrapcheck // it names the provider
	}
	more.Set(declared.once, r.Key)
	res, err := c.api.DoOnce(ctx, provider.Once{Method: declared.method, Path: path, Body: body, Key: declared.once, More: more})
	return res, v, err //nolint:wrapcheck // it names the provider
}

// amount is how the provider wants it written; empty for none.
func (c *Declared) amount(r *connector.Request) (string, error) {
	if r.Amount.IsZero() {
		return "", nil
	}
	if c.d.decimal && !c.d.units.ISO && len(c.d.units.Of) == 0 {
		return r.Amount.String(), nil
	}
	if c.d.decimal {
		return c.d.units.Decimal(r.Amount, r.Currency) //nolint:wrapcheck // by the caller
	}
	n, err := c.d.units.Number(r.Amount, r.Currency)
	return strconv.FormatUint(n, 10), err //nolint:wrapcheck // by the caller
}

// values are what names in templates stand for.
func (c *Declared) values(r *connector.Request, id, amount string) *values {
	known := map[string]string{
		"key": r.Key, "id": id, "amount": amount, "currency": string(r.Currency), "method": c.d.methods[r.Method], "description": r.Description,
		"returnUrl": r.ReturnURL, "noticeUrl": r.NoticeURL, "original.key": r.Original.Key, "original.id": r.Original.ProviderRef,
		"customer.email": r.Customer.Email, "customer.firstName": r.Customer.FirstName, "customer.lastName": r.Customer.LastName,
		"customer.phone": r.Customer.Phone, "customer.accountNumber": r.Customer.AccountNumber, "customer.accountName": r.Customer.AccountName, "customer.bank": r.Customer.Bank,
	}
	if r.StartRecurring {
		known["recurring"] = "true"
	}
	if c.d.lower {
		known["currency"] = strings.ToLower(known["currency"])
	}
	card := instrument.CardOf(r.Means)
	switch means := r.Means.(type) {
	case *instrument.Credential:
		known["credential"] = means.Handle
	case *instrument.Code:
		known["code"] = means.Digits
	case *instrument.Bank:
		known["bank"] = means.ID
	}
	if card != nil {
		known["card.month"], known["card.year"], known["card.holder"] = card.ExpiryMonth, card.ExpiryYear, card.Holder
	}
	for name, value := range c.settings {
		known["settings."+name] = value
	}
	return &values{
		of: func(name string) string { return known[name] }, number: !c.d.decimal,
		digits: func(name string, b []byte) []byte {
			switch {
			case card == nil:
			case name == "card.number":
				return card.Number.AppendTo(b)
			case !card.SecurityCode.IsZero():
				return card.SecurityCode.AppendTo(b)
			}
			return b
		},
	}
}

// Format writes the address of the provider whatever the verb, and never a setting.
func (c *Declared) Format(f fmt.State, _ rune) { writeName(f, c.d.name, c.api.Base) }

func writeName(f fmt.State, name, base string) {
	_, _ = io.WriteString(f, name+" at "+base) // fmt keeps the error of its writer and returns it itself
}
