package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// TestWhatACardIsShownAs reads back what was paid with as it was written, whatever its texts.
func TestWhatACardIsShownAs(t *testing.T) {
	t.Parallel()
	all := []instrument.Masked{
		{},
		{CustomerAccountNumber: "400000***0002"},
		{
			CustomerAccountNumber: "400000***0002", CardToken: "t", CardholderName: "JOHN DOE", CardExpiryMonth: "12", CardExpiryYear: "2039",
			CardBrand: "VISA", CardIssuingCountry: "LV",
		},
		{CardholderName: `J "the" D\oe`},
		{CardholderName: "Jürgen <&> \u2028 Żółć", CardToken: "{}"},
		{CardholderName: `a,"cardToken":"b`, CardIssuingCountry: ":"},
		{CardholderName: "\x7f\t", CustomerAccountNumber: strings.Repeat("й", 256)},
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		for i, want := range all {
			p := sample(payment.ID("p" + string(rune('a'+i))))
			p.Instrument = want
			err := db.Update(t.Context(), func(tx *store.Tx) error { tx.Payments().Insert(&p); return nil })
			if err != nil {
				t.Fatal(err)
			}
			err = db.View(t.Context(), func(tx *store.Tx) error {
				got, err := tx.Payments().Get("shop", p.ID)
				if err == nil && got.Instrument != want {
					t.Errorf("written %+v, read %+v", want, got.Instrument)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// TestAListHoldsNothingOfAnotherRow: rows are scanned into the same places one after the other.
func TestAListHoldsNothingOfAnotherRow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		db := d.Open()
		full, bare := sample("b"), payment.Restore(payment.Payment{Shop: "shop", ID: "a", Type: payment.Withdrawal,
			Asked: money.Sum{Currency: "USD"}, Created: time.Unix(1, 0).UTC(), Updated: time.Unix(1, 0).UTC()}, payment.Checkout)
		full.Terms = payment.Terms{Additional: `{"a":"b"}`, Methods: []payment.Method{payment.BasicCard}}
		full.Roles = payment.Roles{Rate: "1", Sent: money.Sum{Amount: money.MustParse("1"), Currency: "EUR"}}
		full.Fee = money.Sum{Amount: money.MustParse("0.1"), Currency: "EUR"}
		full.PreAuth, full.ErrorCode, full.Parent = true, "1.00", "x"
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			tx.Payments().Insert(&full)
			tx.Payments().Insert(&bare)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx *store.Tx) error {
			all, more, err := tx.Payments().List(payment.Filter{Shop: "shop", Limit: 2})
			if err != nil || more || len(all) != 2 {
				t.Fatalf("%d payments, more %v, %v", len(all), more, err)
			}
			one, _, err := tx.Payments().List(payment.Filter{Shop: "shop", Limit: 1, Offset: 1})
			same := cmp.Options{cmpopts.EquateEmpty(), cmp.AllowUnexported(payment.Payment{}), cmp.Comparer(func(a, b money.Amount) bool { return a.Cmp(b) == 0 })}
			if diff := cmp.Diff(one, all[1:], same); diff != "" {
				t.Errorf("a payment after another one is another than alone (-alone +after):\n%s", diff)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
