package checkout_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/app"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/vault"
)

// Cards of the bank below.
const (
	approved  = "4000 0000 0000 0408"
	refused   = "4000 0000 0000 0416"
	challenge = "4000 0000 0000 0002"
	unheard   = "5555 0000 0000 0107"
	posting   = "4000 0000 0000 0077" // the bank wants a form
)

// bank is a provider in memory: what it answers depends on the card, and it remembers what it was asked.
type bank struct {
	page string // where it sends customers

	mu      sync.Mutex
	started []connector.Request
	codes   []string // security codes that came with the calls
	numbers []string // card numbers, likewise
	outcome payment.Class
	asked   int
	says    string // what it adds to a refusal
	shut    bool   // nothing can leave for want of our own means
	form    string // what it wants posted
	banks   []connector.Bank
	wants   payer.Wants
}

func (b *bank) Open(connector.Deps) (connector.Connector, error) { return b, nil }
func (b *bank) Addresses() []string                              { return nil }

func (b *bank) Traits() connector.Traits {
	b.mu.Lock()
	defer b.mu.Unlock()
	return connector.Traits{Methods: payment.Methods(), PreAuth: true, Recurring: true, Wants: b.wants}
}

func (b *bank) Start(_ context.Context, r connector.Request) (payment.Fact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shut {
		return payment.Fact{}, fmt.Errorf("%w: %w", outbound.ErrNotSent, outbound.ErrOurs)
	}
	b.started = append(b.started, r)
	card := instrument.NumberIn(r.Means)
	if card == nil {
		return b.elsewhere(&r)
	}
	b.codes = append(b.codes, card.SecurityCode.Reveal())
	b.numbers = append(b.numbers, card.Number.Reveal())
	switch card.Number.Reveal() {
	case digits(refused):
		return payment.Fact{Class: payment.ClassDeclinedHard, Code: "4.01", RawCode: cmp.Or(b.says, "51")}, nil
	case digits(challenge):
		return waits(&r, payment.GoTo(b.page)), nil
	case digits(posting):
		return waits(&r, payment.Next{Kind: payment.NextPost, URL: b.page, Form: b.form}), nil
	case digits(unheard):
		return payment.Fact{}, context.DeadlineExceeded
	}
	return payment.Fact{Class: payment.ClassApproved, ProviderRef: "tx-" + r.Key}, nil
}

// elsewhere is what it says of methods whose customers do something in an app, or at a bank. A code of BLIK that begins with 5 is wrong.
func (b *bank) elsewhere(r *connector.Request) (payment.Fact, error) {
	until := r.Until.Add(-time.Minute)
	switch code, _ := r.Means.(*instrument.Code); {
	case code != nil && strings.HasPrefix(code.Digits, "5"):
		return payment.Fact{Class: payment.ClassDeclinedSoft, Code: payment.CodeAcquirerRequest, RawCode: "bad"}, nil
	case code != nil:
		return waits(r, payment.Next{Kind: payment.NextWait, URL: b.page, Until: until}), nil
	case r.Method == payment.Pix && r.OnPage:
		text, err := pix.Build(&pix.Code{URL: "bank.example/v2/1", OneUse: true, Amount: r.Amount, Name: "Northwind", City: "Sao Paulo", TxID: pix.NoID})
		return waits(r, payment.Next{Kind: payment.NextCode, Code: text, URL: b.page, Until: until}), err
	case r.Means != nil:
		return waits(r, payment.Next{Kind: payment.NextDone}), nil
	}
	return waits(r, payment.GoTo(b.page)), nil
}

func waits(r *connector.Request, next payment.Next) payment.Fact {
	return payment.Fact{Class: payment.ClassWaiting, ProviderRef: "tx-" + r.Key, Next: next}
}

// Banks lists none until a test says so: the customer goes to the bank's own page then.
func (b *bank) Banks(context.Context, connector.Choice) ([]connector.Bank, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.banks, nil
}

func (b *bank) Verify(ctx context.Context, r connector.Request) (payment.Fact, error) {
	return b.Start(ctx, r)
}

func (b *bank) Status(_ context.Context, ref connector.Ref) (payment.Fact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	return payment.Fact{Class: b.outcome, ProviderRef: "tx-" + ref.Key}, nil
}

// settles makes the bank answer every later question with the class.
func (b *bank) settles(c payment.Class) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outcome = c
}

// shutOff says whether anything can leave for the bank.
func (b *bank) shutOff(shut bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shut = shut
}

func (b *bank) calls() []connector.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]connector.Request(nil), b.started...)
}

func digits(s string) string { return strings.ReplaceAll(s, " ", "") }

// house is a running checkout: a store, the engine, one shop with a terminal at the bank, and the pages over HTTP.
type house struct {
	t      testing.TB
	bank   *bank
	db     *store.DB
	engine *engine.Engine
	cards  *vault.Holder
	shop   *shop.Shop
	url    string
	client *http.Client // follows nothing by itself
	log    *safeBuffer
	clock  *testkit.Clock
	screen risk.Screener // of payments from now on; all pass when nil
	dir    string        // of the database
}

type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newHouse(t testing.TB, edit ...func(*shop.Shop)) *house {
	t.Helper()
	h := &house{t: t, bank: &bank{page: "https://bank.example/confirm?tx=1", outcome: payment.ClassWaiting, form: "PaReq=a%2Bb&MD=1"}, log: &safeBuffer{}}
	h.clock = testkit.SlowClock(100) // checks come due when a test moves it, however long its requests take
	now := h.clock.Now
	data := storetest.New(t, store.SQLite)
	h.dir = data.Options().Dir
	db := data.Open(func(o *store.Options) { o.Now = now })
	keys, err := vault.NewKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := httptest.NewUnstartedServer(nil)
	a, err := app.New(app.Config{
		DB: db, Keys: keys, Now: now, Log: log, Strangers: log, RequestID: func() string { return "request-1" }, PublicURL: "http://" + server.Listener.Addr().String(),
		Screen: func(f *risk.Facts) (payment.Verdict, error) {
			if h.screen == nil {
				return payment.Verdict{}, nil
			}
			return h.screen(f)
		},
		Connectors: []connector.Type{{
			Name: "bank", Parse: func(json.RawMessage) (connector.Config, error) { return h.bank, nil },
		}, sandbox.Type()},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = a.Handler(t.Context(), app.Public{})
	server.Start()
	t.Cleanup(server.Close)
	h.engine, h.cards, h.url, h.db = a.Engine, a.Cards, server.URL, db
	h.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	h.shop = h.newShop(db, a.IDs, edit)
	return h
}

func (h *house) newShop(db *store.DB, ids *id.Source, edit []func(*shop.Shop)) *shop.Shop {
	h.t.Helper()
	shopID, at := ids.New()
	terminalID, _ := ids.New()
	s := &shop.Shop{
		ID: shop.ID(shopID), Merchant: "Northwind", Name: "Northwind Books", Active: true, SigningKey: "k", Created: at,
		Settings: shop.Defaults(false), Terminals: []shop.Terminal{{
			ID: terminalID, Name: "main", Connector: "bank", Config: json.RawMessage("{}"),
			Types: payment.Types(), Methods: []payment.Method{payment.BasicCard}, Currencies: []money.Currency{"EUR", "JPY", "KWD"},
			PreAuth: true, Recurring: true, Enabled: true,
		}},
	}
	for _, e := range edit {
		e(s)
	}
	err := db.Update(context.Background(), func(tx *store.Tx) error {
		tx.Shops().Insert(s)
		for i := range s.Terminals {
			tx.Terminals().Insert(s.ID, &s.Terminals[i])
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) update(s *shop.Shop) error {
	return h.db.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Shops().Change(s.ID, func(stored *shop.Shop) error {
			stored.Active, stored.SigningKey, stored.Settings = s.Active, s.SigningKey, s.Settings
			return nil
		})
		return err
	})
}

// deposit creates a payment and returns the address of its page.
func (h *house) deposit(edit ...func(*engine.Create)) (payment.ID, string) {
	h.t.Helper()
	c := engine.Create{
		Shop: h.shop, Type: payment.Deposit, Method: payment.BasicCard, Amount: money.MustParse("1234.5"), Currency: "EUR",
		Description: "Order 1042: three paperbacks", ReturnURL: "https://shop.example/back/{id}?state={state}",
	}
	for _, e := range edit {
		e(&c)
	}
	o, err := h.engine.Create(context.Background(), c)
	if err != nil {
		h.t.Fatal(err)
	}
	return o.Payment.ID, h.engine.CheckoutURL(h.shop.ID, o.Payment.ID)
}

func (h *house) state(id payment.ID) payment.State {
	h.t.Helper()
	p, err := h.engine.Get(context.Background(), h.shop.ID, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return p.State()
}

// answer is what a browser got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) location() string { return a.header.Get("Location") }

func (h *house) do(method, address string, form url.Values) answer {
	h.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(context.Background(), method, address, body)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Test Browser/1.0")
	r.Header.Set("Accept-Language", "en-GB,en;q=0.8")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return h.send(r)
}

func (h *house) send(r *http.Request) answer {
	h.t.Helper()
	res, err := h.client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (h *house) get(address string) answer {
	h.t.Helper()
	return h.do("GET", address, nil)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="nonce" value="([^"]+)">`)

// fill returns the page's form with the nonce that it shows, and the given fields.
func (h *house) fill(page string, fields ...string) url.Values {
	h.t.Helper()
	a := h.get(page)
	m := hidden.FindStringSubmatch(a.body)
	if m == nil {
		h.t.Fatalf("no form on the page:\n%s", a.body)
	}
	form := url.Values{"nonce": {m[1]}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

// card fills the card form.
func (h *house) card(page, number string) url.Values {
	h.t.Helper()
	return h.fill(page, "number", number, "expiry", "12/39", "code", "123", "holder", "Ada Lovelace")
}
