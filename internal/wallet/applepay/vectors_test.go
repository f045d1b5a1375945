package applepay_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/applepay"
)

// vector is one of testdata/applepay.json, which names the source and the licence of each.
type vector struct {
	Name  string `json:"name"`
	Input struct {
		Now          time.Time `json:"now"`
		Roots        []string  `json:"trustedRoots"`
		MerchantHash string    `json:"merchantIdHash"`
		Keys         []string  `json:"privateKeysPkcs8"`
		Symmetric    []byte    `json:"symmetricKey"`
		Payment      *struct {
			Numeric string `json:"currencyNumeric"`
			Minor   uint64 `json:"amountMinor"`
		} `json:"payment"`
		Seen  []string        `json:"seenTransactionIds"`
		Token json.RawMessage `json:"token"`
	} `json:"input"`
	Expect struct {
		Result  string       `json:"result"`
		Stage   wallet.Fault `json:"stage"`
		Payload *struct {
			Number   string `json:"applicationPrimaryAccountNumber"`
			Expires  string `json:"applicationExpirationDate"`
			Currency string `json:"currencyCode"`
			Minor    uint64 `json:"transactionAmount"`
			Holder   string `json:"cardholderName"`
			Data     struct {
				Cryptogram string `json:"onlinePaymentCryptogram"`
				ECI        string `json:"eciIndicator"`
			} `json:"paymentData"`
		} `json:"payload"`
	} `json:"expect"`
}

func vectors(t testing.TB) (all []vector, roots map[string]*x509.Certificate) {
	t.Helper()
	raw, err := os.ReadFile("testdata/applepay.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Certificates map[string]struct {
			DER string `json:"der"`
		} `json:"certificates"`
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	roots = map[string]*x509.Certificate{}
	for name, c := range file.Certificates {
		if roots[name], err = applepay.ParseRoot(c.DER); err != nil {
			t.Fatal(err)
		}
	}
	if len(file.Vectors) != 22 || len(roots) != 2 {
		t.Fatalf("%d vectors, %d roots", len(file.Vectors), len(roots))
	}
	return file.Vectors, roots
}

// compact is a token as the wallet hands it over. The vectors are laid out to be read.
func compact(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func currency(t testing.TB, numeric string) money.Currency {
	t.Helper()
	for _, c := range money.Currencies() {
		if c.Numeric() == numeric {
			return c
		}
	}
	t.Fatalf("no currency %s", numeric)
	return ""
}

// open does what a caller does: it opens, takes the id and compares with the payment.
func (v *vector) open(t *testing.T, roots map[string]*x509.Certificate) (o wallet.Opened, err error) {
	t.Helper()
	hash := v.Input.MerchantHash
	if hash == "" { // with the key of the content
		hash = "00"
	}
	account, err := applepay.NewOfVector(hash, v.Input.Keys, roots[v.Input.Roots[0]])
	if err != nil {
		t.Fatal(err)
	}
	token := compact(t, v.Input.Token)
	if v.Input.Symmetric != nil {
		o, err = account.OpenWith(token, v.Input.Symmetric, v.Input.Now)
	} else {
		o, err = account.Open(token, v.Input.Now)
	}
	if err != nil {
		return o, err
	}
	if slices.Contains(v.Input.Seen, o.ID) {
		return o, wallet.Refuse(wallet.FaultReplay, "")
	}
	if p := v.Input.Payment; p != nil {
		c := currency(t, p.Numeric)
		amount, err := money.FromMinor(p.Minor, c.MinorUnits())
		if err != nil {
			t.Fatal(err)
		}
		return o, o.Agrees(amount, c)
	}
	return o, nil
}

// TestPublishedTokens: every token has the result that its source gives, and fails where it does by our order.
func TestPublishedTokens(t *testing.T) {
	t.Parallel()
	all, roots := vectors(t)
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			o, err := v.open(t, roots)
			if got := wallet.FaultOf(err); got != v.Expect.Stage || (err == nil) != (v.Expect.Result == "accept") {
				t.Fatalf("got %v, want %s %s", err, v.Expect.Result, v.Expect.Stage)
			}
			if err != nil {
				return
			}
			p := v.Expect.Payload
			type content struct{ Number, Expires, Holder, Cryptogram, ECI, Currency string }
			want := content{p.Number, p.Expires[:4], p.Holder, p.Data.Cryptogram, p.Data.ECI, p.Currency}
			if len(want.ECI) == 1 {
				want.ECI = "0" + want.ECI
			}
			got := content{o.Card.Number.Reveal(), o.Card.ExpiryYear[2:] + o.Card.ExpiryMonth, o.Card.Holder, o.Cryptogram, o.ECI, o.Currency.Numeric()}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if !o.Device || !o.Until.IsZero() || o.ID == "" || !o.Card.SecurityCode.IsZero() || o.Card.ExpiryYear[:2] != "20" {
				t.Errorf("what is always so is not: %v", o)
			}
		})
	}
}

// TestApplesRootIsTheOneThatApplePublishes, by the fingerprint on its page.
func TestApplesRootIsTheOneThatApplePublishes(t *testing.T) {
	t.Parallel()
	_, roots := vectors(t)
	if !applepay.Root().Equal(roots["apple-root-ca-g3"]) {
		t.Error("it is another certificate")
	}
	if got := fingerprint(applepay.Root()); got != "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179" {
		t.Error(got)
	}
}
