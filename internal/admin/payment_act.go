package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Act is a command on a payment that moves money, given by hand in the place of the merchant.
type Act struct {
	OfPayment
	Reason string `name:"reason" required:"" placeholder:"TEXT" help:"Why." json:"reason"`
	By     string `name:"by" required:"" placeholder:"NAME" help:"Who asks for it." json:"by"`
	Key    string `name:"key" placeholder:"KEY" help:"Names the act: given again under the same key it is not done again. One is made, and printed, without it." json:"key" log:"keyId"`
}

// PartlyAct is an act on all of an amount or a part of it.
type PartlyAct struct {
	Act
	Amount string `name:"amount" placeholder:"AMOUNT" help:"How much, such as 11.12; without it all there is." json:"amount,omitempty"`
}

// RefundPayment says what to give back of a deposit.
type RefundPayment struct {
	PartlyAct
	Reference string `name:"reference" placeholder:"TEXT" help:"Reference of the refund, as the merchant would give it." json:"reference,omitempty"`
}

// Outcome is what became of an act.
type Outcome string

// The outcomes. Whatever is not proved is OPEN.
const (
	Done    Outcome = "DONE"
	Refused Outcome = "REFUSED" // by the provider: no money moved
	// Open says that the provider has not told how it ended, and is asked by itself until it does.
	Open Outcome = "OPEN"
	// Unsure says that it is not known whether the act was taken up. Under the same key it can be given again.
	Unsure Outcome = "UNKNOWN"
)

// Acted is what an act led to.
type Acted struct {
	Outcome  Outcome         `json:"outcome"`
	Key      string          `json:"key"`
	Repeated bool            `json:"repeated,omitempty"` // an act of this key was there before, and is what is shown
	Payment  json.RawMessage `json:"payment,omitempty"`  // as the gateway API shows it; of a refund the refund
	Problem  string          `json:"problem,omitempty"`
}

// capturePayment takes held money. It needs the right CapturePayments.
func (d *Desk) capturePayment(ctx context.Context, c PartlyAct) (Acted, error) {
	amount, err := readAmount(c.Amount)
	if err != nil {
		return Acted{}, err
	}
	t, err := d.target(ctx, &c.Act, store.CaptureByHand, amount, "")
	if err != nil {
		return Acted{}, err
	}
	o, err := d.c.Engine.Capture(ctx, t, amount)
	return d.acted(&c.Act, &o, !o.Payment.Captured.IsZero(), err)
}

// voidPayment gives held money back. It needs the right VoidPayments.
func (d *Desk) voidPayment(ctx context.Context, c Act) (Acted, error) {
	t, err := d.target(ctx, &c, store.VoidByHand, money.Amount{}, "")
	if err != nil {
		return Acted{}, err
	}
	o, err := d.c.Engine.Void(ctx, t)
	return d.acted(&c, &o, o.Payment.State() == payment.Cancelled, err)
}

// refundPayment gives money that was taken back, all that is left where no amount is said. It needs the right RefundPayments.
func (d *Desk) refundPayment(ctx context.Context, c RefundPayment) (Acted, error) {
	amount, err := readAmount(c.Amount)
	if err != nil {
		return Acted{}, err
	}
	if err := readReference(c.Reference); err != nil {
		return Acted{}, err
	}
	t, err := d.target(ctx, &c.Act, store.RefundByHand, amount, c.Reference)
	if err != nil {
		return Acted{}, err
	}
	o, err := d.c.Engine.Create(ctx, engine.Create{
		Shop: t.Shop, Idem: t.Idem, Fingerprint: t.Idem.Fingerprint, Type: payment.Refund, Parent: t.ID,
		Amount: amount, Reference: c.Reference, Record: t.Record,
	})
	return d.acted(&c.Act, &o, o.Payment.State() == payment.Completed, err)
}

// target is what the engine is told of an act whatever it is.
func (d *Desk) target(ctx context.Context, c *Act, what payment.State, amount money.Amount, reference string) (engine.Target, error) {
	switch {
	case strings.TrimSpace(c.Reason) == "" || strings.TrimSpace(c.By) == "":
		return engine.Target{}, errors.New("an act by hand needs a reason and a name")
	case !isText(c.Reason, longestReason) || !isText(c.By, longestReason):
		return engine.Target{}, fmt.Errorf("the reason and the name must be text of at most %d characters", longestReason)
	}
	if !goodKey(c.Key) {
		return engine.Target{}, errors.New("--key: must have 1 to 255 characters of ASCII")
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return engine.Target{}, err
	}
	whole, err := d.c.Engine.Shop(ctx, s.ID)
	if err != nil {
		return engine.Target{}, err
	}
	said, err := json.Marshal([]string{string(what), string(c.id()), amount.String(), reference})
	if err != nil {
		return engine.Target{}, fmt.Errorf("render act: %w", err)
	}
	return engine.Target{
		Shop: whole, ID: c.id(), Record: &store.ManualUpdate{To: what, Reason: c.Reason, AskedBy: c.By},
		Idem: engine.Idempotency{Route: "operator " + string(what), Key: c.Key, Fingerprint: d.c.Engine.Fingerprint(said)},
	}, nil
}

// acted tells what an act led to. That our own means failed is no error: whether it was taken up is not known then.
func (d *Desk) acted(c *Act, o *engine.Outcome, done bool, err error) (Acted, error) {
	switch {
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Acted{Outcome: Unsure, Key: c.Key, Problem: err.Error()}, nil
	case errors.Is(err, engine.ErrMismatch):
		return Acted{}, fmt.Errorf("--key: %q named another act before", c.Key)
	case err != nil:
		return Acted{}, paymentError(err, &c.OfPayment)
	}
	p := &o.Payment
	a := Acted{Outcome: Refused, Key: c.Key, Repeated: o.Replayed, Payment: d.shown(p)}
	switch {
	case p.State() == payment.Pending:
		a.Outcome = Open
	case done:
		a.Outcome = Done
	default:
		a.Problem = refusalOf(p)
	}
	return a, nil
}

// refusalOf words why an act was refused: by the code of the payment, or of its last attempt where the payment goes on.
func refusalOf(p *payment.Payment) string {
	code := p.ErrorCode
	if n := len(p.Attempts); code == "" && n > 0 {
		code = p.Attempts[n-1].Code
	}
	if code == "" {
		return "the provider refused"
	}
	return string(code) + " " + code.Text()
}

// id is the payment's id, however it was spelled.
func (o *OfPayment) id() payment.ID {
	if read, ok := id.Read(o.Payment); ok {
		return payment.ID(read)
	}
	return payment.ID(o.Payment)
}

func paymentError(err error, of *OfPayment) error {
	if errors.Is(err, payment.ErrNotFound) {
		return fmt.Errorf("shop %s has no payment %s", shop.ID(of.Shop), named(of.Payment))
	}
	return err
}

func readAmount(text string) (money.Amount, error) {
	if text == "" {
		return money.Amount{}, nil
	}
	a, err := money.Parse(text)
	if err != nil || a.IsZero() {
		return a, fmt.Errorf("--amount: %q is no amount such as 11.12", text)
	}
	return a, nil
}

const (
	longestReason = 1000
	mostReference = 256 // of the gateway API
)

// isText reports whether every database keeps the text as it is.
func isText(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsRune(text, 0)
}

func readReference(text string) error {
	if !isText(text, mostReference) {
		return fmt.Errorf("--reference: must be text of at most %d characters", mostReference)
	}
	return nil
}

func goodKey(key string) bool {
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= 255
}
