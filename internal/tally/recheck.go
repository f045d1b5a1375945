package tally

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	// auditedAtOnce is between how many marks the payments are counted again in one look.
	auditedAtOnce = 4
	// checkedAtOnce is that of a full pass.
	checkedAtOnce = 64
)

// whyWrong is what a human is told.
const whyWrong = "payments of a shop were counted wrong: pages far from the top of its lists may have been other ones"

// audited is how far the work has come that counts again what was counted.
type audited struct {
	shop payment.ShopID
	from int64
}

// audit counts a little again, each time further on, shop after shop.
func (k *Keeper) audit(ctx context.Context, shops []payment.ShopID) error {
	if len(shops) == 0 {
		return nil
	}
	at := &k.audited
	i, there := slices.BinarySearch(shops, at.shop)
	if !there {
		*at = audited{shop: shops[i%len(shops)]}
	}
	found, err := Checker{k.c.DB, k.c.Bell}.some(ctx, at.shop, at.from, auditedAtOnce)
	if err != nil {
		return err
	}
	at.from = found.Next
	if found.Done || found.Wrong {
		i, _ = slices.BinarySearch(shops, at.shop)
		*at = audited{shop: shops[(i+1)%len(shops)]}
	}
	return nil
}

// Checker counts again what was counted. What is wrong is not used any more, and counted anew by the due work.
type Checker struct {
	DB   *store.DB
	Bell *alarm.Notifier
}

// some counts again what lies between some marks.
func (c Checker) some(ctx context.Context, shop payment.ShopID, from int64, most int) (found store.Recount, err error) {
	err = c.DB.View(ctx, func(tx *store.Tx) (err error) {
		found, err = tx.Tallies().Check(shop, from, most)
		return err
	})
	if err != nil || !found.Wrong {
		return found, err
	}
	a := alarm.Alarm{
		Shop: shop, About: alarm.Shop, Subject: string(shop), Why: whyWrong,
		Detail: fmt.Sprintf("between the oldest %d payments and the mark after them", found.Next),
	}
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		c.Bell.Write(tx, a)
		return tx.Tallies().Drop(shop, found.Next)
	})
	if err == nil {
		c.Bell.Tell(ctx, a)
	}
	return found, err
}

// Checked is what a full pass has found in a shop.
type Checked struct {
	Marks int  // that are right
	Wrong bool // one was not: it and those after it are made anew
}

// All counts all of a shop again.
func (c Checker) All(ctx context.Context, shop payment.ShopID) (all Checked, err error) {
	for from, done := int64(0), false; !done; {
		found, err := c.some(ctx, shop, from, checkedAtOnce)
		if err != nil {
			return all, err
		}
		all.Marks += found.Marks
		all.Wrong = all.Wrong || found.Wrong
		from, done = found.Next, found.Done || found.Wrong
	}
	return all, nil
}
