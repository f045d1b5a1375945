package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

const (
	offsetMark = 2  // times the first page
	windowMark = 10 // times the plain first page, of the first page in a window of changes
	deepMark   = 30 // likewise, of any other
)

// stamp is an instant as filters take it, to the microsecond.
func stamp(t time.Time) string {
	return url.QueryEscape(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

func createdFrom(t time.Time) string   { return "&created.gte=" + stamp(t) }
func createdBefore(t time.Time) string { return "&created.lt=" + stamp(t) }
func updatedFrom(t time.Time) string   { return "&updated.gte=" + stamp(t) }
func updatedBefore(t time.Time) string { return "&updated.lt=" + stamp(t) }

// offsets compares the deepest page with the first one, without a filter and with those on creation.
func (p *pager) offsets(ctx context.Context) error {
	for _, c := range []struct {
		name, filter string
		matches      int
	}{
		{"no filter", "", p.payments},
		{"created after the first", createdFrom(p.merchant.at(0)), p.payments},
		{"created before the newest", createdBefore(p.merchant.at(p.payments - 2)), p.payments - 2},
		{"created in the middle", createdFrom(p.merchant.at(p.payments/10)) + createdBefore(p.merchant.at(p.payments/10*9)), p.payments/10*9 - p.payments/10},
	} {
		deepest := min(c.matches-pageSize, payment.MaxOffset)
		found, err := p.medians(ctx, p.page(c.filter, deepest), p.page(c.filter, 0))
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		line := line{Section: lists, Name: fmt.Sprintf("page at offset %d among %d payments, %s, %s", deepest, p.payments, c.name, title(p.server.kind)),
			Value: millis(found[0]), Against: "at offset 0, " + millis(found[1]), Ratio: float64(found[0]) / float64(found[1])}
		p.report.add(line.atMost(offsetMark))
	}
	return nil
}

// window is a filter on changes and how many payments it leaves.
type window struct {
	name, filter string
	matches      int
}

// windows compares pages of windows of changes with the plain first page, whatever matches and wherever it lies.
func (p *pager) windows(ctx context.Context, h home) error {
	all, err := p.changes(ctx, h)
	if err == nil {
		err = p.connect(ctx) // among ten million that took minutes
	}
	if err != nil {
		return err
	}
	for _, w := range all {
		offsets := []int{0}
		if w.matches > 2*pageSize {
			offsets = append(offsets, min(w.matches/2, payment.MaxOffset), min(w.matches-pageSize, payment.MaxOffset))
		}
		for _, offset := range offsets {
			page := p.page(w.filter, offset)
			page.holds = min(pageSize, w.matches-offset)
			found, err := p.medians(ctx, page, p.page("", 0))
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			line := line{Section: lists, Name: fmt.Sprintf("changed: %s (%d of %d), offset %d, %s", w.name, w.matches, p.payments, offset, title(p.server.kind)),
				Value: millis(found[0]), Against: "plain first page, " + millis(found[1]), Ratio: float64(found[0]) / float64(found[1])}
			if offset == 0 {
				p.report.add(line.atMost(windowMark))
			} else {
				p.report.add(line.atMost(deepMark))
			}
		}
	}
	return nil
}

// changes makes windows of all, half, a thousand and none of the payments: at the new end, the old end and in the middle.
func (p *pager) changes(ctx context.Context, h home) ([]window, error) {
	db, err := h.open()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	n := p.payments
	at := func(k int) (t time.Time) { // when the change with that number from the oldest, from 0, could be read
		if err == nil {
			t, err = p.change(ctx, db, k)
		}
		return t
	}
	tiny := time.Microsecond
	few := min(1000, n/4)
	first, last, half := at(0), at(n-1), at(n/2)
	quarter, three, old, young, next := at(n/4), at(n/4*3), at(few), at(n-few), at(n/2+few)
	count := func(from, before time.Time) (matches int) {
		if err == nil {
			err = db.QueryRowContext(ctx, "SELECT count(*) FROM payment WHERE shop_id = $1 AND listed >= $2 AND listed < $3",
				p.merchant.shop, from.UnixMicro(), before.UnixMicro()).Scan(&matches)
		}
		return matches
	}
	end := last.Add(tiny)
	all := []window{
		{"all, from", updatedFrom(first), n},
		{"all, before", updatedBefore(end), n},
		{"half, new end", updatedFrom(half), count(half, end)},
		{"half, old end", updatedBefore(half), count(first, half)},
		{"half, middle", updatedFrom(quarter) + updatedBefore(three), count(quarter, three)},
		{"a thousand, new end", updatedFrom(young), count(young, end)},
		{"a thousand, old end", updatedBefore(old), count(first, old)},
		{"a thousand, middle", updatedFrom(half) + updatedBefore(next), count(half, next)},
		{"none, new end", updatedFrom(end), 0},
		{"none, old end", updatedBefore(first), 0},
		{"none, middle", updatedFrom(half.Add(tiny)) + updatedBefore(half.Add(2*tiny)), count(half.Add(tiny), half.Add(2*tiny))},
		{"half, made in the older half", updatedFrom(quarter) + createdBefore(p.merchant.at(n/2)), -1},
		{"a thousand, made in the older half", updatedFrom(half) + updatedBefore(next) + createdBefore(p.merchant.at(n/2)), -1},
	}
	if err == nil {
		err = p.countMade(ctx, db, all, [][2]time.Time{{quarter, end}, {half, next}}, p.merchant.at(n/2))
	}
	return all, err
}

// countMade fills in how many payments the windows leave that name an instant of creation, too.
func (p *pager) countMade(ctx context.Context, db *sql.DB, all []window, changed [][2]time.Time, made time.Time) error {
	for i := range all {
		if all[i].matches >= 0 {
			continue
		}
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM payment WHERE shop_id = $1 AND listed >= $2 AND listed < $3 AND created < $4",
			p.merchant.shop, changed[0][0].UnixMicro(), changed[0][1].UnixMicro(), made.UnixMicro()).Scan(&all[i].matches)
		if err != nil {
			return err
		}
		changed = changed[1:]
	}
	return nil
}

func (p *pager) change(ctx context.Context, db *sql.DB, k int) (time.Time, error) {
	var at int64
	err := db.QueryRowContext(ctx, fmt.Sprintf("SELECT listed FROM payment WHERE shop_id = $1 ORDER BY listed LIMIT 1 OFFSET %d", k),
		p.merchant.shop).Scan(&at)
	return time.UnixMicro(at), err
}
