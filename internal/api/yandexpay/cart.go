package yandexpay

import (
	"encoding/json"
	"net/http"
	"slices"

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
	Off          money.Amount    `json:"off,omitzero"` // what the discounts take off the sum of the lines; nought where those have it in them
	Measurements json.RawMessage `json:"measurements,omitempty"`

	discounted money.Amount // the sum of Discounts, of a cart that was just read
}

// item is one line of a cart.
type item struct {
	ProductID    string          `json:"productId"`
	Title        string          `json:"title"`
	Description  string          `json:"description,omitempty"`
	SKU          string          `json:"skuId,omitempty"`
	Type         string          `json:"type,omitempty"`
	Count        money.Amount    `json:"count"`               // of pieces, above 0
	Available    string          `json:"available,omitempty"` // a decimal, as it was given
	CountLabel   string          `json:"countLabel,omitempty"`
	Total        money.Amount    `json:"total"`             // of the line, after discounts on it
	Derived      bool            `json:"derived,omitempty"` // Total was not given and follows from the order's own line
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
	if now := respelled(product); now != product { // an id of ours, as it was shown earlier
		return c.find(now)
	}
	return nil
}

// check returns what cannot be true of a whole cart: a product in two lines, or lines that do not add up to the total,
// with the discounts on the cart taken off or not. Each line may have been rounded in whatever way, so that a step of the
// currency may be missing, or be too much, for each of them. It sets Off.
func (c *cart) check(currency money.Currency) error {
	if err := c.unrepeated(); err != nil {
		return err
	}
	c.Off = money.Amount{}
	sum, total, room := c.sum(), c.total(), steps(len(c.Items), currency)
	if apart(sum, total).Cmp(room) <= 0 {
		return nil
	}
	if apart(sum, plus(total, c.discounted)).Cmp(room) > 0 {
		return cartMismatch(total, sum, c.discounted, decimalsOf(currency))
	}
	c.Off = lesser(c.discounted, sum)
	return nil
}

// unrepeated refuses a cart in which a product has two lines: captures and refunds name lines by their products.
func (c *cart) unrepeated() error {
	met := make(map[string]bool, len(c.Items))
	for i := range c.Items {
		product := c.Items[i].ProductID
		if met[product] {
			return cartDataError("The productId of a line of the cart is used by another line", product)
		}
		met[product] = true
	}
	return nil
}

// fit has the discounts on the cart take off what its lines come to above its worth, if they took as much before.
func (c *cart) fit(worth, off money.Amount) { c.lessen(lesser(minus(c.sum(), worth), off), off) }

// price is what one piece costs.
func (i *item) price(decimals int) share {
	s, _ := shareOf(decimals, []money.Amount{i.Total}, []money.Amount{i.Count}) // a line has a piece
	return s
}

// cartMismatch tells that the lines of a cart do not add up, in the words that clients know.
func cartMismatch(total, sum, off money.Amount, decimals int) *failure {
	t, s, o := amountText(total, decimals), amountText(sum, decimals), amountText(off, decimals)
	f := &failure{
		status: http.StatusBadRequest, code: codeAmountMismatch,
		reason: "Cart total amount mismatch: expected `cart_total` = `items_sum` - `discounts_sum`, but found " +
			t + " != " + s + " - " + o,
	}
	f.details = described(f.reason, "cart_total", t, "items_sum", s, "discounts_sum", o)
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
