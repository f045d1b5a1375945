package admin

import (
	"context"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/tally"
)

// CheckLists chooses whose payments are counted again.
type CheckLists struct {
	Shop string `name:"shop" placeholder:"ID" help:"Only the payments of this shop; without it those of all." json:"shop,omitempty"`
}

// ListCheck is what came of counting the payments of a shop again.
type ListCheck struct {
	Shop  payment.ShopID `json:"shopId"`
	Name  string         `json:"name"`
	Marks int            `json:"marks"` // that are right
	Wrong bool           `json:"wrong"` // one was not: it and those after it are not used any more, and are made anew while a server runs
}

// checkLists counts all payments again that were counted for lists. It needs the right ManageLists.
func (d *Desk) checkLists(ctx context.Context, c CheckLists) (List[ListCheck], error) {
	shops, err := d.chosenShops(ctx, c.Shop)
	if err != nil {
		return List[ListCheck]{}, err
	}
	var all List[ListCheck]
	for _, s := range shops {
		found, err := tally.Checker{DB: d.c.DB, Bell: d.c.Engine.Bell()}.All(ctx, s.ID)
		if err != nil {
			return all, err
		}
		all.Items = append(all.Items, ListCheck{s.ID, s.Name, found.Marks, found.Wrong})
	}
	return all, nil
}

func (d *Desk) chosenShops(ctx context.Context, id string) ([]shop.Shop, error) {
	if id != "" {
		s, err := d.shopOf(ctx, id)
		return []shop.Shop{s}, err
	}
	return view(ctx, d, func(tx *store.Tx) ([]shop.Shop, error) { return tx.Shops().List() })
}
