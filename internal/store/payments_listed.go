package store

import (
	"errors"
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/marks"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Lists read of a payment what answers show, the columns that are marked so. Such a payment is nothing to decide on: it has no
// version, and no write of it would go through.

// pages are the statements of pages.
var pages = marks.NewPages(listedColumns)

// ListedColumns are the columns of a payment that a list reads, for whoever compares it with reading the same by the driver.
func ListedColumns() []string {
	var names []string
	for _, c := range paymentTable.shown() {
		names = append(names, c.name)
	}
	return names
}

// List returns a page of a shop's payments, newest first, and whether more
// follow. The payments come with what answers show, and nothing else.
func (t Payments) List(f payment.Filter) (page []payment.Payment, more bool, err error) {
	err = t.find(f, func(text string, args []any) error {
		return t.each(f.Shop, func(p *pay) error {
			page = append(page, *p)
			return nil
		}, text, args...)
	})
	if err == nil && len(page) > f.Limit {
		page, more = page[:f.Limit], true
	}
	return page, more, err
}

// find hands over the statement of a page, and its arguments. What it reads for that and what use reads see one moment where they have to.
func (t Payments) find(f payment.Filter, use func(text string, args []any) error) error {
	find := func() error {
		text, args, err := pages.Query(t.tx, f)
		if err != nil {
			return err
		}
		return use(text, args)
	}
	if marks.Deep(f) {
		return t.tx.Snapshot(find)
	}
	return find()
}

// each hands over payments as lists have them. Each is gone when use returns.
func (t Payments) each(shop payment.ShopID, use func(*payment.Payment) error, text string, args ...any) error {
	err := t.rows(listedPayments.each(func(p *pay) error {
		p.Shop = shop
		return use(p)
	}), text, args...)
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

// rows runs the query of a page.
func (t Payments) rows(row func(tx.Scanner) error, text string, args ...any) error {
	b := t.tx.Batch()
	b.Planned()
	b.Each(row, text, args...)
	return b.Run()
}

// errFull ends a query: whoever takes the rows has enough.
var errFull = errors.New("no more is wanted")

const (
	firstPart   = 100 // payments that the first query of a page reads at most: most pages are no longer
	groupLarge  = 250 // payments in a query for those that are known already
	groupSmall  = 16  // likewise, where few have filled what takes them
	mostInSmall = 64  // which is so many
)

// Rest is what is left of a page: the payments that it still holds. Which they are was decided when it began, so that it has no
// gaps and nothing twice, whatever changes while it is read on; what they show is what is committed when they are read.
type Rest struct {
	Shop  payment.ShopID
	IDs   []payment.ID
	group int // payments to ask for at a time
}

// ListTo hands a page over, payment by payment, until take says that it is full; each is gone when take returns. The rest of the
// page is for ReadRest. It tells whether more follow after the page. Where one query was enough, all is of one moment.
func (t Payments) ListTo(f payment.Filter, take func(*payment.Payment) (full bool)) (rest Rest, more bool, err error) {
	part := f
	part.Limit = min(f.Limit, firstPart)
	var last payment.ID
	full, taken := false, 0
	one := func(p *payment.Payment) error {
		if taken == part.Limit { // the one beyond the part, which tells that there is more
			more = true
			return errFull
		}
		last, taken, full = p.ID, taken+1, take(p)
		if full {
			return errFull
		}
		return nil
	}
	err = t.find(part, func(text string, args []any) error { return t.each(f.Shop, one, text, args...) })
	if err != nil || !full && (!more || part.Limit == f.Limit) {
		return Rest{}, more, err
	}
	f.Offset, f.After, f.Limit = 0, last, f.Limit-taken
	rest = Rest{Shop: f.Shop, group: groupLarge}
	if full && taken < mostInSmall {
		rest.group = groupSmall
	}
	rest.IDs, more, err = t.ids(f)
	if err != nil || full {
		return rest, more, err
	}
	rest, err = t.ReadRest(rest, take)
	return rest, more, err
}

// ids returns which payments are on a page, and whether more follow.
func (t Payments) ids(f payment.Filter) (page []payment.ID, more bool, err error) {
	err = t.find(f, func(text string, args []any) error {
		text = strings.Replace(text, "SELECT "+listedColumns+" ", "SELECT p.id ", 1)
		return t.rows(func(s tx.Scanner) error {
			pid, err := tx.ScanText(s)
			page = append(page, payment.ID(pid))
			return err
		}, text, args...)
	})
	if err == nil && len(page) > f.Limit {
		page, more = page[:f.Limit], true
	}
	return page, more, err
}

// ReadRest hands over what is left of a page until take says that it is full, and returns what is left then.
func (t Payments) ReadRest(r Rest, take func(*payment.Payment) (full bool)) (Rest, error) {
	full := false
	for !full && len(r.IDs) > 0 {
		text, args := sqlListedSmall, make([]any, 0, 1+groupLarge)
		if r.group == groupLarge {
			text = sqlListedLarge
		}
		args = append(args, string(r.Shop))
		asked := min(len(r.IDs), r.group)
		for i := range r.group {
			args = append(args, string(r.IDs[min(i, asked-1)])) // the last one again and again, where there are fewer
		}
		var last payment.ID
		err := t.each(r.Shop, func(p *payment.Payment) error {
			last = p.ID
			if full = take(p); full {
				return errFull
			}
			return nil
		}, text, args...)
		if err != nil {
			return r, err
		}
		left := r.IDs[asked:]
		if full {
			for left = r.IDs; len(left) > 0 && left[0] >= last; {
				left = left[1:]
			}
		}
		r.IDs = left
	}
	return r, nil
}

// Made once: payments that are known.
var (
	sqlListedSmall = sqlListed(groupSmall)
	sqlListedLarge = sqlListed(groupLarge)
)

func sqlListed(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = placeholder(i + 2)
	}
	return `SELECT ` + listedColumns + ` FROM payment p WHERE p.shop_id = $1 AND p.id IN (` + strings.Join(ids, ", ") + `) ORDER BY p.id DESC`
}
