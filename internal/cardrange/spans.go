package cardrange

import (
	"container/heap"
	"slices"
	"sort"
)

// Digits is how many of a number's first digits are looked at. Ranges that are written with more are cut to it.
const Digits = 11

// Type is how the holder of a card is charged.
type Type string

// The types. The empty one is not known.
const (
	Credit  Type = "CREDIT"
	Debit   Type = "DEBIT"
	Prepaid Type = "PREPAID"
)

// types has them by the number under which they are packed.
var types = []Type{"", Credit, Debit, Prepaid}

// Info is what a table tells of a card.
type Info struct {
	Country string // of the issuer, ISO 3166 alpha-2; empty where it is not known
	Type    Type
}

// Table is a table of ranges, made for finding. The zero value and nil tell nothing. It does not change.
type Table struct {
	spans []span // from their start up to the start of the next one, without overlaps
	infos []Info // what the spans tell, each once
}

type span struct {
	from uint64 // a number of Digits digits
	info int    // in infos
}

// Len is how many spans the table has: ranges that lie beside each other and tell the same are one.
func (t *Table) Len() int {
	if t == nil {
		return 0
	}
	n := 0
	for _, s := range t.spans {
		if t.infos[s.info] != (Info{}) {
			n++
		}
	}
	return n
}

// Countries are those that the table knows cards of, in order.
func (t *Table) Countries() (names []string) {
	if t == nil {
		return nil
	}
	for _, i := range t.infos {
		if i.Country != "" {
			names = append(names, i.Country)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Find returns what is known of cards whose number begins with these digits, as a number of Digits digits: the narrowest range
// that holds it tells.
func (t *Table) Find(prefix uint64) Info {
	if t == nil {
		return Info{}
	}
	after := sort.Search(len(t.spans), func(i int) bool { return t.spans[i].from > prefix })
	if after == 0 {
		return Info{}
	}
	return t.infos[t.spans[after-1].info]
}

// Prefix reads the first digits of a number for Find. It returns false for other texts, and for more digits than a whole number
// should ever be written with.
func Prefix(digits string) (uint64, bool) {
	n, ok := parse(digits)
	if !ok || len(digits) > Digits {
		return 0, false
	}
	return n * pow10(Digits-len(digits)), true
}

// held is one range of a table that is being made, both ends included.
type held struct {
	from, to uint64
	info     Info
	line     int // where it stands
}

func (h held) width() uint64 { return h.to - h.from }

// flatten resolves overlaps: the narrowest range tells, of two that are alike the one that stands first.
func flatten(ranges []held) *Table {
	slices.SortStableFunc(ranges, func(a, b held) int {
		switch {
		case a.from != b.from && a.from < b.from:
			return -1
		case a.from != b.from:
			return 1
		}
		return 0
	})
	ends := make([]uint64, 0, 2*len(ranges))
	for _, r := range ranges {
		ends = append(ends, r.from, r.to+1)
	}
	slices.Sort(ends)
	t, known := &Table{}, map[Info]int{}
	var open narrowest
	next := 0
	for _, at := range slices.Compact(ends) {
		for ; next < len(ranges) && ranges[next].from == at; next++ {
			heap.Push(&open, ranges[next])
		}
		for len(open) > 0 && open[0].to < at {
			heap.Pop(&open)
		}
		var info Info
		if len(open) > 0 {
			info = open[0].info
		}
		t.add(at, info, known)
	}
	return t
}

func (t *Table) add(from uint64, info Info, known map[Info]int) {
	i, ok := known[info]
	if !ok {
		i = len(t.infos)
		known[info], t.infos = i, append(t.infos, info)
	}
	if n := len(t.spans); n > 0 && t.spans[n-1].info == i || n == 0 && info == (Info{}) {
		return
	}
	t.spans = append(t.spans, span{from, i})
}

// narrowest is a heap with the narrowest range first.
type narrowest []held

func (h narrowest) Len() int { return len(h) }
func (h narrowest) Less(a, b int) bool {
	if wa, wb := h[a].width(), h[b].width(); wa != wb {
		return wa < wb
	}
	return h[a].line < h[b].line
}
func (h narrowest) Swap(a, b int) { h[a], h[b] = h[b], h[a] }

// Push implements heap.Interface.
func (h *narrowest) Push(x any) { *h = append(*h, x.(held)) } //nolint:errcheck,forcetypeassert // of flatten alone

// Pop implements heap.Interface.
func (h *narrowest) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
