package marks

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// A page whose marks are known is found by reading what lies below them once, and its payments by their ids. Where few of the payments between
// two marks are in the window, such as at the old end of one, where there are only those that were changed late, a page lies below many
// marks. To read all payments there would cost more than to look each of the page up, by the cell of its mark's histogram, in the
// index of changes.

const (
	// thinFrom is from how many marks on a page has to have histograms to be found so.
	thinFrom = 4
	// thinParts is of how many stretches of time the changes are looked up for a mark; where there are more its payments are read.
	thinParts = 32
	// knownIDs is how many payments a page may have that is found so.
	knownIDs = 128
)

// sqlBelowMark are payments between two marks.
const sqlBelowMark = `SELECT q.id, q.listed FROM payment q WHERE q.shop_id = $1 AND q.id >= $2 AND q.id < $3 AND q.version > 0
	ORDER BY q.id DESC LIMIT CAST($4 AS BIGINT)` // see readIn

// sqlKnown is the page of these payments.
func sqlKnown(columns string) string {
	var in strings.Builder
	for i := range knownIDs {
		if i > 0 {
			in.WriteString(", ")
		}
		in.WriteString("$" + strconv.Itoa(i+2))
	}
	return "SELECT " + columns + " FROM payment p WHERE p.shop_id = $1 AND p.id IN (" + in.String() + ") ORDER BY p.id DESC"
}

// thin finds the payments of a page that lies below many marks, and returns the arguments of its statement. It says no where that is
// not worth while, or cannot be done.
func (s *search) thin(wanted int64) (args []any, ok bool, err error) {
	need := s.left + wanted
	if len(s.marks) == 0 || wanted > knownIDs {
		return nil, false, nil
	}
	below, some := 0, false // marks below which the page lies
	for found := int64(0); found < need; below++ {
		if below == len(s.marks) {
			if left, err := s.more(); err != nil {
				return nil, false, err
			} else if !left {
				break
			}
			more, err := s.spans(s.rest[0].from, s.rest[0].to)
			if err != nil {
				return nil, false, err
			}
			s.marks, s.rest = append(s.marks, more...), s.rest[1:]
			if len(more) == 0 {
				below--
				continue
			}
		}
		found += s.marks[below].count
		some = some || s.marks[below].told
	}
	if below >= thinFrom && !some {
		return nil, false, nil
	}
	ids, err := s.ids(s.marks[:below], need)
	if err != nil {
		return nil, false, err
	}
	slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
	ids = ids[min(s.left, int64(len(ids))):]
	args = []any{s.shop}
	for i := range knownIDs {
		id := "" // is nobody's
		if i < len(ids) && int64(i) < wanted {
			id = ids[i]
		}
		args = append(args, id)
	}
	return args, true, nil
}

// ids are the payments of the window below these marks; those that were not needed may be missing.
func (s *search) ids(marks []counted, need int64) (ids []string, err error) {
	b := s.t.Batch()
	b.Planned()
	take := func(row tx.Scanner) error {
		var id string
		var listed int64
		err := row.Scan(&id, &listed)
		if err == nil && listed >= s.from && listed < s.before && id >= s.above && id < s.below {
			ids = append(ids, id)
		}
		return err
	}
	for i := range marks {
		m := &marks[i]
		if m.count == 0 {
			continue
		}
		var parts [][2]int64
		if m.told {
			if parts, err = m.within(s.from, s.before); err != nil {
				return nil, err
			}
		}
		if !m.told || len(parts) > thinParts {
			most := 2 * Every               // more than there are
			if i == 0 && m.count == Every { // all are in the window, so that no more of them are read than are needed
				most = min(need, Every)
			}
			b.Each(take, sqlBelowMark, s.shop, string(m.after), string(m.id), most)
			continue
		}
		for _, part := range parts {
			b.Each(take, sqlInCell, s.shop, part[0], part[1], string(m.after), string(m.id))
		}
	}
	return ids, b.Run()
}
