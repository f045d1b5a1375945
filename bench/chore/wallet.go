package chore

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"

	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/applepay"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

const (
	walletRecipient = "gateway:sluice"
	walletMerchant  = "merchant.com.example.shop"
)

var walletCard = mint.Card{Number: "4895370012003478", Month: 12, Year: 2034, Cryptogram: "ABEiM0RVZneImaq7zN3u/wARIjM=", ECI: "05"}

// Wallets compares verifying and opening a token with what no implementation can do without: the signatures that stand in it, checked
// bare over a digest on the same curves, and one exchange of keys. Certificates, CMS, JSON and ciphers come on top.
func Wallets() ([]Chore, error) {
	google, err := googleChore()
	if err != nil {
		return nil, err
	}
	apple, err := appleChore()
	return []Chore{google, apple}, err
}

func googleChore() (c Chore, err error) {
	now := time.Now()
	g, err := mint.NewGoogle(rand.Reader, now)
	if err != nil {
		return c, err
	}
	roots, err := googlepay.ParseRoots(g.Roots())
	if err != nil {
		return c, err
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return c, err
	}
	token, err := g.Token(mint.GoogleToken{
		Recipient: walletRecipient, To: key.PublicKey(), Card: walletCard, MessageID: "bench", Expires: now.Add(time.Hour),
	})
	if err != nil {
		return c, err
	}
	account := &googlepay.Account{Recipient: walletRecipient, Keys: []*ecdh.PrivateKey{key}, Roots: roots}
	bare, err := bareChecks(elliptic.P256(), elliptic.P256())
	return Chore{"a Google Pay token opened", "two checks of ECDSA on P-256, one ECDH", func() error {
		return discard(account.Open(token, now))
	}, bare}, err
}

func appleChore() (c Chore, err error) {
	now := time.Now()
	a, err := mint.NewApple(rand.Reader, now)
	if err != nil {
		return c, err
	}
	root, err := applepay.ParseRoot(a.Root())
	if err != nil {
		return c, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	certificate, err := a.Processing(walletMerchant, key.Public())
	if err != nil {
		return c, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	processing, err := applepay.ParseProcessing(certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if err != nil {
		return c, err
	}
	account, err := applepay.New(walletMerchant, []applepay.Processing{processing}, root)
	if err != nil {
		return c, err
	}
	token, err := a.Token(mint.AppleToken{
		Merchant: walletMerchant, To: key.Public(), Card: walletCard, CurrencyNumeric: "978", Minor: 1099, TransactionID: make([]byte, 32), Signed: now,
	})
	if err != nil {
		return c, err
	}
	bare, err := bareChecks(elliptic.P256(), elliptic.P256(), elliptic.P384())
	return Chore{"an Apple Pay token opened", "two checks of ECDSA on P-256, one on P-384, one ECDH", func() error {
		return discard(account.Open(token, now))
	}, bare}, err
}

// discard wipes what was opened.
func discard(o wallet.Opened, err error) error {
	o.Wipe()
	return err
}

// bareChecks verifies a signature on each of the curves and exchanges keys once.
func bareChecks(curves ...elliptic.Curve) (func() error, error) {
	digest := sha256.Sum256([]byte("a message"))
	var keys []*ecdsa.PrivateKey
	var signatures [][]byte
	for _, curve := range curves {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return nil, err
		}
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		keys, signatures = append(keys, key), append(signatures, signature)
	}
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	other, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return func() error {
		for i, key := range keys {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signatures[i]) {
				return errors.New("a good signature is refused")
			}
		}
		_, err := own.ECDH(other.PublicKey())
		return err
	}, nil
}
