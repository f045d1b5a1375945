package yandexpay

import (
	"encoding/json"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// lessen has the discounts on the cart take that much off its lines, of what they took before.
func (c *cart) lessen(now, before money.Amount) {
	c.Off = now
	if now == before {
		return
	}
	var kept []byte
	for _, d := range elements(c.Discounts) {
		part := lesser(discountOf(&d.Value), now)
		if part.IsZero() {
			continue
		}
		now = minus(now, part)
		if len(kept) > 0 {
			kept = append(kept, ',')
		}
		kept = appendDiscount(kept, &d.Value, part)
	}
	if c.Discounts = nil; len(kept) > 0 {
		c.Discounts = json.RawMessage("[" + string(kept) + "]")
	}
}

// elements are those of a list that was kept as JSON.
func elements(list json.RawMessage) []api.Member {
	return kept(list).Members()
}

// kept is a JSON text that was kept, as it was read; absent where there is none.
func kept(raw json.RawMessage) *api.Value {
	if len(raw) == 0 {
		return nil
	}
	doc, err := api.Decode([]byte(`{"kept":` + string(raw) + `}`))
	if err != nil { // it was read before
		return nil
	}
	return doc.Get("kept")
}

// discountOf is the amount of one discount.
func discountOf(v *api.Value) money.Amount {
	b := newBinder(v)
	return given(b.amount("amount", money.Scale))
}

// appendDiscount writes a discount with another amount.
func appendDiscount(dst []byte, v *api.Value, amount money.Amount) []byte {
	dst = api.AppendString(append(dst, `{"amount":`...), amount.String())
	for i := range v.Members() {
		if m := &v.Members()[i]; m.Name != "amount" {
			dst = append(api.AppendString(append(dst, ','), m.Name), ':')
			dst = appendCanonical(dst, &m.Value)
		}
	}
	return append(dst, '}')
}
