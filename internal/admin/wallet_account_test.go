package admin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/testkit/purse"
)

// TestAccountsAtWallets: keys go in by command, several at once, and come out of nothing that is shown, logged or stored in clear.
func TestAccountsAtWallets(t *testing.T) {
	t.Parallel()
	onBoth(t, testAccountsAtWallets)
}

func testAccountsAtWallets(t *testing.T, o *office) {
	google, older, apple := newKey(t), newKey(t), newKey(t)
	makers := purse.NewMakers(t, time.Now())
	certificate, err := makers.Apple.Processing("merchant.test.one", &apple.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	of := admin.OfShop{Shop: string(done(o, admin.OpCreateShop, admin.CreateShop{Name: "Northwind"}).Shop)}
	set := func(c admin.SetWallet) (admin.WalletAccounts, error) {
		c.OfShop = of
		return admin.OpSetWallet.Do(admin.As(t.Context(), admin.Person{Account: "root(0)"}), o.desk, c)
	}
	for what, c := range map[string]admin.SetWallet{
		"no key":                     {Wallet: "google", Recipient: "merchant:1"},
		"no recipient":               {Wallet: "google", Keys: pems(t, google)},
		"a recipient that is none":   {Wallet: "google", Recipient: "shop", Keys: pems(t, google)},
		"a network that is none":     {Wallet: "google", Recipient: "merchant:1", Networks: []string{"visa"}, Keys: pems(t, google)},
		"Apple's fields":             {Wallet: "google", Recipient: "merchant:1", Domains: []string{"pay.example"}, Keys: pems(t, google)},
		"Google's fields":            {Wallet: "apple", Recipient: "merchant:1", MerchantID: "merchant.test.one", Keys: pems(t, apple, certificate)},
		"a merchant's second id":     {Wallet: "google", Recipient: "merchant:1", MerchantID: "2", Keys: pems(t, google)},
		"a country that is none":     {Wallet: "google", Recipient: "merchant:1", Country: "de", Keys: pems(t, google)},
		"a way that is none":         {Wallet: "google", Recipient: "merchant:1", AuthMethods: []string{"3DS"}, Keys: pems(t, google)},
		"a gateway with a path":      {Wallet: "apple", MerchantID: "merchant.test.one", Gateway: "https://gateway.example/x", Keys: pems(t, apple, certificate)},
		"ways of authentication":     {Wallet: "apple", MerchantID: "merchant.test.one", AuthMethods: []string{"PAN_ONLY"}, Keys: pems(t, apple, certificate)},
		"no PEM":                     {Wallet: "google", Recipient: "merchant:1", Keys: []admin.Content{admin.Content("key")}},
		"a key without certificate":  {Wallet: "apple", MerchantID: "merchant.test.one", Keys: pems(t, apple)},
		"a certificate without key":  {Wallet: "apple", MerchantID: "merchant.test.one", Keys: []admin.Content{admin.Content(certificate)}},
		"another's certificate":      {Wallet: "apple", MerchantID: "merchant.test.two", Keys: pems(t, apple, certificate)},
		"another certificate's key":  {Wallet: "apple", MerchantID: "merchant.test.one", Keys: pems(t, google, certificate)},
		"roots that cannot be read":  {Wallet: "google", Recipient: "merchant:1", Roots: admin.Content("{}x"), Keys: pems(t, google)},
		"a root that cannot be read": {Wallet: "apple", MerchantID: "merchant.test.one", Roots: admin.Content("x"), Keys: pems(t, apple, certificate)},
	} {
		if _, err := set(c); err == nil || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if shown := done(o, admin.OpShowWallets, of); shown.Google != nil || shown.Apple != nil {
		t.Fatalf("%+v", shown)
	}

	one, err := set(admin.SetWallet{Wallet: "google", Recipient: "merchant:1", Keys: pems(t, google, older)})
	if err != nil || one.GoogleKeys != 2 || one.Google.Recipient != "merchant:1" || len(one.Google.PublicKey) != 88 {
		t.Fatalf("%v, %+v", err, one)
	}
	if one, err = set(admin.SetWallet{Wallet: "google", Networks: []string{"VISA"}}); err != nil || one.GoogleKeys != 2 || one.Google.Recipient != "merchant:1" {
		t.Errorf("what was not given has gone: %v, %+v", err, one)
	}
	if by, err := set(admin.SetWallet{Wallet: "google", Recipient: "gateway:northwind", GatewayMerchant: "m7", MerchantID: "42", Country: "DE"}); err != nil || by.Google.Merchant() != "42" || by.Google.Country != "DE" {
		t.Errorf("by a gateway: %v, %+v", err, by.Google)
	}
	both, err := set(admin.SetWallet{Wallet: "apple", MerchantID: "merchant.test.one", Domains: []string{"pay.example"}, Keys: pems(t, apple, certificate)})
	if err != nil || both.Google == nil || both.Apple == nil || len(both.Certificates) != 1 || both.Certificates[0].Use != "processing" || both.InForce.IsZero() {
		t.Errorf("%v, %+v", err, both)
	}
	if both.Apple.Sessions {
		t.Error("without an identity certificate no session begins")
	}
	if both, err = set(admin.SetWallet{Wallet: "apple", Country: "DE", Identity: pems(t, apple, certificate)}); err != nil || !both.Apple.Sessions || len(both.Certificates) != 2 {
		t.Errorf("with an identity certificate: %v, %+v", err, both)
	}
	settings := done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Settings: `{"checkoutTimeout":30}`})
	if settings.Settings.Wallets.Keys != "" || settings.Settings.Wallets.Apple == nil {
		t.Errorf("a change of something else: %+v", settings.Settings.Wallets)
	}
	refused(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Settings: `{"wallets":{"keys":"x"}}`}, "sluice shop wallet set")
	left := done(o, admin.OpRemoveWallet, admin.OfWallet{OfShop: of, Wallet: "google"})
	if left.Google != nil || left.GoogleKeys != 0 || left.Apple == nil || len(left.Certificates) != 2 {
		t.Errorf("%+v", left)
	}
	refused(o, admin.OpRemoveWallet, admin.OfWallet{OfShop: of, Wallet: "google"}, "no account at this wallet")
	if strings.Contains(o.log.String(), "PRIVATE") || !strings.Contains(o.log.String(), "shop.wallet.set") {
		t.Error("a key is in the log")
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// pems are files of keys, and of certificates that are texts already.
func pems(t *testing.T, all ...any) (files []admin.Content) {
	t.Helper()
	for _, one := range all {
		if text, ok := one.(string); ok {
			files = append(files, admin.Content(text))
			continue
		}
		files = append(files, admin.Content(purse.PEM(t, one)))
	}
	return files
}
