package marks

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// The page is found in the index first, so that skipped rows are never read. Without any it is read as it comes.
const pageInIndex = ` AND p.id IN (SELECT q.id FROM payment q WHERE q.shop_id = $1`

// Query is the cheapest statement that finds the page of a filter, and its arguments. Where [Deep] says so it is for the same snapshot.
func (p *Pages) Query(t *tx.Tx, f payment.Filter) (text string, args []any, err error) {
	switch {
	case f.Reference != "": // of which there are few
	case !f.UpdatedFrom.IsZero() || !f.UpdatedBefore.IsZero():
		text, args := p.Few(f)
		few, err := tx.One(t, tx.ScanInt64, text, args...)
		if err != nil {
			return "", nil, err
		}
		if few > FewChanged && Far(f) && !t.Spread() {
			return p.Deep(t, f)
		}
		text, args = p.Changed(f, few <= FewChanged)
		return text, args, nil
	case Far(f):
		text, args = p.Far(f)
		return text, args, nil
	}
	text, args = p.Plain(f)
	return text, args, nil
}

// Plain joins the fixed conditions that the filter asks for. The instant of
// creation is the start of the id, so that the primary key serves it. Payments of a reference are few, and read from its index;
// the sum keeps a planner from that of last changes, and the concatenation from the primary key.
func (p *Pages) Plain(f payment.Filter) (string, []any) {
	args := []any{string(f.Shop)}
	var where strings.Builder
	add := func(condition string, value any) {
		args = append(args, value)
		fmt.Fprintf(&where, " AND %s $%d", condition, len(args))
	}
	if !f.CreatedFrom.IsZero() {
		add("q.id >=", id.Floor(f.CreatedFrom))
	}
	if !f.CreatedBefore.IsZero() {
		add("q.id <", id.Floor(f.CreatedBefore))
	}
	if !f.UpdatedFrom.IsZero() {
		add("q.listed + 0 >=", micros(f.UpdatedFrom))
	}
	if !f.UpdatedBefore.IsZero() {
		add("q.listed + 0 <", micros(f.UpdatedBefore))
	}
	if f.After != "" {
		add("q.id <", string(f.After))
	}
	if f.Reference != "" {
		add("substr(q.reference, 1, 256) =", firstRunes(f.Reference, indexedRunes))
		if utf8.RuneCountInString(f.Reference) >= indexedRunes {
			add("q.reference =", f.Reference)
		}
	}
	args = append(args, int64(f.Limit)+1)
	if f.Offset == 0 && f.Reference == "" && f.UpdatedFrom.IsZero() && f.UpdatedBefore.IsZero() { // the key begins with the page
		return p.plain + strings.ReplaceAll(where.String(), "q.", "p.") + fmt.Sprintf(" ORDER BY p.id DESC LIMIT CAST($%d AS BIGINT)", len(args)), args
	}
	args = append(args, int64(f.Offset))
	// The casts keep SQLite from preparing the statement anew for each value.
	page := fmt.Sprintf(where.String()+" ORDER BY q.id DESC LIMIT CAST($%d AS BIGINT) OFFSET CAST($%d AS BIGINT)", len(args)-1, len(args))
	if f.Reference != "" {
		page = strings.ReplaceAll(page, "q.id ", "q.id || '' ")
	}
	return p.plain + pageInIndex + page + ") ORDER BY p.id DESC", args
}

// indexedRunes is how much of a reference the index holds.
const indexedRunes = 256

// firstRunes is what text begins with, at most n characters.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}
