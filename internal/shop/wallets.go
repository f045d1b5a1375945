package shop

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Wallets are the accounts by which a shop is paid by wallets, as far as anybody may see them, and the keys that open the wallets' tokens.
type Wallets struct {
	Google *GooglePay `json:"google,omitempty"`
	Apple  *ApplePay  `json:"apple,omitempty"`
	// Keys are private keys and certificates of both: a text of package accounts, and a secret. It is stored sealed.
	Keys string `json:"keys,omitempty"`
}

// GooglePay is an account at Google.
type GooglePay struct {
	// Recipient is whom tokens are for: "merchant:" and the id that Google has given, or "gateway:" and the name of a provider.
	Recipient string `json:"recipient"`
	// GatewayMerchant is the shop's name at that provider; empty where Google encrypts for the shop itself.
	GatewayMerchant string `json:"gatewayMerchantId,omitempty"`
	// PublicKey is that of the newest key, as Google's script takes it: 65 bytes in base64.
	PublicKey string `json:"publicKey,omitempty"`
	// MerchantID is the id that Google has given, where the recipient does not say it: the payment page names it to Google.
	MerchantID  string   `json:"merchantId,omitempty"`
	Country     string   `json:"country,omitempty"`     // where payments are processed, as two letters
	AuthMethods []string `json:"authMethods,omitempty"` // that are asked for on the payment page; all that Google has where empty
	Networks    []string `json:"networks,omitempty"`    // of cards that are taken, as Google writes them; those that it has most of where empty
	// Test tells an account in Google's test environment, whose cards are none.
	Test bool `json:"test,omitempty"`
	Pretended
}

// ApplePay is a merchant identifier of Apple's.
type ApplePay struct {
	MerchantID  string   `json:"merchantId"`            // such as merchant.com.example.shop
	Networks    []string `json:"networks,omitempty"`    // of cards that are taken, as Apple writes them
	Domains     []string `json:"domains,omitempty"`     // of payment pages that Apple has verified
	Association string   `json:"association,omitempty"` // the content of Apple's file that verifies a domain
	Country     string   `json:"country,omitempty"`     // where payments are processed, as two letters
	// Sessions says that there is a merchant identity certificate, without which no sheet opens.
	Sessions bool `json:"sessions,omitempty"`
	// PublicKey is that of the newest processing certificate, for a wallet that is pretended: 65 bytes in base64, empty where it is of RSA.
	PublicKey string `json:"publicKey,omitempty"`
	// Gateway is asked for sessions in the place of Apple's, for a wallet that is pretended: an address without a path.
	Gateway string `json:"gateway,omitempty"`
	Pretended
}

// Pretended tells a wallet that is none: that of a simulator, which signs under a root of its own. A live shop has none.
type Pretended struct {
	Roots string `json:"roots,omitempty"` // what it signs by, in the form of its wallet
	Sheet string `json:"sheet,omitempty"` // the page where customers choose a card
}

// Limits of what is given for wallets.
const (
	mostWalletText  = 64 << 10 // bytes of an association or of roots
	mostWalletWords = 20
)

// Networks of cards as the wallets write them.
var (
	googleNetworks = []string{"AMEX", "DISCOVER", "ELECTRON", "ELO", "ELO_DEBIT", "INTERAC", "JCB", "MAESTRO", "MASTERCARD", "MIR", "VISA"}
	appleNetworks  = []string{"amex", "bancomat", "bancontact", "cartesBancaires", "chinaUnionPay", "dankort", "discover", "eftpos", "electron", "elo", "girocard",
		"interac", "jcb", "mada", "maestro", "masterCard", "mir", "privateLabel", "visa", "vPay"}
)

// googleAuthMethods are how Google has cards: as numbers on file, and as numbers of a device with a proof.
var googleAuthMethods = []string{"PAN_ONLY", "CRYPTOGRAM_3DS"}

// usual are the networks that most customers of wallets have, in the words of Apple and of Google.
var usual = map[bool][]string{true: {"masterCard", "visa"}, false: {"MASTERCARD", "VISA"}}

// Taken are the networks of cards that are taken.
func (g *GooglePay) Taken() []string { return taken(g.Networks, false) }

// Authenticated are the kinds of cards that are asked for, by how Google has them.
func (g *GooglePay) Authenticated() []string {
	if len(g.AuthMethods) == 0 {
		return slices.Clone(googleAuthMethods)
	}
	return g.AuthMethods
}

// Merchant is the id that Google has given; empty where nothing says it.
func (g *GooglePay) Merchant() string {
	if id, ok := strings.CutPrefix(g.Recipient, "merchant:"); ok {
		return id
	}
	return g.MerchantID
}

// Taken are the networks of cards that are taken.
func (a *ApplePay) Taken() []string { return taken(a.Networks, true) }

func taken(named []string, apple bool) []string {
	if len(named) == 0 {
		return usual[apple]
	}
	return named
}

// Has reports that the shop opens the tokens of a wallet.
func (w *Wallets) Has(apple bool) bool { return apple && w.Apple != nil || !apple && w.Google != nil }

// Sheet is the page of a pretended wallet; empty where the wallet is a real one, or there is none.
func (w *Wallets) Sheet(apple bool) string {
	switch {
	case apple && w.Apple != nil:
		return w.Apple.Sheet
	case !apple && w.Google != nil:
		return w.Google.Sheet
	}
	return ""
}

// Check reports what is wrong with what is to be seen of the accounts of a shop.
func (w *Wallets) Check(live bool) error {
	var faults []error
	if g := w.Google; g != nil {
		kind, id, _ := strings.Cut(g.Recipient, ":")
		if kind != "merchant" && kind != "gateway" || !plainWord(id) {
			faults = append(faults, fmt.Errorf("google: recipient: %q is neither merchant:ID nor gateway:NAME", g.Recipient))
		}
		if (kind == "gateway") != (g.GatewayMerchant != "") || g.GatewayMerchant != "" && !plainWord(g.GatewayMerchant) {
			faults = append(faults, errors.New("google: the name of the shop at its provider goes with a recipient gateway:NAME, and with no other"))
		}
		if live && g.Test {
			faults = append(faults, errors.New("google: the test environment has cards that are none: a live shop cannot have it"))
		}
		if g.MerchantID != "" && !plainWord(g.MerchantID) {
			faults = append(faults, errors.New("google: merchant id: must be the one that Google has given"))
		}
		faults = append(faults, checkWords("google: networks", g.Networks, googleNetworks), g.check("google", live),
			checkWords("google: auth methods", g.AuthMethods, googleAuthMethods), checkCountry("google", g.Country))
	}
	if a := w.Apple; a != nil {
		if !strings.HasPrefix(a.MerchantID, "merchant.") || !plainWord(a.MerchantID) {
			faults = append(faults, fmt.Errorf("apple: merchant id: %q is none such as merchant.com.example.shop", a.MerchantID))
		}
		if len(a.Domains) > mostWalletWords || slices.ContainsFunc(a.Domains, func(d string) bool { return !plainWord(d) }) {
			faults = append(faults, errors.New("apple: domains: must be at most 20 names of hosts"))
		}
		if len(a.Association) > mostWalletText || !utf8.ValidString(a.Association) {
			faults = append(faults, errors.New("apple: the file that verifies the domain must be a text of at most 64 KiB"))
		}
		if a.Gateway != "" && (live || !plainAddress(a.Gateway) || strings.Count(a.Gateway, "/") != 2) {
			faults = append(faults, errors.New("apple: gateway: must be an absolute http or https address without a path, and no live shop has one"))
		}
		faults = append(faults, checkWords("apple: networks", a.Networks, appleNetworks), a.check("apple", live), checkCountry("apple", a.Country))
	}
	return errors.Join(faults...)
}

func (p *Pretended) check(wallet string, live bool) error {
	if *p == (Pretended{}) {
		return nil
	}
	switch {
	case live:
		return fmt.Errorf("%s: a live shop is not paid by a wallet that is pretended", wallet)
	case len(p.Roots) > mostWalletText:
		return fmt.Errorf("%s: roots: more than 64 KiB", wallet)
	case p.Sheet != "" && !plainAddress(p.Sheet):
		return fmt.Errorf("%s: sheet: must be an absolute http or https address without a query", wallet)
	}
	return nil
}

// plainAddress accepts an absolute http or https address without a query.
func plainAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && AbsoluteURL(text) && u.RawQuery == "" && u.Fragment == ""
}

// checkCountry accepts a country as two letters, or none.
func checkCountry(wallet, country string) error {
	if country == "" || len(country) == 2 && strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return nil
	}
	return fmt.Errorf("%s: country: %q is none such as DE", wallet, country)
}

func checkWords(name string, given, known []string) error {
	for _, word := range given {
		if !slices.Contains(known, word) {
			return fmt.Errorf("%s: %q is none of %q", name, word, known)
		}
	}
	if len(given) > mostWalletWords {
		return fmt.Errorf("%s: more than %d", name, mostWalletWords)
	}
	return nil
}

// plainWord accepts what ids, names of hosts and of providers are made of.
func plainWord(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == ""
}
