package paypal

import (
	"context"
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Fence closes a deposit. An order that waits is changed so that it cannot be completed. One of which no answer ever came has its request id
// used up, or is found by that. A capture, void or refund cannot be closed, and is only asked about.
func (p *PayPal) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	if ref.Kind != payment.AttemptDeposit {
		return p.Status(ctx, ref)
	}
	var fact payment.Fact
	var err error
	if ref.ProviderRef == "" {
		fact, err = p.useUp(ctx, ref)
	} else {
		fact, err = p.shut(ctx, ref)
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("paypal fence: %w", err)
	}
	return fact, nil
}

// useUp sends an order that nobody can pay under the request id of one of which no answer came. PayPal answers a request id that it knows with
// what the first request made, whatever comes under it. So either the original is there, and the answer tells how it stands; or this order is
// made, and the original cannot be any more. It is tried only while PayPal remembers request ids.
func (p *PayPal) useUp(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	unknown := payment.Fact{Class: payment.ClassUnknown}
	if age := p.now().Sub(ref.Started); ref.Started.IsZero() || age >= keyLife || !keyed(ref.Key) {
		return unknown, nil
	}
	amount, err := written(ref.Amount, ref.Currency)
	if err != nil {
		return unknown, nil //nolint:nilerr // it never left
	}
	unit := provider.NewObject(300).Text("custom_id", ref.Key+closedMark).Nest("amount", amount)
	body := provider.NewObject(400).Text("intent", "CAPTURE").List("purchase_units", unit).Bytes()
	res, err := p.send(ctx, http.MethodPost, ordersPath, body, ref.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	if res.Status != http.StatusOK && res.Status != http.StatusCreated {
		return payment.Fact{}, readFailure(res.Body).unclear(res.Status)
	}
	return judgeOrder(res, ref.Key)
}

// shut closes an order that PayPal shows. One whose payer has not approved it yet needs nothing: only we could take its money, and nobody will
// have asked PayPal to. Any other is turned from a sale into a hold, or the other way round: PayPal refuses the request to complete it, which
// may still be under way, because it does not match. What PayPal completes by itself cannot be closed.
func (p *PayPal) shut(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	o, err := p.ours(ctx, ref.ProviderRef, ref.Key)
	if err != nil {
		return payment.Fact{}, err
	}
	stands, err := o.fact()
	if err != nil || !o.open() || o.Source.Blik != nil {
		return stands, err
	}
	if advice, _ := o.ready(); o.Status == "PAYER_ACTION_REQUIRED" && advice != goOn {
		f := closed()
		f.ProviderRef, f.Echoed = o.ID, stands.Echoed
		return f, nil
	}
	other := map[string]string{"CAPTURE": "AUTHORIZE", "AUTHORIZE": "CAPTURE"}[o.Intent]
	if other == "" {
		return payment.Fact{}, unpublished("order")
	}
	reference := o.Units[0].Reference
	if !provider.Word(reference, 256) {
		return payment.Fact{}, errOther
	}
	change := func(path, value string) string {
		return string(provider.NewObject(200).Text("op", "replace").Text("path", path).Text("value", value).Bytes())
	}
	body := "[" + change("/intent", other) + "," + change("/purchase_units/@reference_id=='"+reference+"'/custom_id", ref.Key+closedMark) + "]"
	res, err := p.send(ctx, http.MethodPatch, ordersPath+"/"+o.ID, []byte(body), "")
	if err != nil {
		return payment.Fact{}, err
	}
	if e := readFailure(res.Body); res.Status != http.StatusNoContent && !e.notDone(res.Status) {
		return payment.Fact{}, e.unclear(res.Status)
	}
	if o, err = p.ours(ctx, o.ID, ref.Key); err != nil {
		return payment.Fact{}, err
	}
	if o.closed() && o.Intent != other {
		return payment.Fact{}, errOther
	}
	return o.fact()
}
