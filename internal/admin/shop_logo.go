package admin

import (
	"context"
	"fmt"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// Picture is a file with a picture in it.
type Picture []byte

// String implements fmt.Stringer, for the log.
func (p Picture) String() string { return fmt.Sprintf("%d bytes", len(p)) }

// SetLogo says which picture customers of a shop are shown.
type SetLogo struct {
	OfShop
	Picture Picture `json:"picture" kong:"-"`
}

// ShopLogo is what a shop is shown by.
type ShopLogo struct {
	Shop shop.ID `json:"shopId"`
	Logo string  `json:"logo"` // the name of the file; empty for none
	Effect
}

// setLogo keeps a picture and has the payment page show it. It needs the right ManageShops.
func (d *Desk) setLogo(ctx context.Context, c SetLogo) (ShopLogo, error) {
	name, content, err := shop.ReadLogo(c.Picture)
	if err != nil {
		return ShopLogo{}, err
	}
	return d.changeLogo(ctx, c.Shop, name, func(tx *store.Tx) {
		tx.Logos().Put(shop.ID(c.Shop), &store.Logo{Name: name, Content: content})
	})
}

// removeLogo takes the picture of a shop away. It needs the right ManageShops.
func (d *Desk) removeLogo(ctx context.Context, c OfShop) (ShopLogo, error) {
	return d.changeLogo(ctx, c.Shop, "", func(tx *store.Tx) { tx.Logos().Delete(shop.ID(c.Shop)) })
}

func (d *Desk) changeLogo(ctx context.Context, sid, name string, write func(*store.Tx)) (ShopLogo, error) {
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Shops().Change(shop.ID(sid), func(s *shop.Shop) error {
			s.Settings.Brand.Logo = name
			return nil
		})
		if err != nil {
			return err
		}
		write(tx)
		return nil
	})
	if err != nil {
		return ShopLogo{}, shopError(err, sid)
	}
	return ShopLogo{shop.ID(sid), name, d.effect()}, nil
}
