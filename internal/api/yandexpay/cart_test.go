package yandexpay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// cartOf makes a cart of lines such as "p1 2 180.00": product, count and total.
func cartOf(t testing.TB, total string, lines ...string) string {
	t.Helper()
	var items []string
	for _, l := range lines {
		f := strings.Fields(l)
		items = append(items, fmt.Sprintf(`{"productId":%q,"title":"T","quantity":{"count":%s},"total":%s}`, f[0], f[1], f[2]))
	}
	return `{"items":[` + strings.Join(items, ",") + `],"total":` + total + `}`
}

func readCart(t testing.TB, text string, c money.Currency) (*cart, error) {
	t.Helper()
	doc, err := api.Decode([]byte(`{"cart":` + text + `}`))
	if err != nil {
		t.Fatal(err)
	}
	b := newBinder(doc)
	read := b.cart(c, false)
	if err := b.err(); err != nil {
		return nil, err
	}
	return read, read.check(c)
}

// verdict is the reason code of an error with the field at fault, or "" for none.
func verdict(err error) string {
	if err == nil {
		return ""
	}
	f := answerTo(err)
	var details struct{ Errors []struct{ Field string } }
	if json.Unmarshal(f.details, &details) == nil && len(details.Errors) > 0 {
		return f.code + " " + details.Errors[0].Field
	}
	return f.code
}

func TestCartsAddUp(t *testing.T) {
	t.Parallel()
	const mismatch, data = codeAmountMismatch, codeCartData
	for _, c := range []struct {
		name, cart string
		currency   money.Currency
		want       string
	}{
		{"two lines", cartOf(t, `{"amount":"3.03"}`, "a 1 1.01", "b 2 2.02"), "RUB", ""},
		{"a kopeck less", cartOf(t, `{"amount":"3.02"}`, "a 1 1.01", "b 2 2.02"), "RUB", ""},
		{"a kopeck for each line", cartOf(t, `{"amount":"3.05"}`, "a 1 1.01", "b 2 2.02"), "RUB", ""},
		{"a kopeck more than that", cartOf(t, `{"amount":"3.06"}`, "a 1 1.01", "b 2 2.02"), "RUB", mismatch},
		{"a kopeck less than that", cartOf(t, `{"amount":"3.00"}`, "a 1 1.01", "b 2 2.02"), "RUB", mismatch},
		{"paid elsewhere", cartOf(t, `{"amount":"3","externalAmount":".03"}`, "a 3 3.03"), "RUB", "BAD_REQUEST cart.total.externalAmount"},
		{"paid elsewhere in part", cartOf(t, `{"amount":"3","externalAmount":"0.03"}`, "a 3 3.03"), "RUB", ""},
		{"paid elsewhere too much", cartOf(t, `{"amount":"3","externalAmount":"0.05"}`, "a 3 3.03"), "RUB", mismatch},
		{"a present", cartOf(t, `{"amount":"3"}`, "a 1 3", "b 1 0"), "RUB", ""},
		{"thirds of a rouble", cartOf(t, `{"amount":"1"}`, "a 3 1"), "RUB", ""},
		{"thirds that fit", cartOf(t, `{"amount":"0.99"}`, "a 3 0.99"), "RUB", ""},
		{"a fraction of a piece", cartOf(t, `{"amount":"33.3"}`, "a 0.333 33.30"), "RUB", ""},
		{"the least of a piece", cartOf(t, `{"amount":"1"}`, `a "0.000000000000000001" 1`), "RUB", ""},
		{"eighteen decimals that do not fit", cartOf(t, `{"amount":"1"}`, `a "1.000000000000000001" 1`), "RUB", ""},
		{"nineteen decimals", cartOf(t, `{"amount":"1"}`, `a "1.0000000000000000001" 1`), "RUB", "BAD_REQUEST cart.items[0].quantity.count"},
		{"no piece", cartOf(t, `{"amount":"1"}`, `a 0 1`), "RUB", "BAD_REQUEST cart.items[0].quantity.count"},
		{"less than a piece", cartOf(t, `{"amount":"1"}`, `a -1 1`), "RUB", "BAD_REQUEST cart.items[0].quantity.count"},
		{"a number with an exponent", cartOf(t, `{"amount":18e1}`, `a 2e0 1.8e+2`), "RUB", ""},
		{"an exponent without bounds", cartOf(t, `{"amount":1}`, `a 1 1e999999999`), "RUB", "BAD_REQUEST cart.items[0].total"},
		{"an exponent in a string", cartOf(t, `{"amount":1}`, `a 1 "1e0"`), "RUB", "BAD_REQUEST cart.items[0].total"},
		{"a sign in a string", cartOf(t, `{"amount":"+1"}`, `a 1 1`), "RUB", "BAD_REQUEST cart.total.amount"},
		{"binary noise", cartOf(t, `{"amount":0.3}`, `a 1 0.30000000000000004`), "RUB", "BAD_REQUEST cart.items[0].total"},
		{"a product twice", cartOf(t, `{"amount":2}`, `a 1 1`, `a 2 1`), "RUB", data},
		{"products are told apart by case", cartOf(t, `{"amount":2}`, `a 1 1`, `A 1 1`), "RUB", ""},
		{"pieces, less a discount in the lines", cartOf(t, `{"amount":"2101"}`, "a 3 1188.83", "b 1 912.17"), "RUB", ""},
		{"by weight", cartOf(t, `{"amount":"100.60"}`, "a 0.347 100.60"), "RUB", ""},
		{"a yen for a line", cartOf(t, `{"amount":101}`, "a 3 100"), "JPY", ""},
		{"yen that do not fit", cartOf(t, `{"amount":102}`, "a 3 100"), "JPY", mismatch},
		{"yen", cartOf(t, `{"amount":100}`, `a 1 100`), "JPY", ""},
		{"part of a yen", cartOf(t, `{"amount":0.5}`, `a 1 0.5`), "JPY", "BAD_REQUEST cart.items[0].total"},
		{"dinars", cartOf(t, `{"amount":"0.001"}`, `a 1 0.001`), "KWD", ""},
		{"the most", cartOf(t, `{"amount":1000000000}`, `a 1 1000000000`), "RUB", ""},
		{"more than the most", cartOf(t, `{"amount":1000000000}`, `a 1 1000000000.01`), "RUB", "BAD_REQUEST cart.items[0].total"},
		{"no items", `{"total":{"amount":1}}`, "RUB", "BAD_REQUEST cart.items"},
		{"no total", `{"items":[]}`, "RUB", "BAD_REQUEST cart.total"},
		{"no amount", `{"items":[],"total":{}}`, "RUB", "BAD_REQUEST cart.total.amount"},
		{"lists that are none", `{"items":{},"total":{"amount":1},"coupons":{}}`, "RUB", "BAD_REQUEST cart.coupons"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := readCart(t, c.cart, c.currency); verdict(err) != c.want {
				t.Errorf("%q (%v), want %q", verdict(err), err, c.want)
			}
		})
	}
}

// leftOf spells the lines of a cart as cartOf reads them, with the total before them.
func leftOf(c *cart) string {
	if c == nil {
		return "nothing said"
	}
	parts := []string{amountText(c.Amount, 2)}
	if c.External != nil {
		parts[0] += "+" + amountText(*c.External, 2)
	}
	for i := range c.Items {
		parts = append(parts, fmt.Sprintf("%s %s %s", c.Items[i].ProductID, c.Items[i].Count, amountText(c.Items[i].Total, 2)))
	}
	return strings.Join(parts, ", ")
}

// TestRefundsLeaveACart judges refunds of an order of three products: tea (2 for 180), sugar (0.5 for 50.50) and a cup
// (1 for 69.50), 300 in all, to which come 20 for the delivery.
func TestRefundsLeaveACart(t *testing.T) {
	t.Parallel()
	const whole = "tea 2 180.00, sugar 0.5 50.50, cup 1 69.50"
	for _, c := range []struct{ name, version, body, want string }{
		{"all of it without a cart", "2", `"refundAmount":320`, "nothing said"},
		{"a part without a cart", "2", `"refundAmount":"100.5"`, "nothing said"},
		{"more than there is", "2", `"refundAmount":"320.01"`, codeRefundTooLarge},
		{"all but a kopeck", "2", `"refundAmount":"319.99"`, "BAD_REQUEST refundAmount"},
		{"all but a rouble", "2", `"refundAmount":"319"`, "nothing said"},
		{"a kopeck less than a rouble", "2", `"refundAmount":"0.99"`, "BAD_REQUEST refundAmount"},

		{"target: a piece of tea", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"tea","quantityCount":1},{"productId":"sugar"},{"productId":"cup"}]}`,
			"210.00, tea 1 90.00, sugar 0.5 50.50, cup 1 69.50"},
		{"target: in another order", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"cup"},{"productId":"tea","quantityCount":"1.0"},{"productId":"sugar"}]}`,
			"210.00, cup 1 69.50, tea 1 90.00, sugar 0.5 50.50"},
		{"target: without the cup", "2", `"refundAmount":"69.5","targetCart":{"items":[{"productId":"tea"},{"productId":"sugar"}]}`, "230.50, tea 2 180.00, sugar 0.5 50.50"},
		{"target: nought of the cup", "2", `"refundAmount":"69.5","targetCart":{"items":[{"productId":"tea"},{"productId":"sugar"},{"productId":"cup","quantityCount":0}]}`,
			"230.50, tea 2 180.00, sugar 0.5 50.50"},
		{"target: cheaper tea", "2", `"refundAmount":20,"targetCart":{"items":[{"productId":"tea","price":"80"},{"productId":"sugar"},{"productId":"cup"}]}`,
			"280.00, tea 2 160.00, sugar 0.5 50.50, cup 1 69.50"},
		{"target: fewer and cheaper", "2", `"refundAmount":110,"targetCart":{"items":[{"productId":"tea","price":"70","quantityCount":1},{"productId":"sugar"},{"productId":"cup"}]}`,
			"190.00, tea 1 70.00, sugar 0.5 50.50, cup 1 69.50"},
		{"target: only the delivery", "2", `"refundAmount":20,"targetShipping":{"amount":0,"methodType":"COURIER"},"targetCart":{"items":[{"productId":"tea"},{"productId":"sugar"},{"productId":"cup"}]}`, "300.00, " + whole},
		{"target: nothing is left but the delivery", "2", `"refundAmount":300,"targetCart":{"items":[]}`, "0.00"},
		{"target: nothing at all is left", "2", `"refundAmount":320,"targetCart":{"items":[]},"targetShipping":{"amount":0}`, "0.00"},
		{"target: nothing at all is left, and nothing said of the delivery", "2", `"refundAmount":320,"targetCart":{"items":[]}`, "0.00"},
		{"target: more delivery than money", "2", `"refundAmount":310,"targetCart":{"items":[]},"targetShipping":{"amount":20}`, "BAD_REQUEST targetShipping.amount"},
		{"target: more tea", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"tea","quantityCount":3}]}`, "BAD_REQUEST targetCart.items[0].quantityCount"},
		{"target: dearer tea", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"tea","price":91}]}`, "BAD_REQUEST targetCart.items[0].price"},
		{"target: coffee", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"coffee"}]}`, "BAD_REQUEST targetCart.items[0].productId"},
		{"target: a total of part of a kopeck", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"sugar","price":"101.01"}]}`, codeAmountMismatch},
		{"target: tea twice", "2", `"refundAmount":90,"targetCart":{"items":[{"productId":"tea"},{"productId":"tea"}]}`, codeCartData},
		{"target: does not fit", "2", `"refundAmount":91,"targetCart":{"items":[{"productId":"tea","quantityCount":1},{"productId":"sugar"},{"productId":"cup"}]}`, codeAmountMismatch},
		{"target: dearer delivery", "2", `"refundAmount":91,"targetShipping":{"amount":21}`, "BAD_REQUEST targetShipping.amount"},
		{"target: no items", "2", `"refundAmount":91,"targetCart":{}`, "BAD_REQUEST targetCart.items"},

		{"out: a piece of tea", "2", `"refundAmount":90,"refundCart":{"items":[{"productId":"tea","quantityCount":1}]}`, "210.00, tea 1 90.00, sugar 0.5 50.50, cup 1 69.50"},
		{"out: all tea", "2", `"refundAmount":180,"refundCart":{"items":[{"productId":"tea"}]}`, "120.00, sugar 0.5 50.50, cup 1 69.50"},
		{"out: a part of its price", "2", `"refundAmount":20,"refundCart":{"items":[{"productId":"tea","price":10}]}`, "280.00, tea 2 160.00, sugar 0.5 50.50, cup 1 69.50"},
		{"out: a piece and the delivery", "2", `"refundAmount":110,"targetShipping":{"amount":"0.00"},"refundCart":{"items":[{"productId":"tea","quantityCount":1}]}`,
			"210.00, tea 1 90.00, sugar 0.5 50.50, cup 1 69.50"},
		{"out: everything", "2", `"refundAmount":320,"targetShipping":{"amount":0},"refundCart":{"items":[{"productId":"cup"},{"productId":"sugar"},{"productId":"tea"}]}`, "0.00"},
		{"out: everything, and nothing said of the delivery", "2", `"refundAmount":320,"refundCart":{"items":[{"productId":"cup"},{"productId":"sugar"},{"productId":"tea"}]}`, "0.00"},
		{"out: nothing, for less than the delivery", "2", `"refundAmount":5,"targetShipping":{"amount":0},"refundCart":{"items":[]}`, codeAmountMismatch},
		{"out: does not fit", "2", `"refundAmount":91,"refundCart":{"items":[{"productId":"tea","quantityCount":1}]}`, codeAmountMismatch},
		{"out: more than there is", "2", `"refundAmount":90,"refundCart":{"items":[{"productId":"tea","quantityCount":"2.5"}]}`, "BAD_REQUEST refundCart.items[0].quantityCount"},
		{"out: leaves an odd price", "2", `"refundAmount":"0.01","refundCart":{"items":[{"productId":"tea","price":"0.01","quantityCount":1}]}`, "BAD_REQUEST refundAmount"},
		{"out: leaves a price of half a kopeck", "2", `"refundAmount":"89.99","refundCart":{"items":[{"productId":"tea","price":"179.98","quantityCount":"0.5"}]}`, "210.01, tea 1.5 90.01, sugar 0.5 50.50, cup 1 69.50"},
		{"both", "2", `"refundAmount":90,"targetCart":{"items":[]},"refundCart":{"items":[]}`, "BAD_REQUEST refundCart"},

		{"first version: the amount that is left", "1", `"refundAmount":20,"orderAmount":"300"`, "nothing said"},
		{"first version: another amount", "1", `"refundAmount":20,"orderAmount":"320"`, codeAmountMismatch},
		{"first version: nought says nothing", "1", `"refundAmount":20.0,"orderAmount":0`, "nothing said"},
		{"first version: the cart that is left", "1", `"refundAmount":180,"orderAmount":140,"cart":` + cartOf(t, `{"amount":120}`, "sugar 0.5 50.50", "cup 1 69.50"),
			"120.00, sugar 0.5 50.50, cup 1 69.50"},
		{"first version: with cheaper delivery", "1", `"refundAmount":190,"cart":` + cartOf(t, `{"amount":120}`, "sugar 0.5 50.50", "cup 1 69.50") + `,"shipping":{"amount":10,"methodType":"COURIER"}`,
			"120.00, sugar 0.5 50.50, cup 1 69.50"},
		{"first version: a cart that does not fit", "1", `"refundAmount":181,"cart":` + cartOf(t, `{"amount":120}`, "sugar 0.5 50.50", "cup 1 69.50"), codeAmountMismatch},
		{"first version: a cart that does not add up", "1", `"refundAmount":180,"cart":` + cartOf(t, `{"amount":121}`, "sugar 0.5 50.50", "cup 1 69.50"), codeAmountMismatch},
		{"first version: a cart with coffee", "1", `"refundAmount":180,"cart":` + cartOf(t, `{"amount":120}`, "coffee 0.5 50.50", "cup 1 69.50"), "BAD_REQUEST cart.items[0].productId"},
		{"first version: less is left than the delivery cost", "1", `"refundAmount":310,"cart":` + cartOf(t, `{"amount":0}`), "0.00"},
		{"first version: a dearer delivery", "1", `"refundAmount":180,"shipping":{"amount":21}`, "BAD_REQUEST shipping.amount"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := judge(t, c.version, c.body, cartOf(t, `{"amount":300}`, "tea 2 180", "sugar 0.5 50.5", "cup 1 69.5")); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// TestRefundsOfWhatWasPaidElsewhere: of 300, 30 were paid elsewhere.
func TestRefundsOfWhatWasPaidElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"it stays", `"refundAmount":90,"targetCart":{"items":[{"productId":"tea","quantityCount":1},{"productId":"cup"}]}`, "180.00+30.00, tea 1 90.00, cup 1 120.00"},
		{"it goes back too", `"refundAmount":60,"refundExternalAmount":30,"refundCart":{"items":[{"productId":"tea","quantityCount":1}]}`, "210.00+0.00, tea 1 90.00, cup 1 120.00"},
		{"more than there was", `"refundAmount":60,"refundExternalAmount":31,"targetCart":{"items":[]}`, "BAD_REQUEST refundExternalAmount"},
		{"all", `"refundAmount":290,"refundExternalAmount":30,"targetShipping":{"amount":0},"targetCart":{"items":[]}`, "0.00+0.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := judge(t, "2", c.body, cartOf(t, `{"amount":270,"externalAmount":30}`, "tea 2 180", "cup 1 120")); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// judge tells what a refund would leave of an order whose cart that is, captured with 20 for the delivery.
func judge(t *testing.T, version, body, first string) string {
	t.Helper()
	v := captured20(t, first)
	doc, err := api.Decode([]byte("{" + body + "}"))
	if err != nil {
		t.Fatal(err)
	}
	bind := bindRefundV2
	if version == "1" {
		bind = bindRefundV1
	}
	r, err := bind(doc, "RUB")
	if err != nil {
		return verdict(err)
	}
	before := leftOf(&v.remains.cart)
	kept, err := r.plan(v)
	if after := leftOf(&v.remains.cart); after != before {
		t.Errorf("judging changed the cart from %s to %s", before, after)
	}
	if err != nil {
		return verdict(err)
	}
	return leftOf(kept.Cart)
}

// captured20 is an order with that cart, paid, with 20 for the delivery on top.
func captured20(t testing.TB, first string) *orderView {
	t.Helper()
	begun, err := readCart(t, first, "RUB")
	if err != nil {
		t.Fatal(err)
	}
	twenty := money.MustParse("20")
	paid := plus(begun.Amount, twenty)
	p := payment.Restore(payment.Payment{
		ID: "0123456789abcdef0123456789abcdef", Type: payment.Deposit, Asked: money.Sum{Currency: "RUB", Amount: paid}, Authorised: paid, Captured: paid, Reference: "A-1",
	}, payment.Completed)
	v := &orderView{History: engine.History{Payment: p}}
	v.remains = remains{cart: *begun, shipping: twenty}
	return v
}

func TestCartIsLeftByWhatSucceeded(t *testing.T) {
	t.Parallel()
	begun, err := readCart(t, cartOf(t, `{"amount":300}`, "tea 2 180", "cup 1 120"), "RUB")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(document{Cart: begun})
	if err != nil {
		t.Fatal(err)
	}
	const pid = "0123456789abcdef0123456789abcdef"
	p := payment.Payment{ID: pid, Type: payment.Deposit, Asked: money.Sum{Currency: "RUB", Amount: money.MustParse("300")}, CheckoutUntil: time.Unix(0, 0)}
	h := engine.History{Payment: payment.Restore(p, payment.Completed), Order: &engine.Order{Document: string(doc)}}
	for i, state := range []payment.State{payment.Completed, payment.Declined, payment.Completed, payment.Pending} {
		rid := payment.ID(fmt.Sprintf("%032x", i+1))
		r := payment.Restore(payment.Payment{ID: rid, Type: payment.Refund, Asked: money.Sum{Amount: money.MustParse("1")}}, state)
		r.Created = r.Created.AddDate(0, 0, i)
		h.Refunds = append(h.Refunds, r)
		left := begun.clone()
		left.Items[0].Count = money.MustParse(fmt.Sprintf("1.%d", i))
		detail, err := json.Marshal(detail{Cart: &left})
		if err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			detail = []byte(`{"shipping":7}`)
		}
		h.Instructions = append(h.Instructions, engine.Instruction{Refund: rid, Detail: string(detail)})
	}
	v, err := viewOf(h)
	if err != nil {
		t.Fatal(err)
	}
	if got := leftOf(&v.remains.cart) + " and " + v.remains.shipping.String(); got != "300.00, tea 1 180.00, cup 1 120.00 and 7" {
		t.Errorf("%s", got)
	}
	if len(v.operations) != 4 || v.operations[0].ID != id.Dashed(fmt.Sprintf("%032x", 1)) {
		t.Errorf("%v", v.operations)
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		over, under string
		decimals    int
		want        string // low, near and high
	}{
		{"180", "2", 2, "90 90 90"},
		{"1", "3", 2, "0.33 0.33 0.34"},
		{"2", "3", 2, "0.66 0.67 0.67"},
		{"100 1", "3", 2, "33.33 33.33 33.34"},
		{"66.67 1", "2", 2, "33.33 33.34 33.34"}, // half to even
		{"66.65 1", "2", 2, "33.32 33.32 33.33"},
		{"0.5", "1", 0, "0 0 1"},
		{"1.5", "1", 0, "1 2 2"},
		{"100.60", "0.347", 2, "289.91 289.91 289.92"},
		{"0.01 0.5", "", 2, "0 0 0.01"},
		{"1", "0.000000000000000001", 0, "1000000000000000000 1000000000000000000 1000000000000000000"},
		{"1000000000 1000000000", "0.000000000000000001", 0, "none"},
		{"1", "0", 2, "none"},
		{"0", "7", 2, "0 0 0"},
		{"100", "3", 0, "33 33 34"},
	} {
		amounts := func(text string) (all []money.Amount) {
			for word := range strings.FieldsSeq(text) {
				all = append(all, money.MustParse(word))
			}
			return all
		}
		got := "none"
		if s, ok := shareOf(c.decimals, amounts(c.over), amounts(c.under)); ok {
			got = s.low.String() + " " + s.near.String() + " " + s.high.String()
		}
		if got != c.want {
			t.Errorf("%s by %s in %d decimals: %s, want %s", c.over, c.under, c.decimals, got, c.want)
		}
	}
}

func TestAmountsHaveTwoDecimalsAtLeast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount   string
		currency money.Currency
		want     string
	}{
		{"0", "RUB", "0.00"}, {"10", "RUB", "10.00"}, {"10.5", "RUB", "10.50"}, {"10.55", "RUB", "10.55"}, {"100", "JPY", "100.00"},
		{"0.001", "KWD", "0.001"}, {"1", "KWD", "1.000"}, {"1.5", "BTC", "1.50000000"},
	} {
		if got := amountText(money.MustParse(c.amount), decimalsOf(c.currency)); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.amount, c.currency, got, c.want)
		}
	}
}
