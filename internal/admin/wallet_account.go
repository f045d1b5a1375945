package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
)

// Content is what stands in a file.
type Content []byte

// String implements fmt.Stringer, for the log.
func (c Content) String() string { return fmt.Sprintf("%d bytes", len(c)) }

// SetWallet says by which account a shop is paid by a wallet. What is not given stays as it is.
type SetWallet struct {
	OfShop
	Wallet          string    `arg:"" name:"wallet" enum:"google,apple" help:"google or apple." json:"wallet"`
	Recipient       string    `name:"recipient" placeholder:"merchant:ID" help:"Of Google Pay: whom tokens are for, merchant:ID or gateway:NAME, as Google has it." json:"recipient,omitempty"`
	GatewayMerchant string    `name:"gateway-merchant" placeholder:"ID" help:"Of Google Pay: the shop's name at the gateway." json:"gatewayMerchantId,omitempty"`
	Test            *bool     `name:"test" negatable:"" help:"Of Google Pay: tokens are of Google's test environment." json:"test,omitempty"`
	MerchantID      string    `name:"merchant-id" placeholder:"ID" help:"Of Apple Pay: the merchant identifier, such as merchant.com.example.shop. Of Google Pay with a gateway: the id that Google has given the merchant, for the payment page." json:"merchantId,omitempty"`
	Country         string    `name:"country" placeholder:"CC" help:"Where payments are processed, such as DE: Apple Pay needs it for the payment page, and Google Pay within Europe." json:"country,omitempty"`
	AuthMethods     []string  `name:"auth-method" placeholder:"NAME" help:"Of Google Pay: PAN_ONLY or CRYPTOGRAM_3DS, where the payment page is to ask for one alone." json:"authMethods,omitempty"`
	Domains         []string  `name:"domain" placeholder:"HOST" help:"Of Apple Pay: a host of the payment page that Apple has verified. May be repeated." json:"domains,omitempty"`
	Networks        []string  `name:"network" placeholder:"NAME" help:"A network of cards that is taken, as the wallet writes it. May be repeated; Mastercard and Visa when not given." json:"networks,omitempty"`
	Sheet           string    `name:"sheet" placeholder:"URL" help:"Of a test shop: the page of a wallet that is pretended, such as the simulator's /wallet." json:"sheet,omitempty"`
	Gateway         string    `name:"session-gateway" placeholder:"URL" help:"Of a test shop's Apple Pay: what is asked for sessions in the place of Apple." json:"gateway,omitempty"`
	Roots           Content   `kong:"-" json:"roots,omitempty"`       // what a wallet that is pretended signs by
	Association     Content   `kong:"-" json:"association,omitempty"` // Apple's file that verifies a domain
	Keys            []Content `kong:"-" secret:"" json:"keys,omitempty"`
	Identity        []Content `kong:"-" secret:"" json:"identity,omitempty"`
}

// OfWallet names one of a shop's accounts.
type OfWallet struct {
	OfShop
	Wallet string `arg:"" name:"wallet" enum:"google,apple" help:"google or apple." json:"wallet"`
}

// WalletAccounts are the accounts by which a shop is paid by wallets. Keys are counted and not shown.
type WalletAccounts struct {
	Shop         shop.ID             `json:"shopId"`
	Google       *shop.GooglePay     `json:"google,omitempty"`
	Apple        *shop.ApplePay      `json:"apple,omitempty"`
	GoogleKeys   int                 `json:"googleKeys,omitempty"`
	Certificates []WalletCertificate `json:"certificates,omitempty"` // of Apple's, of each use the one that lasts longest
	Effect
}

// WalletCertificate is when one of Apple's certificates ends.
type WalletCertificate struct {
	Use     string    `json:"use"` // processing or identity
	Subject string    `json:"subject"`
	Expires time.Time `json:"expires"`
}

// errNoAccount says that the shop has no account at that wallet.
var errNoAccount = errors.New("the shop has no account at this wallet; \"sluice shop wallet show\" shows those that it has")

// setWallet gives a shop an account at a wallet, or changes it. It needs the right RotateSecrets.
func (d *Desk) setWallet(ctx context.Context, c SetWallet) (WalletAccounts, error) {
	return d.changeWallets(ctx, c.Shop, func(s *shop.Shop) error {
		keys, err := accounts.Read(s.Settings.Wallets.Keys)
		if err != nil {
			return err
		}
		w := s.Settings.Wallets
		if c.Wallet == "apple" {
			w.Apple, err = c.apple(w.Apple, &keys)
		} else {
			w.Google, err = c.google(w.Google, &keys)
		}
		if err == nil {
			err = w.Check(s.Live)
		}
		if err == nil {
			err = keys.Check(&w)
		}
		if err != nil {
			return err
		}
		w.Keys = keys.Text()
		s.Settings.Wallets = w
		return nil
	})
}

func (c *SetWallet) google(before *shop.GooglePay, keys *accounts.Keys) (*shop.GooglePay, error) {
	var g shop.GooglePay
	if before != nil {
		g = *before
	}
	if len(c.Domains) > 0 || len(c.Association) > 0 || len(c.Identity) > 0 || c.Gateway != "" {
		return nil, errors.New("domains, sessions and identity certificates are Apple Pay's")
	}
	g.Recipient, g.GatewayMerchant = cmp.Or(c.Recipient, g.Recipient), cmp.Or(c.GatewayMerchant, g.GatewayMerchant)
	if g.MerchantID = cmp.Or(c.MerchantID, g.MerchantID); c.MerchantID != "" && !strings.HasPrefix(g.Recipient, "gateway:") {
		return nil, errors.New("a merchant id beside the recipient goes with a recipient gateway:NAME")
	}
	if len(c.AuthMethods) > 0 {
		g.AuthMethods = c.AuthMethods
	}
	g.Country = cmp.Or(c.Country, g.Country)
	if c.Test != nil {
		g.Test = *c.Test
	}
	c.common(&g.Networks, &g.Pretended)
	if len(c.Keys) == 0 {
		return &g, nil
	}
	pairs, alone, err := accounts.Pairs(texts(c.Keys))
	if err == nil && len(pairs) > 0 {
		err = errors.New("certificates are of no use for Google Pay: it has private keys alone")
	}
	keys.Google = alone
	return &g, err
}

func (c *SetWallet) apple(before *shop.ApplePay, keys *accounts.Keys) (*shop.ApplePay, error) {
	var a shop.ApplePay
	if before != nil {
		a = *before
	}
	if c.Recipient != "" || c.GatewayMerchant != "" || c.Test != nil || len(c.AuthMethods) > 0 {
		return nil, errors.New("a recipient, its gateway, ways of authentication and the test environment are Google Pay's")
	}
	a.MerchantID, a.Country, a.Gateway = cmp.Or(c.MerchantID, a.MerchantID), cmp.Or(c.Country, a.Country), cmp.Or(c.Gateway, a.Gateway)
	if len(c.Domains) > 0 {
		a.Domains = c.Domains
	}
	if len(c.Association) > 0 {
		a.Association = string(c.Association)
	}
	c.common(&a.Networks, &a.Pretended)
	for _, of := range []struct {
		given []Content
		into  *[]accounts.Certified
	}{{c.Keys, &keys.Apple}, {c.Identity, &keys.Identity}} {
		if len(of.given) == 0 {
			continue
		}
		pairs, alone, err := accounts.Pairs(texts(of.given))
		switch {
		case err != nil:
			return nil, err
		case len(alone) > 0 || len(pairs) == 0:
			return nil, errors.New("certificates and their private keys are needed for Apple Pay: one of the files has a key without a certificate, or there is none")
		}
		*of.into = pairs
	}
	return &a, nil
}

// common reads what both wallets have.
func (c *SetWallet) common(networks *[]string, p *shop.Pretended) {
	if len(c.Networks) > 0 {
		*networks = c.Networks
	}
	p.Sheet = cmp.Or(c.Sheet, p.Sheet)
	if len(c.Roots) > 0 {
		p.Roots = string(c.Roots)
	}
}

func texts(files []Content) []string {
	all := make([]string, len(files))
	for i, f := range files {
		all[i] = string(f)
	}
	return all
}

// removeWallet takes an account away with its keys. It needs the right RotateSecrets.
func (d *Desk) removeWallet(ctx context.Context, c OfWallet) (WalletAccounts, error) {
	return d.changeWallets(ctx, c.Shop, func(s *shop.Shop) error {
		w := s.Settings.Wallets
		keys, err := accounts.Read(w.Keys)
		switch {
		case !w.Has(c.Wallet == "apple"):
			return errNoAccount
		case err != nil && (w.Google == nil || w.Apple == nil): // what cannot be read goes all the same
		case err != nil:
			return err
		}
		if c.Wallet == "apple" {
			w.Apple, keys.Apple, keys.Identity = nil, nil, nil
		} else {
			w.Google, keys.Google = nil, nil
		}
		w.Keys = keys.Text()
		s.Settings.Wallets = w
		return nil
	})
}

// showWallets shows the accounts of a shop, without its keys. It needs the right ReadShops.
func (d *Desk) showWallets(ctx context.Context, c OfShop) (WalletAccounts, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return WalletAccounts{}, err
	}
	return walletsOf(&s), nil
}

func (d *Desk) changeWallets(ctx context.Context, sid string, change func(*shop.Shop) error) (WalletAccounts, error) {
	var changed shop.Shop
	err := d.c.DB.Update(ctx, func(tx *store.Tx) (err error) {
		changed, err = tx.Shops().Change(shop.ID(sid), change)
		return err
	})
	if err != nil {
		return WalletAccounts{}, shopError(err, sid)
	}
	shown := walletsOf(&changed)
	shown.Effect = d.effect()
	return shown, nil
}

// walletsOf is what may be shown.
func walletsOf(s *shop.Shop) WalletAccounts {
	w := s.Settings.Wallets
	shown := WalletAccounts{Shop: s.ID, Google: w.Google, Apple: w.Apple}
	if keys, err := accounts.Read(w.Keys); err == nil {
		shown.GoogleKeys = len(keys.Google)
		for _, e := range keys.Expiries() {
			shown.Certificates = append(shown.Certificates, WalletCertificate{e.Use, e.Subject, e.At.UTC()})
		}
	}
	return shown
}
