package marks

import (
	"math"
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// A page far into a window of changes is found in three steps, which have to see one moment: how many marks lie wholly in the window,
// group by group; of the groups with others what lies in the window below each mark; and then the page, from the mark that it lies below.

// GroupMarks is how many marks are in a group. It is set before a database is opened, by tests.
var GroupMarks int64 = 64

const (
	groupsOnce = 16 // groups whose marks are looked at together
	groupsMore = 8  // groups that are read at once, beyond those of as many payments as are to be skipped
)

// The arguments $1 to $5 are those of the other statements of windows.
const (
	isWhole = `m.least >= $4 AND m.most < $5 AND m.after >= $3 AND m.id <= $1`

	deepTurned = `, whole AS MATERIALIZED (` + changedTop + `),
		turned AS MATERIALIZED (SELECT f.n, COUNT(*) AS gone, SUM(f.comes) AS come FROM (SELECT
				(SELECT m.n FROM payment_mark m WHERE m.shop_id = $2 AND m.id > q.id ORDER BY m.id LIMIT 1) AS n,
				CASE WHEN ` + inWindow + ` AND q.id < $1 AND q.id >= $3 THEN 1 ELSE 0 END AS comes
			FROM payment q WHERE q.shop_id = $2 AND q.listed > (SELECT seen.at FROM seen) AND q.listed < ` + endless + ` AND q.id || '' < (SELECT base.id FROM base)) AS f GROUP BY f.n)`

	// asked are marks of which something may be in the window. It is asked before the two tables are joined, which most marks never come to.
	asked = `(` + mayBeIn + ` OR m.n IN (SELECT turned.n FROM turned))`

	// deepTail are those of the window that no mark tells of, and the first mark that is not below what is wanted.
	deepTail = `, whole AS MATERIALIZED (` + changedTop + `)
		SELECT COUNT(*), COALESCE((SELECT whole.n FROM whole), 0) FROM payment q WHERE q.shop_id = $2 AND q.id >= (SELECT tail.id FROM tail) AND q.id < $1 AND ` + readIn

	wholly = `SUM(CASE WHEN ` + isWhole + ` AND v.n IS NULL THEN 1 ELSE 0 END)`

	// deepGroups are the groups of $6 payments among the next $8 below the first mark, up to the mark $7, of which something may be in the window: their first
	// and last mark, how many lie wholly in the window, and how many others are to be looked at.
	deepGroups = `, reach AS MATERIALIZED (SELECT m.n FROM payment_mark m WHERE ` + betweenMarks + ` AND m.n <= (SELECT whole.n FROM whole) AND m.n <= CAST($7 AS BIGINT)
			AND ` + asked + ` ORDER BY m.n DESC LIMIT 1)
		SELECT MIN(m.n), MAX(m.n), ` + wholly + `, COUNT(*) - ` + wholly + `
		FROM payment_mark m LEFT JOIN turned v ON v.n = m.n
		WHERE ` + betweenMarks + ` AND m.n <= (SELECT reach.n FROM reach) AND m.n > (SELECT reach.n FROM reach) - CAST($8 AS BIGINT)
			AND ` + asked + `
		GROUP BY (m.n - 1) / CAST($6 AS BIGINT) ORDER BY 1 DESC`

	// byHistogram are marks some of whose payments are in the window, as their histograms tell.
	byHistogram = `h.n IS NOT NULL AND v.n IS NULL AND m.after >= $3 AND m.id <= $1`

	// deepSpans are the marks from $7 to $8, Every ($6) apart, with how many of the window lie below each, -1 for what the histogram tells.
	deepSpans = ` SELECT m.n, m.id, m.after, CASE
			WHEN ` + isWhole + ` THEN CAST($6 AS BIGINT) - COALESCE(v.gone, 0) + COALESCE(v.come, 0)
			WHEN ` + mayBeIn + ` AND ` + byHistogram + ` THEN -1
			WHEN ` + mayBeIn + ` THEN (SELECT COUNT(*) FROM payment q WHERE q.shop_id = $2 AND q.id >= m.after AND q.id < m.id
				AND q.id || '' >= $3 AND q.id || '' < $1 AND ` + readIn + `)
			ELSE COALESCE(v.come, 0) END, COALESCE(h.shift, 0), h.cells
		FROM payment_mark m LEFT JOIN turned v ON v.n = m.n
			LEFT JOIN payment_histogram h ON h.shop_id = m.shop_id AND h.n = m.n AND h.id = m.id AND h.after = m.after AND NOT (` + isWhole + `)
		WHERE ` + betweenMarks + ` AND m.n >= $7 AND m.n <= $8 AND m.n <= (SELECT whole.n FROM whole) AND ` + asked + `
		ORDER BY m.n DESC`

	// sqlInCell are the payments between two ids that were changed from one instant on and before another.
	sqlInCell = `SELECT q.id, q.listed FROM payment q WHERE q.shop_id = $1 AND q.listed >= $2 AND q.listed < $3 AND q.id || '' >= $4 AND q.id || '' < $5`
)

type group struct{ from, to, whole, others int64 }

// counted is a mark with how many payments of the window lie below it, down to the one before, and whether its histogram tells that.
type counted struct {
	span
	histogram
	count int64
	told  bool
}

// Deep reports that the page of a filter is one far into a window of changes, whose reads have to see one moment.
func Deep(f payment.Filter) bool {
	return f.Reference == "" && Far(f) && (!f.UpdatedFrom.IsZero() || !f.UpdatedBefore.IsZero())
}

// search is for the mark below which a page lies.
type search struct {
	*Pages

	t            *tx.Tx
	shop         string
	above, below string    // ids between which the payments lie
	from, before int64     // when they were changed last
	left         int64     // of them are still to be skipped
	marks        []counted // from the one on below which the page begins
	rest         []group   // further on
	next, reach  int64     // the mark up to which no groups were read yet, and how many payments on from the first one there they are read
}

// args are $1 to $5 of the statements, and what follows.
func (s *search) args(more ...any) []any {
	return append([]any{s.below, s.shop, s.above, s.from, s.before}, more...)
}

// Deep is the page of a filter with a window of changes of which many payments are.
func (p *Pages) Deep(t *tx.Tx, f payment.Filter) (string, []any, error) {
	s := p.search(t, f)
	start, err := s.find()
	if err != nil {
		return "", nil, err
	}
	wanted := int64(f.Limit) + 1
	if ids, ok, err := s.thin(wanted); ok || err != nil {
		return p.known, ids, err
	}
	s.below = start
	return p.changed, s.args(s.left, wanted), nil
}

func (p *Pages) search(t *tx.Tx, f payment.Filter) *search {
	s := &search{Pages: p, t: t, shop: string(f.Shop), left: int64(f.Offset)}
	s.above, s.below = createdBetween(f)
	s.from, s.before = windowOf(f)
	s.next, s.reach = math.MaxInt64, s.left+groupsMore*GroupMarks*Every
	return s
}

// Step is a statement of the search, and its arguments.
type Step struct {
	Text string
	Args []any
}

// Steps are the statements by which the page of a filter may be searched for, by what they find, for tests.
func (p *Pages) Steps(f payment.Filter) map[string]Step {
	s := p.search(nil, f)
	return map[string]Step{
		"tail":   {p.deepTail, s.args()},
		"groups": {p.deepGroups, s.args(Every*GroupMarks, s.next, s.reach)},
		"spans":  {p.deepSpans, s.args(Every, 2*Every, 10*Every)},
		"cell":   {sqlInCell, []any{s.shop, micros(f.UpdatedFrom), micros(f.UpdatedFrom) + 1<<finest, s.above, s.below}},
	}
}

// find returns the id below which the page is to be looked for, empty where there is none, and leaves how many are to be skipped from there.
func (s *search) find() (string, error) {
	b := s.t.Batch()
	b.Planned()
	var tail int64
	b.Each(func(row tx.Scanner) error { return row.Scan(&tail, &s.next) }, s.deepTail, s.args()...)
	groups := s.groups(b, math.MaxInt64)
	if err := b.Run(); err != nil {
		return "", err
	}
	s.read(groups)
	if s.left < tail {
		return s.below, nil
	}
	s.left -= tail
	for {
		if more, err := s.more(); !more {
			s.left = 0
			return "", err
		}
		if g := s.rest[0]; g.others == 0 && s.left >= g.whole*Every {
			s.left -= g.whole * Every
			s.rest = s.rest[1:]
			continue
		}
		run := 1
		for s.rest[0].others > 0 && run < min(len(s.rest), groupsOnce) && s.rest[run].others > 0 {
			run++
		}
		from, to := s.rest[run-1].from, s.rest[0].to
		s.rest = s.rest[run:]
		if found, err := s.within(from, to); err != nil || found != "" {
			return min(found, s.below), err
		}
	}
}

// groups adds those up to a mark to what is read.
func (s *search) groups(b *tx.Batch, upTo int64) *[]group {
	return tx.ListIn(b, func(s tx.Scanner) (g group, err error) { return g, s.Scan(&g.from, &g.to, &g.whole, &g.others) },
		s.deepGroups, s.args(Every*GroupMarks, upTo, s.reach)...)
}

// read takes what was read of them.
func (s *search) read(groups *[]group) {
	s.rest, s.next = *groups, 0
	if len(s.rest) > 0 {
		s.next = s.rest[0].to - s.reach
	}
}

// more reports that there are groups further on, and reads them. A page needs at least as many payments as it skips: few more are read at once,
// because most of ten thousand marks would be read for nothing.
func (s *search) more() (bool, error) {
	for len(s.rest) == 0 && s.next > 0 {
		b := s.t.Batch()
		b.Planned()
		groups := s.groups(b, s.next)
		if err := b.Run(); err != nil {
			return false, err
		}
		s.read(groups)
	}
	return len(s.rest) > 0, nil
}

// within looks for it below these marks, and skips what is there if it is not.
func (s *search) within(from, to int64) (string, error) {
	marks, err := s.spans(from, to)
	if err != nil {
		return "", err
	}
	for i := range marks {
		if s.left < marks[i].count {
			s.marks = marks[i:]
			return string(marks[i].id), nil
		}
		s.left -= marks[i].count
	}
	return "", nil
}

// spans are these marks, the newest first, with how many of the window lie below each.
func (s *search) spans(from, to int64) ([]counted, error) {
	b := s.t.Batch()
	b.Planned()
	found := tx.ListIn(b, func(s tx.Scanner) (c counted, err error) {
		return c, s.Scan(&c.n, (*string)(&c.id), (*string)(&c.after), &c.count, &c.shift, &c.cells)
	}, s.deepSpans, s.args(Every, from, to)...)
	if err := b.Run(); err != nil {
		return nil, err
	}
	var told []*counted // by their histograms
	for i := range *found {
		if c := &(*found)[i]; c.count < 0 {
			c.count, c.told = 0, true
			told = append(told, c)
		}
	}
	if len(told) == 0 {
		return *found, nil
	}
	if err := s.upTo(told, s.before, 1); err != nil {
		return nil, err
	}
	return *found, s.upTo(told, s.from, -1)
}

// upTo adds to each mark, with that sign, how many of its payments were changed before the instant.
func (s *search) upTo(marks []*counted, instant, sign int64) error {
	least := instant // from when on changes are to be read
	for _, m := range marks {
		before, in, err := m.below(instant)
		if err != nil {
			return err
		}
		m.count += sign * before
		if in > 0 {
			least = min(least, m.begins(instant))
		}
	}
	if least == instant {
		return nil
	}
	newest, oldest := marks[0], marks[len(marks)-1]
	b := s.t.Batch()
	b.Planned()
	b.Each(func(row tx.Scanner) error {
		var id payment.ID
		var listed int64
		if err := row.Scan((*string)(&id), &listed); err != nil {
			return err
		}
		i, _ := slices.BinarySearchFunc(marks, id, func(m *counted, id payment.ID) int { // the last mark that is above it
			if m.id > id {
				return -1
			}
			return 1
		})
		if i--; i >= 0 && id >= marks[i].after && listed >= marks[i].begins(instant) {
			marks[i].count += sign
		}
		return nil
	}, sqlInCell, s.shop, least, instant, string(oldest.after), string(newest.id))
	return b.Run()
}

// deepTexts are the statements of the search.
func deepTexts() (tail, groups, spans string) {
	with := strings.NewReplacer("{below}", "$1")
	return with.Replace(changedMarks + deepTail), with.Replace(changedMarks + deepTurned + deepGroups), with.Replace(changedMarks + deepTurned + deepSpans)
}
