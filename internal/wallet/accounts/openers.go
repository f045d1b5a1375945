// Package accounts opens the tokens of wallets that a shop has an account for: it makes the account of the shop's settings and keys, has
// the token verified and opened, and compares what its customer agreed to with what is to be paid.
//
// It does not know whether a token was used before, and keeps nothing; how tokens are verified is for packages googlepay and applepay.
// Read openers.go, then keys.go.
package accounts

import (
	"crypto/ecdh"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/applepay"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
)

// ErrUnready says that a token cannot be judged now, for want of something of ours: a token is not refused for that.
var ErrUnready = errors.New("tokens of the wallet cannot be opened now")

// Refused is why a token is not taken. It holds nothing of the token.
type Refused struct {
	Method payment.Method
	Fault  wallet.Fault
}

// Error implements error.
func (r *Refused) Error() string { return "token of " + string(r.Method) + ": " + string(r.Fault) }

// Has reports that the shop has an account by which tokens of the method are opened.
func Has(s *shop.Shop, m payment.Method) bool {
	spec := m.Spec()
	return spec.Means == instrument.KindWallet && s.Settings.Wallets.Has(spec.Apple)
}

// Opener opens tokens. Safe for concurrent use.
type Opener struct {
	Now func() time.Time
	// Google, when given, returns Google's root keys as they are published now.
	Google func() googlepay.Roots
}

// Open verifies the token and puts what was in it into its place. Where the shop has no account for the wallet the token stays as it came.
// Errors: *Refused; ErrUnready.
func (o *Opener) Open(s *shop.Shop, w *instrument.Wallet, to money.Sum) error {
	m := payment.Method(w.Method)
	if w.Card != nil || !Has(s, m) {
		return nil
	}
	opened, err := o.open(&s.Settings.Wallets, m.Spec().Apple, w.Token)
	if err == nil {
		err = opened.Agrees(to.Amount, to.Currency)
	}
	switch fault := wallet.FaultOf(err); {
	case err == nil:
	case fault != "" && !fault.Ours():
		opened.Wipe()
		return &Refused{m, fault}
	default:
		opened.Wipe()
		return fmt.Errorf("%w: %w", ErrUnready, err)
	}
	clear(w.Token)
	*w = instrument.Wallet{
		Method: w.Method, Card: opened.Card, Cryptogram: opened.Cryptogram, ECI: opened.ECI, ID: opened.ID, Until: opened.Until,
	}
	return nil
}

func (o *Opener) open(w *shop.Wallets, apple bool, token []byte) (wallet.Opened, error) {
	keys, err := Read(w.Keys)
	if err != nil {
		return wallet.Opened{}, err
	}
	if apple {
		account, err := keys.apple(w.Apple)
		if err != nil {
			return wallet.Opened{}, err
		}
		return account.Open(token, o.Now())
	}
	account, err := keys.google(w.Google)
	if err != nil {
		return wallet.Opened{}, err
	}
	if account.Roots, err = o.roots(w.Google); err != nil {
		return wallet.Opened{}, err
	}
	return account.Open(token, o.Now())
}

func (o *Opener) roots(g *shop.GooglePay) (googlepay.Roots, error) {
	switch {
	case g.Roots != "":
		return googlepay.ParseRoots([]byte(g.Roots))
	case g.Test:
		return googlepay.TestRoots(), nil
	case o.Google != nil:
		return o.Google(), nil
	}
	return googlepay.Roots{}, nil
}

func (k *Keys) google(g *shop.GooglePay) (googlepay.Account, error) {
	a := googlepay.Account{Recipient: g.Recipient}
	for _, text := range k.Google {
		key, err := googlepay.ParseKey(text)
		if err != nil {
			return a, fmt.Errorf("key of Google Pay: %w", err)
		}
		a.Keys = append(a.Keys, key)
	}
	return a, nil
}

func (k *Keys) apple(a *shop.ApplePay) (*applepay.Account, error) {
	root := applepay.Root()
	if a.Roots != "" {
		var err error
		if root, err = applepay.ParseRoot(a.Roots); err != nil {
			return nil, fmt.Errorf("root of Apple Pay: %w", err)
		}
	}
	return k.applePay(a.MerchantID, root)
}

func (k *Keys) applePay(merchant string, root *x509.Certificate) (*applepay.Account, error) {
	processing := make([]applepay.Processing, len(k.Apple))
	for i, c := range k.Apple {
		var err error
		if processing[i], err = applepay.ParseProcessing(c.Certificate, c.Key); err != nil {
			return nil, fmt.Errorf("payment processing certificate: %w", err)
		}
	}
	account, err := applepay.New(merchant, processing, root)
	if err != nil {
		return nil, fmt.Errorf("account at Apple: %w", err)
	}
	return account, nil
}

// publicKey is the public half as Google's script takes it: an uncompressed point in base64.
func publicKey(k *ecdh.PrivateKey) string { return base64Of(k.PublicKey().Bytes()) }
