package job

import "slices"

// waiting holds what was read and waits for a handler. Owners take turns, and what is an owner's goes in the order in
// which it was read.
type waiting struct {
	turns []string // owners of whom something waits, whose turn is next first
	items map[string][]Item
	count int
}

// push adds an item.
func (w *waiting) push(i Item) {
	if w.items == nil {
		w.items = make(map[string][]Item)
	}
	mine, waits := w.items[i.Owner]
	if !waits {
		w.turns = append(w.turns, i.Owner)
	}
	w.items[i.Owner] = append(mine, i)
	w.count++
}

// next takes an item of the first owner in turn who may have a handler. last says that nothing of that owner's is left.
func (w *waiting) next(may func(owner string) bool) (i Item, last, ok bool) {
	for n, owner := range w.turns {
		if !may(owner) {
			continue
		}
		mine := w.items[owner]
		i, mine[0] = mine[0], Item{}
		w.count--
		w.turns = append(slices.Delete(w.turns, n, n+1), owner)
		if w.items[owner] = mine[1:]; len(mine) > 1 {
			return i, false, true
		}
		delete(w.items, owner)
		w.turns = w.turns[:len(w.turns)-1]
		return i, true, true
	}
	return Item{}, false, false
}

// of is how much of an owner's waits.
func (w *waiting) of(owner string) int { return len(w.items[owner]) }
