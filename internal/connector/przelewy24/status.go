package przelewy24

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// errNoSuch is the clear word that a session, or a refund, is not known.
var errNoSuch = errors.New("przelewy24 does not know it")

// errOther is an answer about something else than what was asked for.
var errOther = fmt.Errorf("%w: it is about something else", provider.ErrAnswer)

// Status asks how the attempt stands. A payment that is found to be paid and not verified is verified then and there.
func (p *Przelewy24) Status(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	var fact payment.Fact
	var err error
	switch {
	case ref.Key == "":
		err = errors.New("no key")
	case ref.Kind == payment.AttemptDeposit:
		fact, err = p.deposit(ctx, ref)
	case ref.Kind == payment.AttemptRefund:
		fact, err = p.refunded(ctx, ref)
	default:
		err = errNoSuch
	}
	if errors.Is(err, errNoSuch) {
		return unseen(), nil
	}
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 status: %w", err)
	}
	return fact, nil
}

func unseen() payment.Fact { return payment.Fact{Class: payment.ClassUnknown, NotFound: true} }

// Fence gives an open payment up. Przelewy24 has nothing by which it could be closed there, and needs nothing: what nobody verifies is never
// taken from the payer. What was paid before is verified, and is told as a success. A payment that still comes afterwards is told by a notice,
// and is one that came late. What is not known yet may still arrive, and a refund cannot be closed.
func (p *Przelewy24) Fence(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	fact, err := p.Status(ctx, ref)
	if err == nil && ref.Kind == payment.AttemptDeposit && fact.Class == payment.ClassWaiting {
		return payment.Fact{Class: payment.ClassRejected, Code: payment.CodeCommunication}, nil
	}
	return fact, err
}

// The published states of a transaction.
const (
	notPaid  = 0 // not yet, or refused: Przelewy24 does not tell these apart
	prepaid  = 1 // paid, and at the payer's disposal
	paid     = 2
	returned = 3
)

// transaction is what the connector reads of one.
type transaction struct {
	Order    int64  `json:"orderId"`
	Session  string `json:"sessionId"`
	Status   *int64 `json:"status"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Method   int64  `json:"paymentMethod"`
}

// methodCode is BLIK by code, which is over sooner than anything on a page.
const methodCode = 181

// find asks for the transaction of a session.
func (p *Przelewy24) find(ctx context.Context, session string) (*transaction, error) {
	if !provider.Word(session, 100) {
		return nil, fmt.Errorf("%w: no session", provider.ErrAnswer)
	}
	res, err := p.api.Get(ctx, "/api/v1/transaction/by/sessionId/"+session)
	if err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if res.Status != http.StatusOK {
		return nil, missing(res)
	}
	var told struct {
		Data *transaction `json:"data"`
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return nil, err //nolint:wrapcheck // by each caller
	}
	if t := told.Data; t == nil || t.Session != session || t.Order < 1 || t.Status == nil {
		return nil, errOther
	}
	return told.Data, nil
}

// missing tells the clear word that something is not known from other trouble.
func missing(res *outbound.Response) error {
	f := readFailure(res.Body)
	if res.Status == http.StatusNotFound && f.Error == "Transaction not found" {
		return errNoSuch
	}
	return f.unclear(res.Status)
}

// deposit asks about a payment. Its session is found only once its customer has chosen how to pay.
func (p *Przelewy24) deposit(ctx context.Context, ref connector.Ref) (payment.Fact, error) {
	t, err := p.find(ctx, ref.Key)
	if errors.Is(err, errNoSuch) && ref.Waiting {
		return p.open(ref, p.patience+grace), nil
	}
	if errors.Is(err, errNoSuch) {
		return unseen(), nil
	}
	if err != nil {
		return payment.Fact{}, err
	}
	sum, err := t.sum()
	if err != nil {
		return payment.Fact{}, err
	}
	done := payment.Fact{Class: payment.ClassApproved, ProviderRef: strconv.FormatInt(t.Order, 10), Echoed: sum}
	switch *t.Status {
	case notPaid:
		if t.Method == methodCode {
			return p.open(ref, codeLife), nil
		}
		return p.open(ref, p.patience+grace), nil
	case prepaid:
		if sum.Amount != ref.Amount || sum.Currency != ref.Currency {
			return done, nil // which nobody believes, and which stays the payer's
		}
		return done, p.verify(ctx, t)
	case paid:
		return done, nil
	case returned:
		return p.returned(ctx, t, done)
	}
	return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
}

// sum is what the transaction is about.
func (t *transaction) sum() (money.Sum, error) {
	currency, err := provider.Currency(t.Currency)
	if err != nil {
		return money.Sum{}, err //nolint:wrapcheck // by each caller
	}
	amount, err := units.Amount(t.Amount, currency)
	if err != nil || amount.IsZero() {
		return money.Sum{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return money.Sum{Amount: amount, Currency: currency}, nil
}

// open is the fact of a payment that was begun and is not paid. Once its customer's time is over, and what a bank may need besides, it is
// closed: a payment that still came would be one that came late.
func (p *Przelewy24) open(ref connector.Ref, lasts time.Duration) payment.Fact {
	if !ref.Started.IsZero() && p.now().After(ref.Started.Add(lasts)) {
		return payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout}
	}
	return payment.Fact{Class: payment.ClassWaiting}
}

// verify takes what the customer has paid. Only the word success is one; again it is answered as before.
func (p *Przelewy24) verify(ctx context.Context, t *transaction) error {
	sign := p.sum(signed(nil).text("sessionId", t.Session).number("orderId", t.Order).number("amount", t.Amount).text("currency", t.Currency))
	body := provider.NewObject(400).Raw("merchantId", whole(p.merchant)).Raw("posId", whole(p.pos)).Text("sessionId", t.Session).
		Raw("amount", whole(t.Amount)).Text("currency", t.Currency).Raw("orderId", whole(t.Order)).Text("sign", sign).Bytes()
	res, err := p.api.Do(ctx, http.MethodPut, "/api/v1/transaction/verify", body, nil)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	var told struct {
		Data struct {
			Status string `json:"status"`
		} `json:"data"`
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("verify: %w", readFailure(res.Body).unclear(res.Status))
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if told.Data.Status != "success" {
		return fmt.Errorf("verify: %w: no success", provider.ErrAnswer)
	}
	return nil
}

// returned tells what was refunded, which had been taken, from what went back to its payer before anybody had verified it.
func (p *Przelewy24) returned(ctx context.Context, t *transaction, done payment.Fact) (payment.Fact, error) {
	given, err := p.refundsOf(ctx, t.Order)
	if err != nil && !errors.Is(err, errNoSuch) {
		return payment.Fact{}, err
	}
	if given != nil {
		for i := range given.Refunds {
			if given.Refunds[i].Status != refundRejected {
				return done, nil
			}
		}
	}
	return payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, ProviderRef: done.ProviderRef, Echoed: done.Echoed}, nil
}
