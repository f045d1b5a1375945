package admin_test

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/cache"
	"github.com/sluicepay/sluice/internal/cardrange"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

func importing(t *testing.T, file string) admin.ImportRanges {
	t.Helper()
	c, skipped, err := admin.NewImport("table.csv", strings.NewReader(file), false)
	if err != nil || skipped != nil {
		t.Fatal(err, skipped)
	}
	return c
}

// TestCardRangesAreImported and used: by the payments that come after, within the time that is said.
func TestCardRangesAreImported(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		found := func(digits string) admin.RangeFound {
			t.Helper()
			return done(o, admin.OpFindRange, admin.FindRange{Digits: digits})
		}
		before := done(o, admin.OpShowRanges, admin.Nothing{})
		if !before.BuiltIn || before.Countries < 50 || found("400000826").Country != "GB" || found("55550000").Country != "" {
			t.Errorf("%+v", before)
		}
		o.told(t, "5555000000000107", "")
		begun := o.Clock.Now()
		after := done(o, admin.OpImportRanges, importing(t, "bin,country,type\n555500,PL,DEBIT\n"))
		if after.BuiltIn || after.Source != "table.csv" || after.Spans != 1 || after.Countries != 1 || after.InForce.Before(begun.Add(cache.RangesAge)) {
			t.Errorf("%+v", after)
		}
		if got := found("55550000000"); got != (admin.RangeFound{Digits: "55550000000", Country: "PL", Type: cardrange.Debit}) || found("400000826").Country != "" {
			t.Errorf("%+v", got)
		}
		o.Clock.Advance(cache.RangesAge)
		o.told(t, "5555000000000107", "PL")
		done(o, admin.OpImportRanges, importing(t, "bin,country\n555500,DE\n"))
		o.Clock.Advance(cache.RangesAge)
		o.told(t, "5555000000000107", "DE")
		if reset := done(o, admin.OpResetRanges, admin.Nothing{}); !reset.BuiltIn || reset.InForce.IsZero() {
			t.Errorf("%+v", reset)
		}
		o.Clock.Advance(cache.RangesAge)
		o.told(t, "5555000000000107", "")
		done(o, admin.OpResetRanges, admin.Nothing{})
		for _, digits := range []string{"", "4", "4242 4242", "424242424242", "x"} {
			refused(o, admin.OpFindRange, admin.FindRange{Digits: digits}, "2 to 11 digits")
		}
		packed := importing(t, "bin,country\n42,PL\n").Packed
		refused(o, admin.OpImportRanges, admin.ImportRanges{Source: "x"}, "not a packed table")
		refused(o, admin.OpImportRanges, admin.ImportRanges{Source: "x", Packed: packed[:len(packed)-3]}, "not a packed table")
		refused(o, admin.OpImportRanges, admin.ImportRanges{Packed: packed}, "source")
		refused(o, admin.OpImportRanges, admin.ImportRanges{Source: strings.Repeat("x", 201), Packed: packed}, "source")
		refused(o, admin.OpImportRanges, importing(t, "bin,country\n42,\n"), "tells of no card")
		if log := o.log.String(); strings.Count(log, `"operation":"ranges.import"`) != 2 || !strings.Contains(log, "table.csv") {
			t.Errorf("the log says %s", log)
		}
	})
}

func TestBadLinesAreLeftOutWhereThatIsSaid(t *testing.T) {
	t.Parallel()
	const file = "bin,country\n555500,PL\nx,PL\n"
	if _, _, err := admin.NewImport("x", strings.NewReader(file), false); err == nil || !strings.Contains(err.Error(), "line 3: the first digits") {
		t.Error(err)
	}
	c, skipped, err := admin.NewImport("x", strings.NewReader(file), true)
	if err != nil || skipped == nil || !strings.Contains(skipped.Error(), "lines that are left out: 1\nline 3: ") || c.Source != "x" {
		t.Error(err, skipped)
	}
	if _, _, err := admin.NewImport("x", strings.NewReader("country\nPL\n"), true); err == nil {
		t.Error("a file without ranges")
	}
}

// told has a merchant bring a card with a payment, and looks at the country that the payment shows before a provider was asked.
func (o *office) told(t *testing.T, number, country string) {
	t.Helper()
	member := o.NewShop(t, func(s *shop.Shop) { s.Settings.HostToHost = true })
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Engine.Shop(t.Context(), member.ID)
	if err != nil {
		t.Fatal(err)
	}
	made, err := o.Engine.Create(t.Context(), engine.Create{
		Shop: s, Type: payment.Deposit, Amount: money.MustParse("7.00"), Currency: "EUR",
		Means: &instrument.Card{Number: pan, ExpiryMonth: "12", ExpiryYear: "2035"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := made.Payment.Instrument.CardIssuingCountry; got != country {
		t.Errorf("%s is of %q, want %q", number, got, country)
	}
}
