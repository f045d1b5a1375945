package wallet_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/wallet"
)

func TestFaultsAreFoundInErrors(t *testing.T) {
	t.Parallel()
	for _, f := range wallet.Faults() {
		err := fmt.Errorf("opening: %w", wallet.Refuse(f, "a detail"))
		if wallet.FaultOf(err) != f || !f.Valid() || !strings.Contains(err.Error(), string(f)) {
			t.Errorf("%s: %v", f, err)
		}
		if f.Ours() != (f == wallet.FaultRootKey) {
			t.Errorf("%s is ours: %t", f, f.Ours())
		}
	}
	if wallet.FaultOf(nil) != "" || wallet.FaultOf(fmt.Errorf("x")) != "" || wallet.Fault("x").Valid() {
		t.Error("a fault of nothing")
	}
}

func TestOnlyWhatTheTokenSaysIsCompared(t *testing.T) {
	t.Parallel()
	silent := wallet.Opened{}
	if err := silent.Agrees(money.MustParse("1"), "EUR"); err != nil {
		t.Error(err)
	}
	says := wallet.Opened{Amount: money.MustParse("1.50"), Currency: "EUR"}
	if err := says.Agrees(money.MustParse("1.5"), "EUR"); err != nil {
		t.Error(err)
	}
	for _, err := range []error{says.Agrees(money.MustParse("1.51"), "EUR"), says.Agrees(money.MustParse("1.5"), "PLN")} {
		if wallet.FaultOf(err) != wallet.FaultPaymentMismatch {
			t.Error(err)
		}
	}
}

func TestAnOpenedTokenIsPrintedMasked(t *testing.T) {
	t.Parallel()
	pan, err := instrument.ParsePAN("4111111111111111")
	if err != nil {
		t.Fatal(err)
	}
	o := wallet.Opened{Card: &instrument.Card{Number: pan, Holder: "Ada"}, Cryptogram: "secret", ID: "the-id"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "opened", o, "pointer", &o)
	for _, text := range []string{fmt.Sprint(o), fmt.Sprintf("%+v %#v %v", o, o, &o), log.String(), fmt.Sprint(wallet.Opened{})} {
		for _, secret := range []string{"411111111", "Ada", "secret", "the-id"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s in %s", secret, text)
			}
		}
	}
	o.Wipe()
	o.Wipe() // a second time there is nothing
	if o.Card != nil || o.Cryptogram != "" || !pan.IsZero() {
		t.Error("wiped, and still there")
	}
}

func TestBase64IsReadInOneWay(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"AAAA": true, "AA==": true, "AAA=": true, "": false, "AA": false, "AA=": false, "AB==": false, "A-_A": false, "AA\nAA": false,
		"AAAA\r": false, "AA==AAAA": false,
	} {
		if _, ok := wallet.Base64(text); ok != good {
			t.Errorf("%q: %t", text, ok)
		}
	}
	if _, ok := wallet.PastedBase64(" AA\r\n\tAA\n"); !ok {
		t.Error("pasted")
	}
}

func TestIndicatorsHaveTwoDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "5": "05", "05": "05", "7": "07", "02": "02", "005": "-", "x": "-", "5\t": "-", "-5": "-"} {
		got, ok := wallet.PadECI(text)
		if !ok {
			got = "-"
		}
		if got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestCryptogramsHaveTheirSize(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"ABEiM0RVZneImaq7zN3u/wARIjM=": true, strings.Repeat("AAAA", 32): true, strings.Repeat("AAAA", 33): false, "AAAA": false, "": false,
		"ABEiM0RVZneImaq7zN3u_wARIjM=": false,
	} {
		if wallet.Cryptogram(text) != good {
			t.Errorf("%q: %t", text, !good)
		}
	}
}

func TestJSONIsReadStrictly(t *testing.T) {
	t.Parallel()
	type one struct {
		A string `json:"a"`
	}
	for text, want := range map[string][2]bool{ // exactly, passing over other names
		`{"a":"x"}`:         {true, true},
		`{"a":"x","b":[1]}`: {false, true},
		`{"A":"x"}`:         {false, true},
		`{"a":"x","a":"y"}`: {false, false},
		`{"a":1}`:           {false, false},
		`{"a":"x"} x`:       {false, false},
		`{"a":"\ud800"}`:    {false, false},
		`[]`:                {false, false},
		`{"a":"` + strings.Repeat("x", wallet.LargestToken) + `"}`: {false, false},
	} {
		if got := [2]bool{wallet.DecodeExactly([]byte(text), &one{}) == nil, wallet.Decode([]byte(text), &one{}) == nil}; got != want {
			t.Errorf("%.40s: %v", text, got)
		}
	}
}
