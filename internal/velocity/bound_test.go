package velocity

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// mostBytes is what the package's comment promises.
const mostBytes = 75_000_000

// heap is how much memory lives.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// keyOf is one of many keys. Each has its own copy of the shop's id, as ids have that come from a database.
func keyOf(n int) key {
	return key{shop: payment.ShopID(fmt.Sprintf("%032d", n)), of: [16]byte{byte(n), byte(n >> 8), byte(n >> 16)}}
}

// TestMemoryIsBounded: all tables are filled, first with entries that have as many marks as there is room for on average, then
// with such that have as many as one may have.
func TestMemoryIsBounded(t *testing.T) {
	before := heap()
	g := New()
	limits := shop.Defaults(true).CardTesting
	fill := func(each, more int) {
		for tab, most := range map[*table[key, entry]]int{g.cards: mostCards, g.addresses: mostAddresses, g.bins: mostBINs} {
			marks := each
			if tab == g.bins {
				marks *= marksOfBINs / mostBINs / (marksOfCards / mostCards)
			}
			marks = min(marks, mostMarks)
			for n := range min(most, tab.heaviest/marks*9/8) {
				e := tab.make(keyOf(n + more))
				e.marks = make([]mark, marks-1, marks) // all but the last
				add(tab, keyOf(n+more), 1_800_000_000, declined, 1)
			}
		}
		for n := range mostTickets + mostTickets/8 {
			id := fmt.Sprintf("%032d", n+more)
			g.Sent(&Pass{try: Try{Shop: payment.ShopID("s" + id), Payment: payment.ID("p" + id), BIN: id[24:], Address: netip.IPv6LinkLocalAllNodes()}, limits: limits}, 1)
		}
		for n := range mostShops + mostShops/8 {
			g.shops.make(payment.ShopID(fmt.Sprintf("%032d", n+more))).outcome(1_800_000_000, true, &limits)
		}
	}
	for i, each := range []int{16, mostMarks} {
		fill(each, i*mostCards)
		if now := heap() - before; now > mostBytes {
			t.Errorf("full of entries with %d marks each it takes %d bytes", each, now)
		} else {
			t.Logf("full of entries with %d marks each it takes %d bytes", each, now)
		}
		for _, tab := range []*table[key, entry]{g.cards, g.addresses, g.bins} {
			sum := 0
			for _, i := range tab.items {
				sum += cap(i.value.marks)
			}
			if len(tab.items) > tab.most || tab.weight > tab.heaviest || tab.weight != sum {
				t.Errorf("%d entries of %d weigh %d, counted as %d of %d", len(tab.items), tab.most, sum, tab.weight, tab.heaviest)
			}
		}
	}
	runtime.KeepAlive(g)
	if g.Heard(time.Unix(1_800_000_000, 0), payment.ID(fmt.Sprintf("p%032d", mostCards+mostTickets)), 1, NotSent) != nil {
		t.Error("a human is told of nothing")
	}
}
