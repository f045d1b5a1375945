package marks

import (
	"math"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
)

// Lists by last change compare payment.listed, which the index payment_listed is ordered by, while a page is ordered by id. Where
// few payments were changed in the window, all of them are read from that index and sorted. Where many were, payments are read in
// the order of their ids, but only there where the marks say that some were changed in the window; and what the marks do not know
// yet is read from the index. That is settled by how many there are, never left to a planner: expressions such as q.listed + 0 and
// q.id || '' keep it from the other way, and a second bound where none is needed from taking an index for one that finds a third
// of all rows.

// FewChanged is up to how many payments are sorted.
const FewChanged = 4000

// sqlFewChanged counts them, no further than to see that they are not few.
const sqlFewChanged = `SELECT COUNT(*) FROM (SELECT 1 FROM payment q WHERE q.shop_id = $1 AND q.listed >= $2 AND q.listed < $3
	ORDER BY q.listed LIMIT CAST($4 AS BIGINT)) AS few`

// All of these have the same arguments: payments of the shop $2 below the id $1, at or above the id $3, last changed from $4 on and
// before $5, of which $6 are skipped and $7 wanted.
const (
	changedInIndex = `SELECT q.id FROM payment q WHERE q.id || '' < $1 AND q.shop_id = $2 AND q.id || '' >= $3 AND q.listed >= $4 AND q.listed < $5
		ORDER BY q.id || '' DESC LIMIT CAST($7 AS BIGINT) OFFSET CAST($6 AS BIGINT)`

	inWindow = `q.listed + 0 >= $4 AND q.listed + 0 < $5`
	// readIn has the rows read in the order of their ids: PostgreSQL would go through the whole index of changes to spare itself that.
	readIn = inWindow + ` AND q.version > 0`

	// changedMarks is what is known: base is the last mark to be trusted (see farMarks), tail where the payments begin that no
	// mark tells of, seen up to when the marks know the changes, since from when on in the window they do not.
	changedMarks = `WITH RECURSIVE known AS MATERIALIZED (SELECT COALESCE(l.id, '~') AS id
			FROM (SELECT MIN(q.id || '') AS id FROM payment q
				WHERE q.shop_id = $2 AND q.late > (SELECT t.asof FROM payment_tally t WHERE t.shop_id = $2) AND q.late < ` + endless + `) AS l),
		base AS MATERIALIZED (SELECT m.n, m.id FROM payment_mark m
			WHERE m.shop_id = $2 AND m.id <= (SELECT known.id FROM known) ORDER BY m.id DESC LIMIT 1),
		tail AS MATERIALIZED (SELECT CASE WHEN b.id > $3 THEN b.id ELSE $3 END AS id FROM (SELECT MAX(base.id) AS id FROM base) AS b),
		seen AS MATERIALIZED (SELECT t.changed AS at, CASE WHEN t.changed >= $4 THEN t.changed + 1 ELSE CAST($4 AS BIGINT) END AS since
			FROM payment_tally t WHERE t.shop_id = $2),
		low AS MATERIALIZED (SELECT MAX(m.n) AS n FROM (SELECT m.n FROM payment_mark m
			WHERE m.shop_id = $2 AND m.id <= $3 ORDER BY m.id DESC LIMIT 1) AS m)`

	// changedTop is the first mark that is not below what is wanted.
	changedTop = `SELECT COALESCE((SELECT m.n FROM payment_mark m WHERE m.shop_id = $2 AND m.id >= {below} AND m.n <= (SELECT base.n FROM base)
			ORDER BY m.id LIMIT 1), (SELECT base.n FROM base)) AS n`

	betweenMarks = `m.shop_id = $2 AND m.n > COALESCE((SELECT low.n FROM low), 0)`
	mayBeIn      = `m.most >= $4 AND m.least < $5`

	// asSeen are those of the window that the marks know.
	asSeen = `q.id || '' < {below} AND q.id || '' >= $3 AND ` + readIn + ` AND q.listed + 0 <= (SELECT seen.at FROM seen)`

	// changedSteps goes from mark to mark, from the top down over those below which nothing was changed in the window, until enough
	// payments are found, and says where that is.
	changedSteps = `, top AS MATERIALIZED (` + changedTop + `),
		step(n, missing) AS (SELECT top.n + 1, {most} FROM top
			UNION ALL
			SELECT m.n, s.missing - (SELECT COUNT(*) FROM (SELECT 1 FROM payment q WHERE q.shop_id = $2 AND q.id >= m.after AND q.id < m.id
				AND ` + asSeen + ` LIMIT {most}) AS found)
			FROM step s JOIN payment_mark m ON m.shop_id = $2 AND m.n = (SELECT m.n FROM payment_mark m
				WHERE ` + betweenMarks + ` AND m.n < s.n AND ` + mayBeIn + ` ORDER BY m.n DESC LIMIT 1)
			WHERE s.missing > 0),
		bottom AS MATERIALIZED (SELECT MIN(step.n) AS n FROM step)`

	// changedWalk is the page: of what no mark tells of, of what lies between marks, and of what was changed since they know.
	changedWalk = `SELECT x.id FROM (
		SELECT tailed.id FROM (SELECT q.id FROM payment q WHERE q.shop_id = $2 AND q.id >= (SELECT tail.id FROM tail) AND q.id < {below}
			AND ` + readIn + ` ORDER BY q.id DESC LIMIT {most}) AS tailed
		UNION ALL
		SELECT walked.id FROM (SELECT q.id FROM payment_mark m JOIN payment q ON q.shop_id = m.shop_id AND q.id >= m.after AND q.id < m.id
			WHERE m.shop_id = $2 AND m.n >= (SELECT bottom.n FROM bottom) AND m.n <= (SELECT top.n FROM top)
			AND m.most + 0 >= $4 AND m.least + 0 < $5 AND ` + asSeen + ` ORDER BY m.n DESC, q.id DESC LIMIT {most}) AS walked
		UNION ALL
		SELECT moved.id FROM (SELECT q.id FROM payment q WHERE q.shop_id = $2 AND q.listed >= (SELECT seen.since FROM seen) AND q.listed < $5
			AND q.id || '' < (SELECT base.id FROM base) AND q.id || '' < {below} AND q.id || '' >= $3
			ORDER BY q.id || '' DESC LIMIT {most}) AS moved
		) AS x ORDER BY x.id DESC LIMIT CAST($7 AS BIGINT) OFFSET {skip}`

	// changedCounts finds from which mark on a page far from the top is to be looked for, and how many are to be skipped from there:
	// what lies between two marks counts as a whole where all of it was changed in the window, as nothing where none was.
	changedCounts = `whole AS MATERIALIZED (` + changedTop + `),
		tailing AS MATERIALIZED (SELECT COUNT(*) AS c FROM payment q WHERE q.shop_id = $2 AND q.id >= (SELECT tail.id FROM tail) AND q.id < $1
			AND ` + readIn + `),
		turned AS MATERIALIZED (SELECT f.n, COUNT(*) AS gone, SUM(f.comes) AS come FROM (SELECT
				(SELECT m.n FROM payment_mark m WHERE m.shop_id = $2 AND m.id > q.id ORDER BY m.id LIMIT 1) AS n,
				CASE WHEN ` + inWindow + ` AND q.id < $1 AND q.id >= $3 THEN 1 ELSE 0 END AS comes
			FROM payment q WHERE q.shop_id = $2 AND q.listed > (SELECT seen.at FROM seen) AND q.listed < ` + endless + ` AND q.id || '' < (SELECT base.id FROM base)) AS f GROUP BY f.n),
		spans AS MATERIALIZED (SELECT m.n, m.id, CASE
				WHEN m.least >= $4 AND m.most < $5 AND m.after >= $3 AND m.id <= $1 THEN CAST($8 AS BIGINT) - COALESCE(v.gone, 0) + COALESCE(v.come, 0)
				WHEN ` + mayBeIn + ` THEN (SELECT COUNT(*) FROM payment q WHERE q.shop_id = $2 AND q.id >= m.after AND q.id < m.id
					AND q.id || '' >= $3 AND q.id || '' < $1 AND ` + readIn + `)
				ELSE COALESCE(v.come, 0) END AS c
			FROM payment_mark m LEFT JOIN turned v ON v.n = m.n
			WHERE ` + betweenMarks + ` AND m.n <= (SELECT whole.n FROM whole) AND (` + mayBeIn + ` OR v.n IS NOT NULL)),
		reached AS MATERIALIZED (SELECT s.n, s.id, s.c, CAST(SUM(s.c) OVER (ORDER BY s.n DESC) AS BIGINT) + (SELECT tailing.c FROM tailing) AS through
			FROM spans s),
		found AS MATERIALIZED (SELECT r.id, CAST($6 AS BIGINT) - (r.through - r.c) AS skip FROM reached r
			WHERE r.through > CAST($6 AS BIGINT) ORDER BY r.n DESC LIMIT 1),
		below AS MATERIALIZED (SELECT CASE WHEN CAST($6 AS BIGINT) < (SELECT tailing.c FROM tailing) THEN $1
				WHEN (SELECT found.id FROM found) < $1 THEN (SELECT found.id FROM found)
				WHEN (SELECT found.id FROM found) IS NULL THEN '' ELSE $1 END AS id,
			CASE WHEN CAST($6 AS BIGINT) < (SELECT tailing.c FROM tailing) THEN CAST($6 AS BIGINT)
				ELSE COALESCE((SELECT found.skip FROM found), 0) END AS skip)`
)

// A page of all payments, or of those created in some time: it is one statement, so that marks and payments are of one
// moment. Of the shop $2 it wants the payments below the id $1 but for the newest $3 of them, at or above the id $4, at most $5.
//   - known is below which id the marks are to be trusted: no payment that was written late and may not be counted is there.
//   - base is the last of these marks that is not above $1, and
//   - top how many payments lie below the first of the page: those below base, those from there to $1, less those that are
//     skipped. Not positive is beyond the end.
//   - start is the first mark that is not below the page, with what is left to be skipped from there: less than lies between two
//     marks. Without one the page is above base, or nothing is marked: then all is skipped from $1 on.
//
// The concatenation keeps a planner from walking through the primary key until it meets a late one.
const farMarks = `WITH known AS MATERIALIZED (SELECT CASE WHEN l.id < $1 THEN l.id ELSE $1 END AS id
		FROM (SELECT MIN(q.id || '') AS id FROM payment q
			WHERE q.shop_id = $2 AND q.late > (SELECT t.asof FROM payment_tally t WHERE t.shop_id = $2) AND q.late < ` + endless + `) AS l),
	base AS MATERIALIZED (SELECT m.n, m.id FROM payment_mark m
		WHERE m.shop_id = $2 AND m.id <= (SELECT known.id FROM known) ORDER BY m.id DESC LIMIT 1),
	top AS MATERIALIZED (SELECT base.n + (SELECT COUNT(*) FROM payment q
		WHERE q.shop_id = $2 AND q.id >= (SELECT base.id FROM base) AND q.id < $1) - CAST($3 AS BIGINT) AS n FROM base),
	start AS MATERIALIZED (SELECT m.id, m.n - (SELECT top.n FROM top) AS skip FROM payment_mark m
		WHERE m.shop_id = $2 AND m.n >= (SELECT top.n FROM top) AND m.n <= (SELECT base.n FROM base) ORDER BY m.n LIMIT 1)`

const farInIndex = `SELECT q.id FROM payment q
		WHERE q.shop_id = $2 AND q.id >= $4 AND q.id < COALESCE((SELECT start.id FROM start), $1)
		ORDER BY q.id DESC LIMIT CAST($5 AS BIGINT) OFFSET COALESCE((SELECT start.skip FROM start), CAST($3 AS BIGINT))`

// aboveAll is greater than every id, endless later than every instant.
const (
	aboveAll = "~"
	endless  = `9223372036854775807`
)

// Pages are the statements of pages.
type Pages struct {
	plain, far, few, changed, changedFar string

	deepTail, deepGroups, deepSpans, known string // see deep.go and thin.go
}

// NewPages makes them for these columns of payments, each with the prefix p.
func NewPages(columns string) *Pages {
	page := func(with, ids string) string {
		return with + " SELECT " + columns + " FROM payment p WHERE p.shop_id = $2 AND p.id IN (" + ids + ") ORDER BY p.id DESC"
	}
	changed := func(with, below, skip string) string {
		return strings.NewReplacer("{below}", below, "{skip}", skip, "{most}", skip+" + CAST($7 AS BIGINT)").Replace(page(with, changedWalk))
	}
	tail, groups, spans := deepTexts()
	return &Pages{
		deepTail: tail, deepGroups: groups, deepSpans: spans, known: sqlKnown(columns),
		plain:   "SELECT " + columns + " FROM payment p WHERE p.shop_id = $1",
		far:     page(farMarks, farInIndex),
		few:     page("", changedInIndex),
		changed: changed(changedMarks+changedSteps, "$1", "CAST($6 AS BIGINT)"),
		changedFar: changed(changedMarks+", "+strings.ReplaceAll(changedCounts, "{below}", "$1")+changedSteps,
			"(SELECT below.id FROM below)", "(SELECT below.skip FROM below)"),
	}
}

// All are the statements by name, for tests.
func (p *Pages) All() map[string]string {
	return map[string]string{"plain": p.plain, "far": p.far, "few": p.few, "changed": p.changed, "changedFar": p.changedFar,
		"deepTail": p.deepTail, "deepGroups": p.deepGroups, "deepSpans": p.deepSpans, "known": p.known}
}

// Far reports that a page is so far from the top that marks find it sooner: to skip fewer costs less than what lies between two.
func Far(f payment.Filter) bool { return int64(f.Offset) >= 2*Every }

// Far is the page of a filter that bounds nothing but creation.
func (p *Pages) Far(f payment.Filter) (string, []any) {
	from, before := createdBetween(f)
	return p.far, []any{before, string(f.Shop), int64(f.Offset), from, int64(f.Limit) + 1}
}

// Few counts the payments of a filter's window of last changes, no further than FewChanged and one more.
func (p *Pages) Few(f payment.Filter) (string, []any) {
	from, before := windowOf(f)
	return sqlFewChanged, []any{string(f.Shop), from, before, int64(FewChanged) + 1}
}

// Changed is the page of a filter with a window of last changes and no reference. Any payments of the window may be called few.
func (p *Pages) Changed(f payment.Filter, few bool) (string, []any) {
	above, below := createdBetween(f)
	from, before := windowOf(f)
	args := []any{below, string(f.Shop), above, from, before, int64(f.Offset), int64(f.Limit) + 1}
	switch {
	case few:
		return p.few, args
	case !Far(f):
		return p.changed, args
	}
	return p.changedFar, append(args, Every)
}

func windowOf(f payment.Filter) (from, before int64) {
	before = math.MaxInt64
	if !f.UpdatedFrom.IsZero() {
		from = micros(f.UpdatedFrom)
	}
	if !f.UpdatedBefore.IsZero() {
		before = micros(f.UpdatedBefore)
	}
	return from, before
}

// createdBetween are the ids between which a filter's payments lie.
func createdBetween(f payment.Filter) (from, before string) {
	from, before = "", aboveAll
	if !f.CreatedFrom.IsZero() {
		from = id.Floor(f.CreatedFrom)
	}
	if !f.CreatedBefore.IsZero() {
		before = id.Floor(f.CreatedBefore)
	}
	if f.After != "" {
		before = min(before, string(f.After))
	}
	return from, before
}

// micros are those of an instant, or of the next that has whole ones.
func micros(t time.Time) int64 {
	n := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		n++
	}
	return n
}
