package paypal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNoSuch is PayPal's clear word that it does not know an id.
var errNoSuch = errors.New("paypal does not know it")

// Status asks how the attempt stands: an order by PayPal's id, what has followed by its own or through its order. Nothing can be asked for by
// our key alone.
func (p *PayPal) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	fact, err := p.status(ctx, ref)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal status: %w", err)
	}
	return fact, nil
}

func (p *PayPal) status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Key == "" {
		return payment.Fact{}, errors.New("no key")
	}
	switch ref.Kind {
	case payment.AttemptDeposit:
		if ref.ProviderRef == "" {
			return payment.Fact{Class: payment.ClassUnknown}, nil
		}
		o, err := p.ours(ctx, ref.ProviderRef, ref.Key)
		if err != nil {
			return payment.Fact{}, err
		}
		return o.fact()
	case payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund:
		return p.followedUp(ctx, ref)
	case payment.AttemptWithdrawal:
	}
	return payment.Fact{}, fmt.Errorf("%w: it has no %s", errNoSuch, ref.Kind)
}

// followedUp asks about a capture, void or refund: by its id, or through the order, which lists them.
func (p *PayPal) followedUp(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	w := follower{kind: ref.Kind, key: ref.Key, of: ref.Of.Key}
	if ref.ProviderRef != "" {
		path := map[payment.AttemptKind]string{
			payment.AttemptCapture: capturesPath, payment.AttemptVoid: authorizationsPath, payment.AttemptRefund: refundsPath,
		}[ref.Kind]
		var m movement
		if err := p.get(ctx, path, ref.ProviderRef, &m); err != nil {
			return payment.Fact{}, err
		}
		if m.ID != ref.ProviderRef {
			return payment.Fact{}, errOther
		}
		return w.fact(&m)
	}
	if ref.Of.ProviderRef == "" {
		return payment.Fact{Class: payment.ClassUnknown}, nil
	}
	o, err := p.ours(ctx, ref.Of.ProviderRef, ref.Of.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	paid := &o.Units[0].Payments
	list := map[payment.AttemptKind][]movement{
		payment.AttemptCapture: paid.Captures, payment.AttemptVoid: paid.Authorizations, payment.AttemptRefund: paid.Refunds,
	}[ref.Kind]
	found := payment.Fact{Class: payment.ClassUnknown, NotFound: true}
	for i := range list {
		if found, err = w.fact(&list[i]); err != nil || !found.NotFound {
			break
		}
	}
	return found, err
}

// Resume asks how a live attempt stands, and takes what the holder of a card has approved.
func (p *PayPal) Resume(ctx context.Context, ref connector.Ref, _ payment.Brought) (payment.Fact, error) {
	if ref.Kind != payment.AttemptDeposit {
		return p.Status(ctx, ref)
	}
	if ref.ProviderRef == "" { // nothing was told of it: it is closed, or found by that
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	}
	o, err := p.ours(ctx, ref.ProviderRef, ref.Key)
	var fact payment.Fact
	if err == nil {
		fact, err = o.fact()
	}
	if err == nil && o.open() {
		fact, err = p.complete(ctx, o, ref.Key, fact)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal status: %w", err)
	}
	return fact, nil
}

// ready says whether an open order is to be completed now, and if it is to be given up, why.
func (o *order) ready() (verdict, payment.ErrorCode) {
	c := o.Source.Card
	switch {
	case o.Source.Blik != nil: // PayPal does it by itself
		return undecided, ""
	case c != nil && c.Result != nil:
		advice, code := c.Result.advised()
		if advice == stop && o.Status == "PAYER_ACTION_REQUIRED" && code != "5.00" { // of an issuer who has not answered yet
			return undecided, ""
		}
		return advice, code
	case o.Status == "APPROVED":
		return goOn, ""
	}
	return undecided, ""
}

// complete takes, or holds, the money of an order that its payer has approved, under a request id that is the same each time. An order that is
// not to be completed is refused: nothing is taken without us.
func (p *PayPal) complete(ctx context.Context, o *order, key string, stands payment.Fact) (payment.Fact, error) {
	advice, code := o.ready()
	switch advice {
	case stop:
		return payment.Fact{
			Class: payment.ClassDeclinedHard, Code: code, RawCode: cmp.Or(o.Source.Card.Result.Secure.Status, "UNKNOWN"), ProviderRef: o.ID,
			Echoed: stands.Echoed, Instrument: stands.Instrument, Auth: stands.Auth,
		}, nil
	case undecided:
		return stands, nil
	case goOn:
	}
	verb := map[string]string{"CAPTURE": "/capture", "AUTHORIZE": "/authorize"}[o.Intent]
	if verb == "" {
		return payment.Fact{}, unpublished("order")
	}
	res, err := p.send(ctx, http.MethodPost, ordersPath+"/"+o.ID+verb, provider.NewObject(8).Bytes(), key+"-take")
	if err != nil {
		return payment.Fact{}, err
	}
	if e := readFailure(res.Body); res.Status == http.StatusUnprocessableEntity && (e.issue() == "PAYER_ACTION_REQUIRED" || e.issue() == "ORDER_NOT_APPROVED") {
		return stands, nil
	}
	f, err := judgeOrder(res, key)
	switch {
	case err != nil:
		return payment.Fact{}, err
	case f.Class == payment.ClassRejected: // the request was wrong, or not admitted: the order is as it was
		return payment.Fact{}, readFailure(res.Body).unclear(res.Status)
	case f.ProviderRef == "":
		f.ProviderRef, f.Echoed = o.ID, stands.Echoed
	case f.ProviderRef != o.ID:
		return payment.Fact{}, errOther
	}
	return f, nil
}

// ours reads an order, which has to be that of the key.
func (p *PayPal) ours(ctx context.Context, id, key string) (*order, error) {
	o, err := p.order(ctx, id)
	if err != nil {
		return nil, err
	}
	return o, o.mine(key)
}

func (p *PayPal) order(ctx context.Context, id string) (*order, error) {
	o := new(order)
	if err := p.get(ctx, ordersPath+"/", id, o); err != nil {
		return nil, err
	}
	if o.ID != id || len(o.Units) != 1 {
		return nil, errOther
	}
	return o, nil
}

// get reads what has that id.
func (p *PayPal) get(ctx context.Context, path, id string, into any) error {
	if !provider.Word(id, 36) {
		return fmt.Errorf("%w: the id is none of PayPal's", provider.ErrAnswer)
	}
	res, err := p.send(ctx, http.MethodGet, path+id, nil, "")
	if err != nil {
		return err
	}
	if res.Status == http.StatusOK {
		return provider.Read(res.Body, into) //nolint:wrapcheck // by each caller
	}
	e := readFailure(res.Body)
	if res.Status == http.StatusNotFound && e.Name == "RESOURCE_NOT_FOUND" {
		return errNoSuch
	}
	return e.unclear(res.Status)
}
