package yandexpay

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// rounded is a real number of kopecks as somebody rounds it, in a way of their own.
func rounded(t *rapid.T, r *big.Rat) int64 {
	q, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() != 0 && rapid.Bool().Draw(t, "up") {
		return q.Int64() + 1
	}
	return q.Int64()
}

func roubles(kopecks int64) string { return fmt.Sprintf("%d.%02d", kopecks/100, kopecks%100) }

// TestHonestRoundingIsTaken draws carts of real prices, in which each line and the total were rounded by themselves, and
// discounts that were spread over the lines or not. Every one is taken, also where the total is what the rest of an order
// comes to after pieces went back, at amounts that were rounded likewise.
func TestHonestRoundingIsTaken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "lines")
		var lines, discounts string
		sum := new(big.Rat)
		var prices []*big.Rat // of lines, in kopecks, all pieces
		var counts []int64
		for i := range n {
			price := big.NewRat(rapid.Int64Range(1, 1_000_000_000).Draw(t, "price"), rapid.Int64Range(1, 10_000).Draw(t, "of"))
			count := rapid.Int64Range(1, 40).Draw(t, "count")
			whole := new(big.Rat).Mul(price, big.NewRat(count, 1))
			sum.Add(sum, whole)
			prices, counts = append(prices, whole), append(counts, count)
			if i > 0 {
				lines += ","
			}
			lines += fmt.Sprintf(`{"productId":"p%d","quantity":{"count":%d},"total":%q}`, i, count, roubles(rounded(t, whole)))
		}
		total := rounded(t, sum)
		if rapid.Bool().Draw(t, "discount") {
			off := rapid.Int64Range(0, total).Draw(t, "off")
			discounts = fmt.Sprintf(`,"discounts":[{"discountId":"d","description":"","amount":%q}]`, roubles(off))
			if rapid.Bool().Draw(t, "taken off") {
				total -= off
			}
		}
		doc, err := api.Decode(fmt.Appendf(nil, `{"cart":{"items":[%s]%s,"total":{"amount":%q}}}`, lines, discounts, roubles(total)))
		if err != nil {
			t.Fatal(err)
		}
		b := newBinder(doc)
		c := b.cart("RUB", false)
		if err := b.err(); err != nil {
			t.Fatal(err)
		}
		if err := c.check("RUB"); err != nil {
			t.Fatalf("%v: %s%s for %s", err, lines, discounts, roubles(total))
		}
		if c.Off.IsZero() {
			goesBack(t, c, prices, counts)
		}
	})
}

// goesBack takes pieces out of a cart until none is left, a line after the other.
func goesBack(t *rapid.T, c *cart, prices []*big.Rat, counts []int64) {
	v := &orderView{History: engine.History{Payment: payment.Restore(payment.Payment{
		ID: "0123456789abcdef0123456789abcdef", Type: payment.Deposit, Asked: money.Sum{Currency: "RUB", Amount: c.Amount}, Authorised: c.Amount,
		Captured: c.Amount, Reference: "A-1",
	}, payment.Completed)}, document: document{Cart: c}, remains: remains{cart: *c}}
	for i := range prices {
		left := counts[i]
		for left > 0 && !v.left().IsZero() {
			take := rapid.Int64Range(1, left).Draw(t, "take")
			part := new(big.Rat).Mul(prices[i], big.NewRat(take, counts[i]))
			amount := rounded(t, part)
			if left -= take; left == 0 && i == len(prices)-1 { // what is left of the money
				kopecks, _ := v.left().Minor(2)
				amount = int64(kopecks)
			} else if line := v.remains.cart.find(fmt.Sprintf("p%d", i)); line != nil && left == 0 {
				kopecks, _ := line.Total.Minor(2) // the last part of a line is what the line has left
				amount = int64(kopecks)
			}
			money, _ := money.FromMinor(uint64(amount), 2)
			if rest := minus(v.left(), money); money.Cmp(leastOf("RUB")) < 0 || !rest.IsZero() && rest.Cmp(leastOf("RUB")) < 0 || money.Cmp(v.left()) > 0 {
				return // refused, as published
			}
			v.takes(t, fmt.Sprintf(`{"refundAmount":%q,"refundCart":{"items":[{"productId":"p%d","quantityCount":%d}]}}`, roubles(amount), i, take))
			if apart(v.remains.cart.sum(), v.left()).Cmp(v.room()) > 0 {
				t.Fatalf("after %d refunds: lines of %s for %s", len(v.Refunds), v.remains.cart.sum(), v.left())
			}
		}
	}
}

// takes carries a refund out, and wants the cart that it leaves to add up.
func (v *orderView) takes(t *rapid.T, body string) {
	doc, err := api.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	r, err := bindRefundV2(doc, "RUB")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := r.plan(v)
	if err != nil {
		t.Fatalf("%s of %+v: %v", body, v.remains.cart, err)
	}
	v.remains.cart = *kept.Cart
	v.Refunds = append(v.Refunds, payment.Restore(payment.Payment{Type: payment.Refund, Asked: money.Sum{Amount: r.Amount}}, payment.Completed))
	v.Payment.Refunded = plus(v.Payment.Refunded, r.Amount)
	v.Payment.RefundReserved = v.Payment.Refunded
	if v.remains.cart.Amount != v.left() {
		t.Fatalf("%s: a cart of %s for %s", body, v.remains.cart.Amount, v.left())
	}
}
