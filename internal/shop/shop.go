// Package shop is who uses the engine: merchants' shops, their API keys, settings
// and terminals, as pure types with their checks. It does not store them (package
// store does) and does not authenticate anybody (package api does).
//
// Read Shop first, then Settings, which says what a shop may configure.
package shop

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// ID identifies a shop; it is the first column of every key of a shop's rows.
type ID = payment.ShopID

// Shop is one shop of a merchant with everything a request needs to know of it.
type Shop struct {
	ID         ID
	Merchant   string // name of the merchant that owns it
	Name       string
	Live       bool // a live shop; otherwise a test shop
	Active     bool // an inactive shop is answered 403
	SigningKey string
	Settings   Settings
	Terminals  []Terminal // by priority, best first
	Created    time.Time
	Version    int64 // of the row as loaded, without the terminals, which have their own; a change names it
}

// SigningKeys returns the keys by which messages to the merchant are signed, the present
// one first; after it, for a time, the one that it replaced. A shop without a key has none.
func (s *Shop) SigningKeys(now time.Time) []string {
	var keys []string
	if s.SigningKey != "" {
		keys = append(keys, s.SigningKey)
	}
	if r := s.Settings.RetiredKey; r != nil && r.Key != "" && now.Before(r.Until) {
		keys = append(keys, r.Key)
	}
	return keys
}

// RotateKey replaces the signing key. The old one goes on signing beside it until then.
func (s *Shop) RotateKey(fresh string, until time.Time) {
	s.Settings.RetiredKey = &RetiredKey{Key: s.SigningKey, Until: until}
	s.SigningKey = fresh
}

// RetiredKey is a signing key that was replaced. It is as secret as the present one.
type RetiredKey struct {
	Key   string    `json:"key"`
	Until time.Time `json:"until"` // it signs until then
}

// Fix puts into a payment that is being made what the settings say for all of its life: a change of them changes none that
// there is. The payment has its Created and its Terms.
func (s *Shop) Fix(p *payment.Payment) {
	lasts := p.Terms.Lasts
	if lasts <= 0 {
		lasts = time.Duration(s.Settings.CheckoutTimeout) * time.Minute
	}
	p.CheckoutUntil = p.Created.Add(lasts)
	p.Retries = max(s.Settings.CheckoutAttempts, 1) - 1
}

// Terminal returns the shop's terminal with that id, or nil.
func (s *Shop) Terminal(id string) *Terminal {
	for i := range s.Terminals {
		if s.Terminals[i].ID == id {
			return &s.Terminals[i]
		}
	}
	return nil
}

// ReferenceMode says what a second payment with the same reference means.
type ReferenceMode string

// The reference modes.
const (
	ReferenceOff     ReferenceMode = "off"      // references may repeat
	ReferenceWarn    ReferenceMode = "warn"     // allowed, the answer names the earlier payment
	ReferenceOneLive ReferenceMode = "one_live" // one that is not DECLINED or CANCELLED
	ReferenceStrict  ReferenceMode = "strict"   // one for ever
)

// Required says which request fields are demanded.
type Required string

// The profiles of required fields.
const (
	RequiredContract Required = "contract" // customer and billing address, as published
	RequiredRelaxed  Required = "relaxed"  // only what no payment can do without; most clients send no more
)

// Settings is what a shop can configure. The zero value is not valid: start from
// Defaults.
type Settings struct {
	Required            Required      `json:"requiredParameters"`
	ReferenceMode       ReferenceMode `json:"referenceIdMode"`
	ReturnURL           string        `json:"returnUrl,omitempty"`
	WebhookURL          string        `json:"webhookUrl,omitempty"`
	CheckoutTimeout     int           `json:"checkoutTimeout"`          // minutes, 1 to 1440
	CheckoutAttempts    int           `json:"checkoutAttempts"`         // how often a customer may try on the page, 1 to 10; 0, of shops that were made before, is 1
	CheckDocuments      bool          `json:"checkDocuments,omitempty"` // numbers of documents are held to the rules of their types
	HostToHost          bool          `json:"hostToHost"`               // cards to be charged may be handed in by API
	RequireHTTPS        bool          `json:"requireHttps"`             // returnUrl and webhookUrl must be https
	CardTokens          bool          `json:"cardTokens,omitempty"`     // cards are kept for customers, each under a token, where they or the merchant have them kept
	TellAuthorized      bool          `json:"webhookOnAuthorized"`
	HonourLateSuccess   bool          `json:"honourLateSuccess"` // a failed deposit that was paid after all is COMPLETED
	FourEyes            bool          `json:"fourEyes"`          // manual updates need a second person; captures, voids and refunds by hand are refused
	RefuseTwinRefunds   bool          `json:"refuseTwinRefunds"` // a refund equal to one of the last minute needs an idempotency key or another reference
	AllowedReturnHosts  []string      `json:"allowedReturnHosts,omitempty"`
	AllowedWebhookHosts []string      `json:"allowedWebhookHosts,omitempty"`
	RetiredKey          *RetiredKey   `json:"retiredSigningKey,omitempty"`
	RateLimit           *RateLimit    `json:"rateLimit,omitempty"`
	CardTesting         CardTesting   `json:"cardTesting"`
	Brand               Brand         `json:"brand,omitzero"`
	AllowedFrameOrigins []string      `json:"allowedFrameOrigins,omitempty"` // sites within which the payment page may be shown, such as https://shop.example; none where empty
	YandexPay           YandexPay     `json:"yandexPay"`
	Wallets             Wallets       `json:"wallets,omitzero"`
}

// Defaults returns the settings of a new shop; a test shop may hand in cards
// without the page, a live one has to be allowed to. A live shop slows card testing.
func Defaults(live bool) Settings {
	return Settings{
		Required: RequiredRelaxed, ReferenceMode: ReferenceOff, CheckoutTimeout: 60, HostToHost: !live,
		TellAuthorized: true, CardTesting: defaultCardTesting(live), CheckoutAttempts: defaultAttempts(live),
	}
}

// defaultAttempts: the card of the published sandbox that is declined ends a payment at once.
func defaultAttempts(live bool) int {
	if live {
		return 3
	}
	return 1
}

// Check reports every fault of the settings at once, joined.
func (s Settings) Check() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if s.Required != RequiredContract && s.Required != RequiredRelaxed {
		add("requiredParameters: %q is neither %q nor %q", s.Required, RequiredContract, RequiredRelaxed)
	}
	modes := []ReferenceMode{ReferenceOff, ReferenceWarn, ReferenceOneLive, ReferenceStrict}
	if !slices.Contains(modes, s.ReferenceMode) {
		add("referenceIdMode: %q is none of %q", s.ReferenceMode, modes)
	}
	if s.CheckoutTimeout < 1 || s.CheckoutTimeout > 1440 {
		add("checkoutTimeout: %d is not between 1 and 1440 minutes", s.CheckoutTimeout)
	}
	if s.CheckoutAttempts < 0 || s.CheckoutAttempts > 10 {
		add("checkoutAttempts: %d is not between 1 and 10", s.CheckoutAttempts)
	}
	faults = append(faults, s.checkAddresses()...)
	faults = append(faults, s.RateLimit.check()...)
	faults = append(faults, s.CardTesting.check()...)
	faults = append(faults, s.Brand.check()...)
	faults = append(faults, s.checkFrames()...)
	if strings.ContainsAny(s.YandexPay.CallbackURL, "?#") {
		add("yandexPay.callbackUrl: must end with its path, to which /v1/webhook is appended")
	}
	for _, c := range s.YandexPay.Currencies {
		if !c.Valid() {
			add("yandexPay.currencies: %q is no currency", c)
		}
	}
	for _, m := range s.YandexPay.Methods {
		if !m.Valid() {
			add("yandexPay.methods: %q is none of %q", m, payment.Methods())
		}
	}
	return errors.Join(faults...)
}

// AbsoluteURL reports whether s is an absolute http or https address without user
// information.
func AbsoluteURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// Terminal is one configured account of the shop at one provider.
type Terminal struct {
	ID         string
	Name       string          // the contract's terminalName; unique in the shop
	Connector  string          // type name of the connector
	Config     json.RawMessage // the connector's own settings and credentials
	Types      []payment.Type
	Methods    []payment.Method
	Currencies []money.Currency // empty: any
	PreAuth    bool             // can hold and capture later
	Recurring  bool             // can charge again without the customer
	Enabled    bool             // otherwise it takes no new payments, and goes on with those that it has
	Priority   int              // lower comes first
	Retired    []RetiredConfig  // newest first
	Removed    time.Time        // when it was taken away, for whoever had read it before goes on knowing it; zero for never
	Version    int64            // of the row as loaded; a change names it
	Stored     *StoredConfig    // where the settings could not be opened: they stay as they are until they are replaced
}

// Key is an API key of a shop as it is stored: never the key itself.
type Key struct {
	ID      string
	Shop    ID
	Prefix  string // public start of the key, by which it is found
	Hash    []byte // keyed hash of the whole key
	Label   string
	Created time.Time
	Revoked time.Time // zero while the key is valid
}
