package route_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/route"
	"github.com/sluicepay/sluice/internal/shop"
)

func terminal(id string, edit func(*shop.Terminal)) shop.Terminal {
	t := shop.Terminal{
		ID: id, Name: "T" + id, Types: payment.Types(), Methods: payment.Methods(), PreAuth: true, Recurring: true, Enabled: true,
	}
	if edit != nil {
		edit(&t)
	}
	return t
}

func TestChoose(t *testing.T) {
	need := route.Need{Type: payment.Deposit, Method: payment.BasicCard, Currency: "EUR"}
	for _, c := range []struct {
		name      string
		need      route.Need
		terminals []shop.Terminal
		want      []payment.Terminal
		reason    payment.ErrorCode
	}{
		{"none", need, nil, nil, payment.CodeNoTerminal},
		{"by priority, then as they come", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Priority = 2 }), terminal("b", nil),
			terminal("c", func(t *shop.Terminal) { t.Priority = 2 }),
		}, []payment.Terminal{{ID: "b", Name: "Tb"}, {ID: "a", Name: "Ta"}, {ID: "c", Name: "Tc"}}, ""},
		{"disabled", need, []shop.Terminal{terminal("a", func(t *shop.Terminal) { t.Enabled = false })}, nil, payment.CodeNoTerminal},
		{"other method", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Methods = []payment.Method{payment.Pix} }),
		}, nil, payment.CodeNoTerminal},
		{"other type", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Types = []payment.Type{payment.Refund} }),
		}, nil, payment.CodeNoTerminal},
		{"other currency", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Currencies = []money.Currency{"PLN"} }),
		}, nil, payment.CodeInvalidCurrency},
		{"one of its currencies", need, []shop.Terminal{
			terminal("a", func(t *shop.Terminal) { t.Currencies = []money.Currency{"PLN", "EUR"} }),
		}, []payment.Terminal{{ID: "a", Name: "Ta"}}, ""},
		{"a hold at a terminal without holds", route.Need{Type: payment.Deposit, Method: payment.BasicCard, Currency: "EUR", PreAuth: true},
			[]shop.Terminal{terminal("a", func(t *shop.Terminal) { t.PreAuth = false })}, nil, payment.CodeNoTerminal},
		{"a hold by a method without holds", route.Need{Type: payment.Deposit, Method: payment.Blik, Currency: "PLN", PreAuth: true},
			[]shop.Terminal{terminal("a", nil)}, nil, payment.CodeNoTerminal},
		{"a chain at a terminal without chains", route.Need{Type: payment.Deposit, Method: payment.BasicCard, Currency: "EUR", Recurring: true},
			[]shop.Terminal{terminal("a", func(t *shop.Terminal) { t.Recurring = false })}, nil, payment.CodeNoTerminal},
		{"a chain by card", route.Need{Type: payment.Deposit, Method: payment.BasicCard, Currency: "EUR", Recurring: true},
			[]shop.Terminal{terminal("a", nil)}, []payment.Terminal{{ID: "a", Name: "Ta"}}, ""},
		{"a chain by a method that leaves nothing to charge again", route.Need{Type: payment.Deposit, Method: payment.Pix, Currency: "BRL", Recurring: true},
			[]shop.Terminal{terminal("a", nil)}, nil, payment.CodeNoTerminal},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, reason := route.Choose(c.need, c.terminals)
			if diff := cmp.Diff(c.want, got); diff != "" || reason != c.reason {
				t.Errorf("reason %q, want %q; terminals (-want +got):\n%s", reason, c.reason, diff)
			}
		})
	}
}
