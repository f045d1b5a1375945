package admin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
)

// DemoWallets are what the simulator's pretended wallets sign by.
type DemoWallets struct{ GoogleRoots, AppleRoot string }

// The demo's accounts, which are nobody's.
const (
	demoRecipient = "merchant:sluice-demo"
	demoMerchant  = "merchant.sluice.demo"
	demoLasts     = 20 * 365 * 24 * time.Hour // of its certificate
)

// equipDemo gives the demo's shop accounts at the pretended wallets. Accounts that somebody has given it stay.
func (d *Desk) equipDemo(ctx context.Context, sid shop.ID, simulator string, by DemoWallets) error {
	now := shop.Wallets{
		Google: &shop.GooglePay{Recipient: demoRecipient, Pretended: shop.Pretended{Roots: by.GoogleRoots, Sheet: simulator + "/wallet/google"}},
		Apple:  &shop.ApplePay{MerchantID: demoMerchant, Pretended: shop.Pretended{Roots: by.AppleRoot, Sheet: simulator + "/wallet/apple"}},
	}
	return d.c.DB.Update(ctx, func(tx *store.Tx) error {
		s, err := tx.Shops().Get(sid)
		if err != nil {
			return err
		}
		w := &s.Settings.Wallets
		if w.Google != nil && w.Google.Recipient != demoRecipient || w.Apple != nil && w.Apple.MerchantID != demoMerchant {
			return nil
		}
		if w.Google != nil && w.Apple != nil && w.Google.Pretended == now.Google.Pretended && w.Apple.Pretended == now.Apple.Pretended {
			return nil
		}
		keys, err := accounts.Read(w.Keys)
		if err != nil || len(keys.Google) == 0 || len(keys.Apple) == 0 {
			if keys, err = demoKeys(d.c.Random, tx.Now()); err != nil {
				return err
			}
		}
		fresh := now
		if err := keys.Check(&fresh); err != nil {
			return err
		}
		fresh.Keys = keys.Text()
		s.Settings.Wallets = fresh
		tx.Shops().Update(&s)
		return nil
	})
}

// demoKeys draws a key for each wallet, with a certificate that it has signed itself.
func demoKeys(chance io.Reader, now time.Time) (k accounts.Keys, err error) {
	var texts [2]string
	var apple *ecdsa.PrivateKey
	for i := range texts {
		if apple, err = ecdsa.GenerateKey(elliptic.P256(), chance); err != nil {
			return k, fmt.Errorf("keys of the demo's wallets: %w", err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(apple)
		if err != nil {
			return k, fmt.Errorf("keys of the demo's wallets: %w", err)
		}
		texts[i] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: demoMerchant}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(demoLasts),
	}
	der, err := x509.CreateCertificate(chance, &template, &template, &apple.PublicKey, apple)
	if err != nil {
		return k, fmt.Errorf("certificate of the demo's wallet: %w", err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return accounts.Keys{Google: texts[:1], Apple: []accounts.Certified{{Certificate: certificate, Key: texts[1]}}}, nil
}
