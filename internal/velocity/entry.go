package velocity

import (
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
)

// kind is what a mark stands for.
type kind uint8

const (
	tried    kind = iota // a card, in the table of addresses only
	approved             // a card
	declined             // one decline of a card; of a range, a card
)

// mark is one thing that happened.
type mark struct {
	at   uint32 // second
	card uint32
	kind kind
}

// mostMarks bounds what is kept of one entry, the newest, so that every limit can be told to be reached.
const mostMarks = 4 * shop.MostCardTesting

// entry is what is counted of one card, address or range. Marks are in the order of their times. The nil entry has none.
type entry struct {
	marks   []mark
	pending int   // tries under way
	until   int64 // second up to which it is blocked
	hits    int   // count at which it was blocked
}

// add adds a mark to what is under the key and returns that.
func add(t *table[key, entry], of key, at int64, k kind, card uint32) *entry {
	e := t.make(of)
	if len(e.marks) >= mostMarks {
		e.marks = slices.Delete(e.marks, 0, len(e.marks)-mostMarks+1)
	}
	e.marks = append(e.marks, mark{second(at), card, k})
	t.weigh(of, cap(e.marks))
	return e
}

// once is add for what counts once a card, at its latest time.
func once(t *table[key, entry], of key, at int64, k kind, card uint32) *entry {
	e := t.make(of)
	e.marks = slices.DeleteFunc(e.marks, func(m mark) bool { return m.kind == k && m.card == card })
	return add(t, of, at, k, card)
}

// prune forgets what is older than the window, and what is further ahead than that: a clock that has been set back since
// must not have it count for as long as it was set back.
func (e *entry) prune(at int64, window time.Duration) {
	e.marks = slices.DeleteFunc(e.marks, func(m mark) bool { return int64(m.at)-at >= seconds(window) })
	since := second(at - seconds(window))
	old := 0
	for old < len(e.marks) && e.marks[old].at <= since {
		old++
	}
	if old > 0 {
		e.marks = slices.Delete(e.marks, 0, old)
	}
}

func (e *entry) count(k kind) (n int) {
	for _, m := range e.marks {
		if m.kind == k {
			n++
		}
	}
	return n
}

// ended is how many cards were approved or declined.
func (e *entry) ended() (n int) {
	for i, m := range e.marks {
		if m.kind != tried && !slices.ContainsFunc(e.marks[:i], func(o mark) bool { return o.kind != tried && o.card == m.card }) {
			n++
		}
	}
	return n
}

// times is how many marks there are of the card, and the second of the oldest.
func (e *entry) times(k kind, card uint32) (n int, oldest int64) {
	for _, m := range e.marks {
		if m.kind == k && m.card == card {
			if n++; n == 1 {
				oldest = int64(m.at)
			}
		}
	}
	return n, oldest
}

// first is the second of the oldest mark of the kind.
func (e *entry) first(k kind) int64 {
	for _, m := range e.marks {
		if m.kind == k {
			return int64(m.at)
		}
	}
	return 0
}

// knows reports a mark of the card after since.
func (e *entry) knows(since int64, k kind, card uint32) bool {
	return slices.ContainsFunc(e.marks, func(m mark) bool { return m.kind == k && m.card == card && int64(m.at) > since })
}

func (e *entry) block(at int64, hits int, d time.Duration) {
	e.until, e.hits = at+seconds(d), hits
}

// blocked reports that the entry was blocked for so long, and would have been by the limit as it is now.
func (e *entry) blocked(at int64, limit int, d time.Duration) bool {
	return e != nil && limit > 0 && at < e.until && e.hits >= limit && within(at, e.until-seconds(d), d)
}

func (e *entry) leave() {
	if e.pending > 0 { // not one that was evicted meanwhile and made anew
		e.pending--
	}
}

// idle reports that nothing is kept.
func (e *entry) idle() bool { return e.pending == 0 && len(e.marks) == 0 && e.until == 0 }

// within reports that less than d lies between the two, whichever is earlier: what is further ahead was noted by a clock that
// has been set back since.
func within(at, then int64, d time.Duration) bool { return max(at-then, then-at) < seconds(d) }

// second is enough until the year 2106.
func second(at int64) uint32 { return uint32(max(at, 0)) }
