package googlepay_test

import (
	"bytes"
	"crypto/ecdh"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
)

// vector is one of testdata/googlepay.json, which names the source and the licence of each.
type vector struct {
	Name  string `json:"name"`
	Input struct {
		Now       time.Time           `json:"now"`
		Versions  []googlepay.Version `json:"allowedVersions"`
		Roots     json.RawMessage     `json:"rootKeys"`
		Recipient string              `json:"recipientId"`
		Keys      []string            `json:"privateKeysPkcs8"`
		Seen      []string            `json:"seenMessageIds"`
		Token     json.RawMessage     `json:"token"`
	} `json:"input"`
	Expect struct {
		Result  string       `json:"result"`
		Stage   wallet.Fault `json:"stage"`
		Payload *struct {
			Expires string `json:"messageExpiration"`
			ID      string `json:"messageId"`
			Details struct {
				PAN        string `json:"pan"`
				DPAN       string `json:"dpan"`
				Month      int    `json:"expirationMonth"`
				Year       int    `json:"expirationYear"`
				Cryptogram string `json:"cryptogram"`
				OldProof   string `json:"3dsCryptogram"`
				ECI        string `json:"eciIndicator"`
				OldECI     string `json:"3dsEciIndicator"`
				Assurance  struct {
					AccountVerified     bool `json:"accountVerified"`
					HolderAuthenticated bool `json:"cardHolderAuthenticated"`
				} `json:"assuranceDetails"`
			} `json:"paymentMethodDetails"`
		} `json:"payload"`
	} `json:"expect"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile("testdata/googlepay.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []vector `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 37 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	return file.Vectors
}

func (v *vector) account(t testing.TB) *googlepay.Account {
	t.Helper()
	roots, err := googlepay.ParseRoots(v.Input.Roots)
	if err != nil {
		t.Fatal(err)
	}
	a := &googlepay.Account{Recipient: v.Input.Recipient, Versions: v.Input.Versions, Roots: roots}
	for _, text := range v.Input.Keys {
		a.Keys = append(a.Keys, key(t, text))
	}
	return a
}

func key(t testing.TB, text string) *ecdh.PrivateKey {
	t.Helper()
	k, err := googlepay.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
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

// TestPublishedTokens: every token has the result that its source gives, and fails where it does by our order.
func TestPublishedTokens(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			opened, err := v.account(t).Open(compact(t, v.Input.Token), v.Input.Now)
			if err == nil && slices.Contains(v.Input.Seen, opened.ID) { // what its caller does
				err = wallet.Refuse(wallet.FaultReplay, "")
			}
			if got := wallet.FaultOf(err); got != v.Expect.Stage || (err == nil) != (v.Expect.Result == "accept") {
				t.Fatalf("got %v, want %s %s", err, v.Expect.Result, v.Expect.Stage)
			}
			if err == nil {
				v.compare(t, opened)
			}
		})
	}
}

func (v *vector) compare(t *testing.T, o wallet.Opened) {
	t.Helper()
	p := v.Expect.Payload
	d := p.Details
	type content struct {
		Number, Cryptogram, ECI, ID, Expires string
		Month, Year                          int
		Account, Holder, Device              bool
	}
	want := content{
		d.PAN + d.DPAN, d.Cryptogram + d.OldProof, d.ECI + d.OldECI, p.ID, p.Expires, d.Month, d.Year,
		d.Assurance.AccountVerified, d.Assurance.HolderAuthenticated, d.Cryptogram+d.OldProof != "",
	}
	got := content{
		Number: o.Card.Number.Reveal(), Cryptogram: o.Cryptogram, ECI: o.ECI, ID: o.ID, Expires: millis(o.Until),
		Account: o.AccountVerified, Holder: o.HolderAuthenticated, Device: o.Device,
	}
	got.Month, got.Year = number(t, o.Card.ExpiryMonth), number(t, o.Card.ExpiryYear)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if o.Currency != "" || !o.Card.SecurityCode.IsZero() || o.Card.Holder != "" {
		t.Errorf("what is not in a token is there: %v", o)
	}
}
