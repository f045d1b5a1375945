package przelewy24

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	// maxInFlight is longer than any request can be under way: a call lasts 30 s at most.
	maxInFlight = time.Minute
	// visible is how long a query may not find what was begun. Nothing is published about that.
	visible = 5 * time.Minute
	// grace is how long after its customer's time a bank may still tell that it was paid: "within a few minutes".
	grace = 30 * time.Minute
	// codeLife is longer than a BLIK code lives, and than any bank lets it be confirmed.
	codeLife = 5 * time.Minute
)

// units: all methods of ours that Przelewy24 has are in PLN, which it writes in grosze.
var units = provider.Units{Of: map[money.Currency]provider.Unit{"PLN": {Digits: 2}}}

// Przelewy24 is one account there.
type Przelewy24 struct {
	api           provider.API
	merchant, pos int64
	crc           string
	patience      time.Duration // of a customer on Przelewy24's page
	timeout       time.Duration
	now           func() time.Time
}

var (
	_ connector.Connector = (*Przelewy24)(nil)
	_ connector.Refunder  = (*Przelewy24)(nil)
	_ connector.Fencer    = (*Przelewy24)(nil)
	_ connector.Chooser   = (*Przelewy24)(nil)
	_ connector.Prober    = (*Przelewy24)(nil)
	_ connector.Notifier  = (*Przelewy24)(nil)
)

// Traits says that Przelewy24 takes BLIK and bank links, wants to know an e-mail address, and finds a payment by our key, but refunds through
// their payment only.
func (p *Przelewy24) Traits() connector.Traits {
	return connector.Traits{
		Methods: []payment.Method{payment.Blik, payment.PayByLink}, Timeout: p.timeout, Wants: payer.Wants{Details: []payer.Detail{payer.Email}},
		ByOriginal: true, MaxInFlight: maxInFlight, Visible: visible,
	}
}

// Start registers a payment. With a BLIK code it is charged at once, and the customer confirms in the bank's app; else the customer is sent
// to Przelewy24's page, where the bank may be chosen already. Nothing can be paid by whoever does not know the token of the registration.
func (p *Przelewy24) Start(ctx context.Context, r connector.Request) (payment.Fact, error) {
	body, err := p.registration(&r)
	if err != nil {
		return payment.Fact{}, err
	}
	res, err := p.api.Post(ctx, "/api/v1/transaction/register", body, nil)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 registration: %w", provider.Before(err))
	}
	var told struct {
		Data struct {
			Token string `json:"token"`
		} `json:"data"`
	}
	if res.Status != http.StatusOK {
		f := readFailure(res.Body)
		if fact, is := f.rejected(res.Status, r.Method); is {
			return fact, nil
		}
		return payment.Fact{}, fmt.Errorf("przelewy24 registration: %w", provider.Before(f.unclear(res.Status)))
	}
	if err := provider.Read(res.Body, &told); err != nil || !provider.Word(told.Data.Token, 100) {
		return payment.Fact{}, fmt.Errorf("przelewy24 registration: %w", provider.Before(fmt.Errorf("%w: it has no token", provider.ErrAnswer)))
	}
	code, is := r.Means.(*instrument.Code)
	if !is {
		return payment.Fact{Class: payment.ClassWaiting, Next: payment.GoTo(p.api.Base + "/trnRequest/" + told.Data.Token)}, nil
	}
	fact, err := p.charge(ctx, &r, told.Data.Token, code)
	if err != nil {
		return payment.Fact{}, fmt.Errorf("przelewy24 BLIK: %w", err)
	}
	return fact, nil
}

// charge asks whoever has the code to confirm. That it was taken is no more than that: how it ends a query tells, or a notice.
func (p *Przelewy24) charge(ctx context.Context, r *connector.Request, token string, code *instrument.Code) (payment.Fact, error) {
	res, err := p.api.Post(ctx, "/api/v1/paymentMethod/blik/chargeByCode", provider.NewObject(160).Text("token", token).Text("blikCode", code.Digits).Bytes(), nil)
	if err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if res.Status != http.StatusCreated {
		return p.notCharged(ctx, r, res)
	}
	var told struct {
		Data struct {
			Order int64 `json:"orderId"`
		} `json:"data"`
	}
	if err := provider.Read(res.Body, &told); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by the caller
	}
	if told.Data.Order < 1 {
		return payment.Fact{}, fmt.Errorf("%w: it has no order", provider.ErrAnswer)
	}
	return payment.Fact{Class: payment.ClassWaiting, Next: payment.Next{Kind: payment.NextWait}}, nil
}

// notCharged judges a charge that was not taken. Of a code that was used before, the session tells whether it was used for this.
func (p *Przelewy24) notCharged(ctx context.Context, r *connector.Request, res *outbound.Response) (payment.Fact, error) {
	f := readFailure(res.Body)
	if fact, is := f.rejected(res.Status, r.Method); is {
		return fact, nil
	}
	if res.Status != http.StatusBadRequest || f.Code < 1 {
		return payment.Fact{}, f.unclear(res.Status)
	}
	code := strconv.FormatInt(f.Code, 10)
	if code == codeUsed {
		fact, err := p.deposit(ctx, connector.Ref{Kind: payment.AttemptDeposit, Key: r.Key, Amount: r.Amount, Currency: r.Currency})
		if err != nil || !fact.NotFound {
			return fact, err
		}
	}
	return declines.Fact(code), nil
}

// Banks lists those on whose pages customers pay at once, which are not out of order.
func (p *Przelewy24) Banks(ctx context.Context, of connector.Choice) ([]connector.Bank, error) {
	if of.Method != payment.PayByLink {
		return nil, fmt.Errorf("przelewy24 banks: it has none for %s", of.Method)
	}
	res, err := p.api.Get(ctx, "/api/v1/payment/methods/pl?currency=PLN")
	if err != nil {
		return nil, fmt.Errorf("przelewy24 banks: %w", err)
	}
	var told struct {
		Data []struct {
			ID    int64  `json:"id"`
			Name  string `json:"name"`
			Group string `json:"group"`
			Up    bool   `json:"status"`
		} `json:"data"`
	}
	if res.Status != http.StatusOK {
		return nil, fmt.Errorf("przelewy24 banks: %w", readFailure(res.Body).unclear(res.Status))
	}
	if err := provider.Read(res.Body, &told); err != nil || told.Data == nil {
		return nil, fmt.Errorf("przelewy24 banks: %w: no list", provider.ErrAnswer)
	}
	var up []connector.Bank
	for _, b := range told.Data {
		if b.Up && b.ID > 0 && b.Name != "" && (b.Group == "FastTransfers" || b.Group == "eTransfer") {
			up = append(up, connector.Bank{ID: strconv.FormatInt(b.ID, 10), Name: b.Name})
		}
	}
	return up, nil
}

// Probe asks whether the account is let in, which is what that request is for.
func (p *Przelewy24) Probe(ctx context.Context) error {
	res, err := p.api.Get(ctx, "/api/v1/testAccess")
	if err != nil {
		return fmt.Errorf("przelewy24 probe: %w", err)
	}
	var told struct {
		Data bool `json:"data"`
	}
	if res.Status != http.StatusOK || provider.Read(res.Body, &told) != nil || !told.Data {
		return fmt.Errorf("przelewy24 probe: %w", readFailure(res.Body).unclear(res.Status))
	}
	return nil
}

// Format writes the address of the provider whatever the verb, and never a key.
func (p *Przelewy24) Format(f fmt.State, _ rune) { writeName(f, p.api.Base) }
