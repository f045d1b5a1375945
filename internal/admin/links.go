package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// A payment link is the address of one payment's page, given out by hand: a deposit in its checkout, which can be paid once.

// CreateLink says what is to be paid.
type CreateLink struct {
	OfShop
	Amount      string   `name:"amount" placeholder:"AMOUNT" help:"How much, such as 11.12; without it the customer enters it." json:"amount,omitempty"`
	Currency    string   `name:"currency" required:"" placeholder:"CODE" help:"In which currency, such as EUR." json:"currency"`
	Description string   `name:"description" placeholder:"TEXT" help:"What for; the customer is shown it." json:"description,omitempty"`
	Reference   string   `name:"reference" placeholder:"TEXT" help:"The merchant's reference of the payment." json:"reference,omitempty"`
	Expires     string   `name:"expires" placeholder:"TIME" help:"How long it can be paid, such as 90m, 48h or 14d: up to 90 days. Without it as long as the shop's checkoutTimeout." json:"expires,omitempty"`
	Methods     []string `name:"method" placeholder:"METHOD" help:"A method by which it can be paid, such as BLIK; may be given several times. Without it any." json:"methods,omitempty"`
	Locale      string   `name:"customer-locale" placeholder:"LANGUAGE" help:"Language of the page in two letters, such as pl. Without it that of the customer's browser." json:"customerLocale,omitempty"`
	ReturnURL   string   `name:"return-url" placeholder:"URL" help:"Where the customer goes afterwards. Without it as the shop says." json:"returnUrl,omitempty"`
	Key         string   `name:"key" placeholder:"KEY" help:"Names the link: given again under the same key no other is made." json:"key,omitempty" log:"keyId"`
}

// OfLink names the payment of a link.
type OfLink struct {
	Shop    string `name:"shop" required:"" placeholder:"ID" help:"The shop that the link belongs to." json:"shop"`
	Payment string `arg:"" name:"payment" help:"The id of the link's payment." json:"payment"`
}

// Link is a payment link as it stands.
type Link struct {
	Payment     payment.ID     `json:"paymentId"`
	URL         string         `json:"url"`
	State       payment.State  `json:"state"`
	Open        bool           `json:"open"`             // it can be paid
	Amount      json.Number    `json:"amount,omitempty"` // none while the customer has still to enter it
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description,omitempty"`
	Reference   string         `json:"reference,omitempty"`
	Expires     time.Time      `json:"expires"`
	ErrorCode   string         `json:"errorCode,omitempty"`
	Repeated    bool           `json:"repeated,omitempty"` // it was made before, under this key or reference
	DuplicateOf payment.ID     `json:"duplicateOf,omitempty"`
}

// Made implements what the log names.
func (l Link) Made() string { return string(l.Payment) }

// Bounds of Expires.
const (
	shortestLink = time.Minute
	longestLink  = 90 * 24 * time.Hour
	mostText     = 512 // characters, of the gateway API
)

var mostLink = money.MustParse("1000000000") // of the gateway API

// createLink makes a payment that waits for whoever has its address. It needs the right ManageLinks.
func (d *Desk) createLink(ctx context.Context, c CreateLink) (Link, error) {
	if d.c.PublicURL == "" {
		return Link{}, errors.New("the address of the payment pages is not known: no server runs here, and --public-url was not given")
	}
	if _, err := d.shopOf(ctx, c.Shop); err != nil {
		return Link{}, err
	}
	s, err := d.c.Engine.Shop(ctx, shop.ID(c.Shop))
	if err != nil {
		return Link{}, err
	}
	made, err := c.read(s)
	if err != nil {
		return Link{}, err
	}
	said, err := json.Marshal(c)
	if err != nil {
		return Link{}, fmt.Errorf("render link: %w", err)
	}
	made.Fingerprint = d.c.Engine.Fingerprint(said)
	made.Idem = engine.Idempotency{Route: "operator LINK", Key: c.Key, Fingerprint: made.Fingerprint}
	o, err := d.c.Engine.Create(ctx, made)
	switch duplicate := new(engine.DuplicateReference); {
	case errors.Is(err, engine.ErrMismatch):
		return Link{}, fmt.Errorf("--key: %q named another link before", c.Key)
	case errors.Is(err, engine.ErrForbidden):
		return Link{}, fmt.Errorf("shop %s is inactive", c.Shop)
	case errors.As(err, &duplicate):
		return Link{}, errors.New("--reference: the shop has another payment of this reference, and takes each once")
	case err != nil:
		return Link{}, err
	}
	l := d.link(&o.Payment)
	l.Repeated, l.DuplicateOf = o.Replayed, o.DuplicateOf
	return l, nil
}

// read checks what was given. All that is wrong is told of its flag.
func (c *CreateLink) read(s *shop.Shop) (engine.Create, error) {
	made := engine.Create{Shop: s, Type: payment.Deposit, Reference: c.Reference, Description: c.Description}
	faults := []error{readReference(c.Reference)}
	fault := func(err error) { faults = append(faults, err) }
	if !isText(c.Description, mostText) {
		fault(fmt.Errorf("--description: must be text of at most %d characters", mostText))
	}
	if c.Key != "" && !goodKey(c.Key) {
		fault(errors.New("--key: must have 1 to 255 characters of ASCII"))
	}
	var err error
	made.Amount, err = readAmount(c.Amount)
	fault(err)
	if made.Currency, err = money.ParseCurrency(c.Currency); err != nil {
		fault(fmt.Errorf("--currency: %q is none that is known", c.Currency))
	} else if made.Amount.Decimals() > made.Currency.MinorUnits() || made.Amount.Cmp(mostLink) > 0 {
		fault(fmt.Errorf("--amount: must have at most %d decimals in %s, and be %s at most", made.Currency.MinorUnits(), made.Currency, mostLink))
	}
	made.Terms.Lasts, err = readLasts(c.Expires)
	fault(err)
	made.Terms.Methods, err = readMethods(c.Methods)
	fault(err)
	made.Customer, err = readLocale(c.Locale)
	fault(err)
	if c.ReturnURL != "" {
		used, wrong := api.ReturnAddress(c.ReturnURL, &s.Settings)
		if made.ReturnURL = used; wrong != "" || !isText(c.ReturnURL, mostText) {
			fault(fmt.Errorf("--return-url: %s", strings.TrimPrefix(wrong, "must ")))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return made, err
	}
	return made, payable(&made)
}

// payable makes sure that there is a terminal for what can be chosen: a link that nobody can pay is none.
func payable(c *engine.Create) error {
	p := payment.Payment{Type: payment.Deposit, Asked: money.Sum{Amount: c.Amount, Currency: c.Currency}, Terms: c.Terms}
	offered := engine.Methods(c.Shop, &p)
	for _, m := range c.Terms.Methods {
		if !slices.Contains(offered, m) {
			return fmt.Errorf("--method: no terminal of the shop takes %s in %s", m, c.Currency)
		}
	}
	if len(offered) == 0 {
		return fmt.Errorf("no terminal of the shop takes a payment in %s", c.Currency)
	}
	return nil
}

// readLasts reads a duration, in which days are allowed.
func readLasts(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	lasts, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n uint64
		if n, err = strconv.ParseUint(days, 10, 16); err == nil {
			lasts = time.Duration(n) * 24 * time.Hour
		}
	}
	if err != nil || lasts < shortestLink || lasts > longestLink {
		return 0, fmt.Errorf("--expires: %q is no time from a minute to 90 days, such as 90m, 48h or 14d", text)
	}
	return lasts, nil
}

func readMethods(names []string) ([]payment.Method, error) {
	var methods []payment.Method
	for _, name := range names {
		m := payment.Method(strings.ToUpper(name))
		if !m.Valid() {
			return nil, fmt.Errorf("--method: %q is none of %v", name, payment.Methods())
		}
		if !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	return methods, nil
}

func readLocale(text string) (payment.Document, error) {
	if text == "" {
		return "", nil
	}
	if len(text) != 2 || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", fmt.Errorf("--customer-locale: %q is no language in two letters, such as pl", text)
	}
	return payment.NewDocument(payment.Customer{Locale: text})
}

// showLink shows a link as it stands. It needs the right ReadPayments.
func (d *Desk) showLink(ctx context.Context, of OfLink) (Link, error) {
	t, err := d.linkOf(ctx, of)
	if err != nil {
		return Link{}, err
	}
	p, err := d.c.Engine.Look(ctx, t.Shop.ID, t.ID)
	return d.linked(&p, &of, err)
}

// cancelLink closes a link that nobody has paid, nor is paying. It needs the right ManageLinks.
func (d *Desk) cancelLink(ctx context.Context, of OfLink) (Link, error) {
	t, err := d.linkOf(ctx, of)
	if err != nil {
		return Link{}, err
	}
	o, err := d.c.Engine.Cancel(ctx, t)
	if refusal := new(payment.Refusal); errors.As(err, &refusal) || errors.Is(err, payment.ErrBusy) {
		return Link{}, errors.New("it is being paid, or over: \"sluice link show\" tells")
	}
	return d.linked(&o.Payment, &of, err)
}

// linkOf is the payment of a link.
func (d *Desk) linkOf(ctx context.Context, of OfLink) (engine.Target, error) {
	if _, err := d.shopOf(ctx, of.Shop); err != nil {
		return engine.Target{}, err
	}
	s, err := d.c.Engine.Shop(ctx, shop.ID(of.Shop))
	return engine.Target{Shop: s, ID: (&OfPayment{Shop: of.Shop, Payment: of.Payment}).id()}, err
}

func (d *Desk) linked(p *payment.Payment, of *OfLink, err error) (Link, error) {
	if err == nil && (p.Type != payment.Deposit || p.CheckoutUntil.IsZero()) {
		err = payment.ErrNotFound // it never had a page
	}
	if err != nil {
		return Link{}, paymentError(err, &OfPayment{Shop: of.Shop, Payment: of.Payment})
	}
	return d.link(p), nil
}

func (d *Desk) link(p *payment.Payment) Link {
	l := Link{
		Payment: p.ID, URL: d.c.Engine.CheckoutURL(p.Shop, p.ID), State: p.State(), Open: p.Payable() && d.c.Now().Before(p.CheckoutUntil), Currency: p.Asked.Currency, Description: p.Description,
		Reference: p.Reference, Expires: p.CheckoutUntil.UTC(), ErrorCode: string(p.ErrorCode),
	}
	if !p.Asked.Amount.IsZero() {
		l.Amount = json.Number(p.Asked.Amount.String())
	}
	return l
}
