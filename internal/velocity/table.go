package velocity

// table is a map of bounded size. When it is full, or what hangs on its entries weighs too much, the entry that was not asked
// for the longest makes room.
type table[K comparable, V any] struct {
	most     int
	heaviest int
	weight   int
	items    map[K]*item[K, V]
	ends     item[K, V] // of a ring: after it comes what was asked for last, before it what makes room next
}

type item[K comparable, V any] struct {
	key           K
	value         V
	weight        int
	before, after *item[K, V]
}

// newTable returns a table for so many entries, which may weigh so much together; 0 where nothing is weighed.
func newTable[K comparable, V any](most, heaviest int) *table[K, V] {
	t := &table[K, V]{most: most, heaviest: heaviest, items: map[K]*item[K, V]{}}
	t.ends.before, t.ends.after = &t.ends, &t.ends
	return t
}

// get returns what is there under the key, or nil.
func (t *table[K, V]) get(k K) *V {
	i := t.items[k]
	if i == nil {
		return nil
	}
	i.leave()
	t.front(i)
	return &i.value
}

// make returns what is there under the key, new if need be.
func (t *table[K, V]) make(k K) *V {
	if v := t.get(k); v != nil {
		return v
	}
	if len(t.items) >= t.most {
		t.drop(t.ends.before.key)
	}
	i := &item[K, V]{key: k}
	t.items[k] = i
	t.front(i)
	return &i.value
}

// drop forgets what is under the key.
func (t *table[K, V]) drop(k K) {
	if i := t.items[k]; i != nil {
		i.leave()
		delete(t.items, k)
		t.weight -= i.weight
	}
}

// weigh says what the entry under the key weighs now. The entry itself stays.
func (t *table[K, V]) weigh(k K, weight int) {
	i := t.items[k]
	if i == nil {
		return
	}
	t.weight += weight - i.weight
	i.weight = weight
	for t.weight > t.heaviest && t.ends.before != i {
		t.drop(t.ends.before.key)
	}
}

func (t *table[K, V]) front(i *item[K, V]) {
	i.before, i.after = &t.ends, t.ends.after
	i.before.after, i.after.before = i, i
}

func (i *item[K, V]) leave() { i.before.after, i.after.before = i.after, i.before }
