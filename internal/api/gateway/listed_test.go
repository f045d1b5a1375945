package gateway_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// filler puts something else into every field that can be set, so that one which a list does not read is missed.
type filler int

func (n *filler) fill(v reflect.Value) {
	*n++
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
		return
	case *money.Amount:
		*at = money.MustParse(strconv.Itoa(int(*n)))
		return
	case *money.Currency:
		*at = []money.Currency{"EUR", "USD", "GBP", "SEK", "PLN"}[int(*n)%5]
		return
	case *payment.Document:
		*at = `{"a":"b"}`
		return
	case *[]payment.Attempt:
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		n.fill(v.Index(0))
	case reflect.String:
		v.SetString("x" + strconv.Itoa(int(*n)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	default:
		panic("a payment has a field of kind " + v.Kind().String())
	}
}

// TestAPaymentIsListedAsItIsShownAlone: lists read less of a payment than there is, and nothing of what is shown may be amiss.
func TestAPaymentIsListedAsItIsShownAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		app := testkit.New(t, d.Open(), testkit.Options{})
		var full payment.Payment
		new(filler).fill(reflect.ValueOf(&full).Elem())
		for i, sum := range []*money.Amount{&full.Refunded, &full.RefundReserved, &full.Captured, &full.Authorised} { // which the database compares
			*sum = money.MustParse(strconv.Itoa(i + 1))
		}
		for i, state := range []payment.State{payment.Checkout, payment.Pending, payment.Authorized, payment.Completed, payment.Declined, payment.Cancelled} {
			for j, edit := range []func(*payment.Payment){
				func(*payment.Payment) {},
				func(p *payment.Payment) { p.Type = payment.Deposit },
				func(p *payment.Payment) {
					p.Type, p.Captured, p.Authorised, p.RefundReserved, p.Refunded = payment.Deposit, money.Amount{}, money.Amount{}, money.Amount{}, money.Amount{}
				},
				func(p *payment.Payment) { p.Type, p.Roles = payment.Withdrawal, payment.Roles{} },
			} {
				p := payment.Restore(full, state)
				p.Shop, p.ID = "another", payment.ID(strings.Repeat("0", 30)+string(rune('a'+i))+string(rune('a'+j)))
				edit(&p)
				var alone payment.Payment
				var listed []payment.Payment
				err := app.DB.Update(t.Context(), func(tx *store.Tx) error { tx.Payments().Insert(&p); return nil })
				if err == nil { // some of it is written only later
					p.Version = 1
					err = app.DB.Update(t.Context(), func(tx *store.Tx) error { tx.Payments().Update(&p); return nil })
				}
				if err == nil {
					err = app.DB.View(t.Context(), func(tx *store.Tx) (err error) {
						if alone, err = tx.Payments().Get(p.Shop, p.ID); err == nil {
							listed, _, err = tx.Payments().List(payment.Filter{Shop: p.Shop, Limit: 1})
						}
						return err
					})
				}
				if err != nil || len(listed) != 1 {
					t.Fatalf("%d payments, %v", len(listed), err)
				}
				want, got := gateway.ShownPayment(app.Engine, &alone), gateway.ShownPayment(app.Engine, &listed[0])
				if string(got) != string(want) {
					t.Errorf("%s is listed as\n%s\nand shown alone as\n%s", state, got, want)
				}
			}
		}
	})
}
