package checkout

import (
	"context"

	"github.com/sluicepay/sluice/internal/money"
)

// Sold is what an order is made of, as its merchant has told.
type Sold struct {
	Lines []SoldLine
	// Off is what discounts on the whole take off the sum of the lines, Elsewhere what is paid in another way, such as by points.
	Off, Elsewhere money.Amount
}

// SoldLine is one line: so many pieces, and what they cost together.
type SoldLine struct {
	Title      string
	Count, Sum money.Amount
}

// Limits of what is shown of an order, in lines and in characters of each.
const (
	mostLines    = 50
	longestTitle = 160
)

// lines are an order's lines as its page shows them.
type lines struct {
	Rows  []lineRow
	More  bool // lines that are not shown
	Sums  []lineRow
	Count int
}

type lineRow struct{ Title, Count, Sum string }

// soldLines reads what the payment is for; nil where nothing is known of it, which is no reason to show no page.
func (g *Pages) soldLines(ctx context.Context, v *visit) *lines {
	p := &v.payment
	if g.sold == nil || p.Terms.Origin == "" || p.Terms.Verify || p.Asked.Amount.IsZero() {
		return nil
	}
	sold, err := g.sold(ctx, p)
	if err != nil {
		if !gone(err) {
			g.log.ErrorContext(ctx, "lines of the order on its payment page", "payment", p.ID, "error", err)
		}
		return nil
	}
	if len(sold.Lines) == 0 {
		return nil
	}
	return v.rows(&sold)
}

func (v *visit) rows(sold *Sold) *lines {
	c := v.payment.Asked.Currency
	l := &lines{Count: len(sold.Lines), More: len(sold.Lines) > mostLines}
	for _, line := range sold.Lines[:min(len(sold.Lines), mostLines)] {
		row := lineRow{Title: shortened(line.Title, longestTitle), Sum: v.sum(line.Sum, c)}
		if count := line.Count.String(); count != "1" {
			row.Count = count
		}
		l.Rows = append(l.Rows, row)
	}
	if !sold.Off.IsZero() {
		l.Sums = append(l.Sums, lineRow{Title: v.words.Look.Discount, Sum: minus + v.sum(sold.Off, c)})
	}
	if !sold.Elsewhere.IsZero() {
		l.Sums = append(l.Sums, lineRow{Title: v.words.Look.PaidElsewhere, Sum: minus + v.sum(sold.Elsewhere, c)})
	}
	l.Sums = append(l.Sums, lineRow{Title: v.words.Look.Total, Sum: v.sum(v.payment.Asked.Amount, c)})
	return l
}

const minus = "\u2212"

// sum is an amount with its currency.
func (v *visit) sum(a money.Amount, c money.Currency) string {
	return v.words.amount(a, c)
}

// shortened is a text of so many characters at most.
func shortened(s string, most int) string {
	n := 0
	for at := range s {
		if n++; n > most {
			return s[:at] + "…"
		}
	}
	return s
}
