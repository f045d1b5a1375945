package simulator

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	randv2 "math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

// The pretended wallet is a page where a customer chooses a card, and that sends a token for the merchant back: one that is valid, under
// roots of the simulator's own. Nobody needs a key for it: a token is worth nothing where those roots are not trusted.

// tokenLife is how long a token of Google's is good. Apple's do not say; merchants take them for some minutes.
const tokenLife = 30 * time.Minute

// walletMakers sign tokens.
type walletMakers struct {
	google *mint.Google
	apple  *mint.Apple
}

// chance is where a maker draws from: its roots from the merchant key, so that they stay the same, and tokens from the machine.
type chance struct{ io.Reader }

// newMakers draws the roots of the pretended wallets.
func newMakers(key string, now time.Time) (m walletMakers, err error) {
	for name, draw := range map[string]func(*chance) error{
		"google": func(c *chance) (err error) { m.google, err = mint.NewGoogle(c, now); return err },
		"apple":  func(c *chance) (err error) { m.apple, err = mint.NewApple(c, now); return err },
	} {
		c := &chance{randv2.NewChaCha8(sha256.Sum256(signature(key, "wallet "+name)))}
		if err := draw(c); err != nil {
			return m, fmt.Errorf("pretended wallet: %w", err)
		}
		c.Reader = rand.Reader
	}
	return m, nil
}

// WalletRoots is what the pretended wallets sign by: the list of Google's keys, and Apple's root certificate in PEM.
func (s *Simulator) WalletRoots() (google, apple string, err error) {
	m, err := s.makers()
	if err != nil {
		return "", "", err
	}
	return string(m.google.Roots()), m.apple.Root(), nil
}

// walletRoots gives it to whoever sets an account up.
func (s *Simulator) walletRoots(w http.ResponseWriter, r *http.Request) {
	google, apple, err := s.WalletRoots()
	if err != nil {
		http.Error(w, "the pretended wallet has no roots", http.StatusInternalServerError)
		return
	}
	kind, text := "application/json", google
	if r.PathValue("wallet") == "apple" {
		kind, text = "application/x-pem-file", apple
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, text) // the caller may be gone
}

// purseCard is a card in the pretended wallet.
type purseCard struct {
	ID, Label string
	number    string
	device    bool // a device's number, with its proof
}

// purseCards are what every customer has in the wallet. Cards on file are Google's alone.
var purseCards = []purseCard{
	{"visa", "Visa •••• 0408", "4000000000000408", true},
	{"mastercard", "Mastercard •••• 0107", "5555000000000107", true},
	{"declined", "Visa •••• 0416, declined by its bank", "4000000000000416", true},
	{"funds", "Visa •••• 9995, without enough money", "4000000000009995", true},
	{"file", "Visa •••• 0002 on file: its bank asks you to confirm", "4000000000000002", false},
}

// walletOrder is what a merchant wants a token for.
type walletOrder struct {
	apple                    bool
	amount                   money.Amount
	currency                 money.Currency
	merchant, recipient      string // as customers know it, and as the wallet does
	key                      []byte // the merchant's public one: a point on P-256
	back, nonce, method, raw string // where the token goes, and what goes with it; the query
}

var errWalletOrder = errors.New("this is not what a merchant asks a wallet for")

// readOrder reads what the merchant's page has put into the address.
func readOrder(r *http.Request) (o walletOrder, err error) {
	q := r.URL.Query()
	o = walletOrder{apple: r.PathValue("wallet") == "apple", merchant: q.Get("merchant"), recipient: q.Get("recipient"), back: q.Get("back"),
		nonce: q.Get("nonce"), method: wallets[0], raw: r.URL.RawQuery}
	if o.apple {
		o.method = wallets[1]
	}
	if !o.apple && r.PathValue("wallet") != "google" {
		return o, errWalletOrder
	}
	var failed [3]error
	o.amount, failed[0] = money.Parse(q.Get("amount"))
	o.currency, failed[1] = money.ParseCurrency(q.Get("currency"))
	o.key, failed[2] = base64.StdEncoding.DecodeString(q.Get("key"))
	if errors.Join(failed[:]...) != nil || o.back == "" || !validURL(o.back) || !plain(o.merchant, 256) || o.recipient == "" ||
		!plain(o.recipient, 256) || !plain(o.nonce, 256) {
		return o, errWalletOrder
	}
	return o, nil
}

type sheetView struct {
	Title, Merchant, Amount, Currency string
	Cards                             []purseCard
	Back, Nonce, Method, Token        string // of what is sent
	Message                           string
}

func (o *walletOrder) view() sheetView {
	v := sheetView{Title: "Google Pay, pretended", Merchant: o.merchant, Amount: o.amount.String(), Currency: string(o.currency), Back: o.back}
	if o.apple {
		v.Title = "Apple Pay, pretended"
	}
	for _, c := range purseCards {
		if c.device || !o.apple {
			v.Cards = append(v.Cards, c)
		}
	}
	return v
}

// showSheet is the wallet over the merchant's page.
func (s *Simulator) showSheet(w http.ResponseWriter, r *http.Request) {
	o, err := readOrder(r)
	if err != nil {
		s.noSheet(w)
		return
	}
	s.show(w, http.StatusOK, "wallet.html", o.view())
}

func (s *Simulator) noSheet(w http.ResponseWriter) {
	s.show(w, http.StatusUnprocessableEntity, "wallet.html", sheetView{Title: "Nothing to pay", Message: "This is not what a merchant asks a wallet for."})
}

// useSheet is what the customer has decided: a card, which is confirmed on the next page, or none.
func (s *Simulator) useSheet(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	o, err := readOrder(r)
	if err != nil {
		s.noSheet(w)
		return
	}
	for _, c := range o.view().Cards {
		if c.ID != r.PostFormValue("card") {
			continue
		}
		token, err := s.token(&o, c)
		if err != nil {
			s.log.Info("no token of the pretended wallet", "error", err)
			s.noSheet(w)
			return
		}
		v := o.view()
		v.Cards, v.Nonce, v.Method, v.Token = []purseCard{c}, o.nonce, o.method, string(token)
		s.show(w, http.StatusOK, "wallet.html", v)
		return
	}
	pageHeaders(w)
	http.Redirect(w, r, o.back, http.StatusSeeOther)
}

// token makes one for the merchant.
func (s *Simulator) token(o *walletOrder, c purseCard) ([]byte, error) {
	makers, err := s.makers()
	if err != nil {
		return nil, err
	}
	now := s.now()
	card := mint.Card{Number: c.number, Month: 12, Year: now.Year() + 3}
	if c.device {
		proof := make([]byte, 20)
		if _, err := rand.Read(proof); err != nil {
			return nil, err
		}
		card.Cryptogram, card.ECI = base64.StdEncoding.EncodeToString(proof), "05"
	}
	if !o.apple {
		to, err := ecdh.P256().NewPublicKey(o.key)
		if err != nil {
			return nil, err
		}
		return makers.google.Token(mint.GoogleToken{
			Recipient: o.recipient, To: to, Card: card, MessageID: rand.Text(), Expires: now.Add(tokenLife),
		})
	}
	to, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), o.key)
	if err != nil {
		return nil, err
	}
	minor, err := strconv.ParseUint(minorUnits(o.amount, o.currency), 10, 63)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	return makers.apple.Token(mint.AppleToken{
		Merchant: o.recipient, To: to, Card: card, CurrencyNumeric: o.currency.Numeric(), Minor: minor, TransactionID: id, Signed: now,
	})
}

// minorUnits writes an amount in the smallest unit of its currency. What is finer is cut.
func minorUnits(a money.Amount, c money.Currency) string {
	whole, part, _ := strings.Cut(a.String(), ".")
	places := max(c.MinorUnits(), 0)
	return whole + (part + strings.Repeat("0", places))[:places]
}
