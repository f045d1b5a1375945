package velocity

import "container/list"

// table is a map of bounded size. When it is full, the entry that was not asked for the longest makes room.
type table[K comparable, V any] struct {
	most   int
	places map[K]*list.Element // of item[K, V]
	order  *list.List          // the last that was asked for comes first
}

type item[K comparable, V any] struct {
	key   K
	value V
}

func newTable[K comparable, V any](most int) *table[K, V] {
	return &table[K, V]{most: most, places: map[K]*list.Element{}, order: list.New()}
}

// get returns what is there under the key, or nil.
func (t *table[K, V]) get(k K) *V {
	place, ok := t.places[k]
	if !ok {
		return nil
	}
	t.order.MoveToFront(place)
	return &place.Value.(*item[K, V]).value //nolint:forcetypeassert // the list holds nothing else
}

// drop forgets what is under the key.
func (t *table[K, V]) drop(k K) {
	if place, ok := t.places[k]; ok {
		t.order.Remove(place)
		delete(t.places, k)
	}
}

// make returns what is there under the key, new if need be.
func (t *table[K, V]) make(k K) *V {
	if v := t.get(k); v != nil {
		return v
	}
	if t.order.Len() >= t.most {
		last := t.order.Back()
		delete(t.places, t.order.Remove(last).(*item[K, V]).key) //nolint:forcetypeassert // the list holds nothing else
	}
	made := &item[K, V]{key: k}
	t.places[k] = t.order.PushFront(made)
	return &made.value
}
