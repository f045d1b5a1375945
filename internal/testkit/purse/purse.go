// Package purse is the wallets of customers, for tests: accounts of shops under roots that nobody else has, and tokens for them.
package purse

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strconv"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

// Purse makes tokens for one merchant. Its wallets are those of every purse of the same makers.
type Purse struct {
	Makers

	now    func() time.Time
	name   string
	google *ecdh.PrivateKey
	apple  *ecdsa.PrivateKey
}

// Makers sign tokens.
type Makers struct {
	Google *mint.Google
	Apple  *mint.Apple
}

// NewMakers draws them.
func NewMakers(t testing.TB, now time.Time) Makers {
	t.Helper()
	g, err := mint.NewGoogle(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	a, err := mint.NewApple(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	return Makers{g, a}
}

// New is the purse of customers of a merchant by that name.
func New(t testing.TB, m Makers, name string, now func() time.Time) *Purse {
	t.Helper()
	p := &Purse{Makers: m, now: now, name: name}
	var err error
	if p.google, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if p.apple, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	return p
}

// Recipient is the merchant as Google has it, MerchantID as Apple has it.
func (p *Purse) Recipient() string { return "merchant:" + p.name }

// MerchantID is the merchant as Apple has it.
func (p *Purse) MerchantID() string { return "merchant.test." + p.name }

// Open gives a shop the accounts.
func (p *Purse) Open(t testing.TB, s *shop.Shop) {
	t.Helper()
	certificate, err := p.Makers.Apple.Processing(p.MerchantID(), &p.apple.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	keys := accounts.Keys{
		Google: []string{PEM(t, p.google)}, Apple: []accounts.Certified{{Certificate: certificate, Key: PEM(t, p.apple)}},
	}
	w := &s.Settings.Wallets
	w.Google = &shop.GooglePay{Recipient: p.Recipient(), Pretended: shop.Pretended{Roots: string(p.Makers.Google.Roots())}}
	w.Apple = &shop.ApplePay{MerchantID: p.MerchantID(), Pretended: shop.Pretended{Roots: p.Makers.Apple.Root()}}
	if err := keys.Check(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(s.Live); err != nil {
		t.Fatal(err)
	}
	w.Keys = keys.Text()
}

// Files are what the merchant has of the wallets, in PEM: the private key for Google, and the certificate for Apple with its own.
func (p *Purse) Files(t testing.TB) (google, certificate, apple string) {
	t.Helper()
	certificate, err := p.Makers.Apple.Processing(p.MerchantID(), &p.apple.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return PEM(t, p.google), certificate, PEM(t, p.apple)
}

// PEM is a private key as files have it.
func PEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Cryptogram proves that a device made a token.
var Cryptogram = base64.StdEncoding.EncodeToString([]byte("cryptogram of a test"))

// Card is one in the wallet: of a device where it has the proof.
func Card(number string, device bool) mint.Card {
	c := mint.Card{Number: number, Month: 12, Year: time.Now().Year() + 3}
	if device {
		c.Cryptogram, c.ECI = Cryptogram, "05"
	}
	return c
}

// FromGoogle makes a token of Google Pay for the merchant; edit may change what it is asked for.
func (p *Purse) FromGoogle(t testing.TB, c mint.Card, edit func(*mint.GoogleToken)) []byte {
	t.Helper()
	asked := mint.GoogleToken{
		Recipient: p.Recipient(), To: p.google.PublicKey(), Card: c, MessageID: rand.Text(), Expires: p.now().Add(time.Hour),
	}
	if edit != nil {
		edit(&asked)
	}
	token, err := p.Makers.Google.Token(asked)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// FromApple makes a token of Apple Pay for the merchant and an amount in minor units of euros; edit may change what it is asked for.
func (p *Purse) FromApple(t testing.TB, c mint.Card, minor uint64, edit func(*mint.AppleToken)) []byte {
	t.Helper()
	id := make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	asked := mint.AppleToken{
		Merchant: p.MerchantID(), To: &p.apple.PublicKey, Card: c, CurrencyNumeric: "978", Minor: minor, TransactionID: id, Signed: p.now(),
	}
	if edit != nil {
		edit(&asked)
	}
	token, err := p.Makers.Apple.Token(asked)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Token makes one of the method for an amount of euros in minor units.
func (p *Purse) Token(t testing.TB, m payment.Method, c mint.Card, minor uint64) []byte {
	t.Helper()
	if m.Spec().Apple {
		return p.FromApple(t, c, minor, nil)
	}
	return p.FromGoogle(t, c, nil)
}

// Minor is cents as a decimal of major units.
func Minor(minor uint64) string {
	return strconv.FormatUint(minor/100, 10) + "." + strconv.FormatUint(minor%100+100, 10)[1:]
}
