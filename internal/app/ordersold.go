package app

import (
	"context"
	"errors"

	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/checkout"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// sold tells the payment page what an order is made of: the dialect that took the order knows how it is written down.
func (a *App) sold(ctx context.Context, p *payment.Payment) (checkout.Sold, error) {
	if p.Terms.Origin != yandexpay.Dialect {
		return checkout.Sold{}, nil
	}
	order, err := a.Records.OrderOf(ctx, p.Shop, p.ID)
	if errors.Is(err, payment.ErrNotFound) {
		return checkout.Sold{}, nil
	}
	if err != nil {
		return checkout.Sold{}, err
	}
	lines, off, elsewhere, err := yandexpay.Sold(&order)
	sold := checkout.Sold{Off: off, Elsewhere: elsewhere, Lines: make([]checkout.SoldLine, len(lines))}
	for i, l := range lines {
		sold.Lines[i] = checkout.SoldLine(l)
	}
	return sold, err
}

// logo is the picture of a shop as the payment page serves it.
func (a *App) logo(ctx context.Context, sid shop.ID) (checkout.Logo, error) {
	kept, err := a.Records.Logo(ctx, sid)
	return checkout.Logo(kept), err
}
