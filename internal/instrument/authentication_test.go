package instrument_test

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
)

func TestProofsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, r := range instrument.AuthResults() {
		a := instrument.Authentication{
			Result: r, Challenged: true, ECI: "05", Value: "AAABBBCCCDDDEEEFFFGGGHHHIII=", Version: "2.2.0", Exemption: "tra",
			ServerID: "c4e59ceb-a382-4d6a-bc87-385d591fa09d", SchemeID: "f38e6948-5388-41a6-bca4-b49723c19437", IssuerID: "x",
		}
		if got := a.Proof().Read(); got != a {
			t.Errorf("%+v", got)
		}
	}
	if p := (instrument.Authentication{ECI: "05"}).Proof(); p != "" {
		t.Errorf("without a result: %s", p)
	}
	if p := (instrument.Authentication{Result: "yes"}).Proof(); p != "" {
		t.Errorf("with an unknown result: %s", p)
	}
	strange := instrument.Authentication{Result: "Y", ECI: "05", Value: strings.Repeat("A", 65), Version: "2 2", ServerID: "a\x00b", SchemeID: "é"}
	if got := strange.Proof().Read(); got != (instrument.Authentication{Result: "Y", ECI: "05"}) {
		t.Errorf("%+v", got)
	}
	if instrument.Proof("").Read() != (instrument.Authentication{}) || instrument.Proof("{").Read() != (instrument.Authentication{}) {
		t.Error("nothing is something")
	}
}

// TestWhoBearsIt is the table of the schemes.
func TestWhoBearsIt(t *testing.T) {
	t.Parallel()
	for eci, want := range map[string][2]bool{ // Visa and its kind, Mastercard and its kind
		"05": {true, false}, "06": {true, false}, "07": {false, true}, "02": {false, true}, "01": {false, true}, "00": {}, "04": {}, "": {},
	} {
		for brand, shifts := range map[instrument.Brand]bool{
			instrument.BrandVisa: want[0], instrument.BrandAmex: want[0], instrument.BrandMir: want[0],
			instrument.BrandMastercard: want[1], instrument.BrandMaestro: want[1],
		} {
			a := instrument.Authentication{Result: "Y", ECI: eci}
			if a.Shifts(brand) != shifts {
				t.Errorf("%s with %q: %t", brand, eci, !shifts)
			}
			if a.Exemption = "tra"; a.Shifts(brand) {
				t.Errorf("%s with %q and an exemption", brand, eci)
			}
		}
	}
}
