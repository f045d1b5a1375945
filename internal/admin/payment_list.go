package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/payment"
)

// ListPayments chooses payments of a shop: the filters are those of the merchant's list.
type ListPayments struct {
	OfShop
	CreatedFrom   string `name:"created-from" placeholder:"TIME" help:"Only those created at this time, such as 2030-12-25T10:00:00Z, or later." json:"createdFrom,omitempty"`
	CreatedBefore string `name:"created-before" placeholder:"TIME" help:"Only those created before this time." json:"createdBefore,omitempty"`
	UpdatedFrom   string `name:"updated-from" placeholder:"TIME" help:"Only those that changed last at this time or later." json:"updatedFrom,omitempty"`
	UpdatedBefore string `name:"updated-before" placeholder:"TIME" help:"Only those that changed last before this time." json:"updatedBefore,omitempty"`
	Reference     string `name:"reference" placeholder:"TEXT" help:"Only those with this reference of the merchant's." json:"reference,omitempty"`
	Limit         int    `name:"limit" default:"50" help:"How many at most, up to 1000." json:"limit,omitempty"`
	Offset        int    `name:"offset" default:"0" help:"How many of the newest to pass over." json:"offset,omitempty"`
}

// listPayments lists payments of a shop, newest first, each as the gateway API shows it. It needs the right ReadPayments.
func (d *Desk) listPayments(ctx context.Context, c ListPayments) (List[json.RawMessage], error) {
	f, err := c.filter()
	if err != nil {
		return List[json.RawMessage]{}, err
	}
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return List[json.RawMessage]{}, err
	}
	f.Shop = s.ID
	found, more, err := d.c.Records.List(ctx, f)
	l := listOf(found, func(p *payment.Payment) json.RawMessage { return d.shown(p) })
	l.More = more
	return l, err
}

// shown is a payment as the gateway API shows it.
func (d *Desk) shown(p *payment.Payment) json.RawMessage { return gateway.ShownPayment(d.c.Engine, p) }

func (c *ListPayments) filter() (payment.Filter, error) {
	f := payment.Filter{Reference: c.Reference, Limit: c.Limit, Offset: c.Offset}
	if f.Limit == 0 {
		f.Limit = payment.DefaultLimit
	}
	if f.Limit < 1 || f.Limit > payment.MaxLimit {
		return f, fmt.Errorf("--limit: %d is not between 1 and %d", f.Limit, payment.MaxLimit)
	}
	if f.Offset < 0 || f.Offset > payment.MaxOffset {
		return f, fmt.Errorf("--offset: %d is not between 0 and %d", f.Offset, payment.MaxOffset)
	}
	if strings.ContainsRune(c.Reference, 0) {
		return f, fmt.Errorf("--reference: %q holds a character that no reference has", c.Reference)
	}
	err := readBounds([]bound{
		{"created-from", c.CreatedFrom, &f.CreatedFrom}, {"created-before", c.CreatedBefore, &f.CreatedBefore},
		{"updated-from", c.UpdatedFrom, &f.UpdatedFrom}, {"updated-before", c.UpdatedBefore, &f.UpdatedBefore},
	})
	return f, err
}
