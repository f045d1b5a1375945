package cache

import (
	"sync"

	"github.com/sluicepay/sluice/internal/payment"
)

// recentMost bounds how many payments a process remembers; with documents of usual size about a quarter of a megabyte.
const recentMost = 128

// Payments remembers payments as this process has just committed them, while their next command is likely to come soon: whoever
// takes one out need not read it again. It may have been changed by others since. So it may only be decided on in a
// transaction that names its version, and whatever else comes of that than a write has to be seen again on fresh data.
type Payments struct {
	mu   sync.Mutex
	at   map[payment.ID]int
	ring [recentMost]payment.Payment
	next int
}

// Put remembers a decided payment as its commit leaves it, if a command on it is to be expected.
func (r *Payments) Put(p *payment.Payment) {
	if s := p.State(); s != payment.Checkout && s != payment.Authorized {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = make(map[payment.ID]int, recentMost)
	}
	i, known := r.at[p.ID]
	if !known {
		i = r.next
		r.next = (i + 1) % recentMost
		delete(r.at, r.ring[i].ID)
		r.at[p.ID] = i
	}
	r.ring[i] = *p
	r.ring[i].Version++
}

// Take returns what is remembered of a payment of the shop and forgets it.
func (r *Payments) Take(shop payment.ShopID, id payment.ID) (payment.Payment, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, known := r.at[id]
	if !known || r.ring[i].Shop != shop {
		return payment.Payment{}, false
	}
	p := r.ring[i]
	delete(r.at, id)
	r.ring[i] = payment.Payment{}
	return p, true
}
