package yandexpay

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// cart is what is sold, as the merchant said it.
type cart struct {
	ExternalID   string          `json:"externalId,omitempty"`
	Items        []item          `json:"items"`
	Amount       money.Amount    `json:"amount"`             // to pay
	External     *money.Amount   `json:"external,omitempty"` // paid elsewhere
	Label        string          `json:"label,omitempty"`
	Coupons      json.RawMessage `json:"coupons,omitempty"`
	Discounts    json.RawMessage `json:"discounts,omitempty"`
	Measurements json.RawMessage `json:"measurements,omitempty"`
}

// item is one line of a cart.
type item struct {
	ProductID    string          `json:"productId"`
	Title        string          `json:"title"`
	Description  string          `json:"description,omitempty"`
	SKU          string          `json:"skuId,omitempty"`
	Type         string          `json:"type,omitempty"`
	Count        money.Amount    `json:"count"` // of pieces, above 0
	CountLabel   string          `json:"countLabel,omitempty"`
	Total        money.Amount    `json:"total"` // of the line, after discounts
	UnitPrice    *money.Amount   `json:"unitPrice,omitempty"`
	Discounted   *money.Amount   `json:"discountedUnitPrice,omitempty"`
	Subtotal     *money.Amount   `json:"subtotal,omitempty"`
	Features     json.RawMessage `json:"features,omitempty"`
	Receipt      json.RawMessage `json:"receipt,omitempty"`
	Measurements json.RawMessage `json:"measurements,omitempty"`
}

// total is what the cart says that it is worth: what is paid here and elsewhere.
func (c *cart) total() money.Amount { return plus(c.Amount, given(c.External)) }

func (c *cart) sum() (sum money.Amount) {
	for i := range c.Items {
		sum = plus(sum, c.Items[i].Total)
	}
	return sum
}

// find returns the line of a product, or nil.
func (c *cart) find(product string) *item {
	for i := range c.Items {
		if c.Items[i].ProductID == product {
			return &c.Items[i]
		}
	}
	return nil
}

// check returns what is wrong with a whole cart: a product in two lines, a price of a piece that cannot be written
// down, or lines that do not add up to the total.
func (c *cart) check(decimals int) error {
	if err := c.checkLines(decimals); err != nil {
		return err
	}
	if sum, total := c.sum(), c.total(); sum != total {
		return cartMismatch(total, sum, decimals)
	}
	return nil
}

func (c *cart) checkLines(decimals int) error {
	met := make(map[string]bool, len(c.Items))
	for i := range c.Items {
		line := &c.Items[i]
		if met[line.ProductID] {
			return cartDataError("The productId of a line of the cart is used by another line", line.ProductID)
		}
		met[line.ProductID] = true
		if _, ok := line.price(decimals); !ok {
			return cartDataError("The total of a line of the cart divided by its quantity.count has more than "+
				strconv.Itoa(decimals)+" decimals", line.ProductID)
		}
	}
	return nil
}

// price is what one piece costs. It reports false when that needs more decimals.
func (i *item) price(decimals int) (money.Amount, bool) { return quotient(i.Total, i.Count, decimals) }

// cartMismatch tells that the lines of a cart do not add up, in the words that clients know.
func cartMismatch(total, sum money.Amount, decimals int) *failure {
	t, s, none := amountText(total, decimals), amountText(sum, decimals), amountText(money.Amount{}, decimals)
	f := &failure{
		status: http.StatusBadRequest, code: codeAmountMismatch,
		reason: "Cart total amount mismatch: expected `cart_total` = `items_sum` - `discounts_sum`, but found " +
			t + " != " + s + " - " + none,
	}
	f.details = described(f.reason, "cart_total", t, "items_sum", s, "discounts_sum", none)
	return f
}

// amountMismatch tells that two amounts that should be equal are not.
func amountMismatch(what string, expected, found money.Amount, decimals int) *failure {
	e, g := amountText(expected, decimals), amountText(found, decimals)
	f := &failure{
		status: http.StatusBadRequest, code: codeAmountMismatch,
		reason: what + " mismatch: expected " + e + ", but found " + g,
	}
	f.details = described(f.reason, "expected", e, "found", g)
	return f
}

func cartDataError(reason, product string) *failure {
	return &failure{status: http.StatusBadRequest, code: codeCartData, reason: reason,
		details: described(reason, "product_id", product)}
}

// described makes details of pairs of names and texts, with the reason last.
func described(reason string, pairs ...string) []byte {
	dst := []byte{'{'}
	for pair := range slices.Chunk(pairs, 2) {
		dst = append(api.AppendString(dst, pair[0]), ':')
		dst = append(api.AppendString(dst, pair[1]), ',')
	}
	return append(api.AppendString(append(dst, `"description":`...), reason), '}')
}
