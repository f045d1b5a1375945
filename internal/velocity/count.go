package velocity

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// Card stands for the number of a card: a keyed hash, from which the number cannot be found by trying.
type Card [16]byte

// Try is one try to pay by card.
type Try struct {
	Shop    payment.ShopID
	Payment payment.ID
	Card    Card
	BIN     string     // the first eight digits of the number
	Address netip.Addr // of the customer; the zero value where it is not known
}

// Rule is what a try was refused by. The words are values of a metric.
type Rule string

// The rules.
const (
	RuleCard            Rule = "card"             // declined too often
	RuleCardAddress     Rule = "card_address"     // declined too often from one address
	RuleAddressDeclines Rule = "address_declines" // too much was declined from the address
	RuleAddressCards    Rule = "address_cards"    // too many cards were tried from the address
	RuleBIN             Rule = "bin"              // too many cards of one range were declined, or are tried at a time
)

// How far back is counted, and how long the rules refuse.
const (
	cardWindow    = 24 * time.Hour
	addressWindow = time.Hour
	binWindow     = 10 * time.Minute

	// shortly is when to come again where other tries are under way.
	shortly = 5 * time.Second
	// quiet is how long a human is not told again that a shop's cards are being tested.
	quiet = time.Hour
)

// Most entries of each table, and most marks of all entries together. An entry takes some 240 bytes with its place in the
// table, of cards and addresses 15 megabytes each, a mark 12 bytes; tickets and shops take some 8 megabytes.
const (
	mostCards     = 1 << 16
	mostAddresses = 1 << 16
	mostBINs      = 1 << 13
	mostTickets   = 1 << 14
	mostShops     = 1 << 12

	marksOfCards     = 16 * mostCards
	marksOfAddresses = 16 * mostAddresses
	marksOfBINs      = 64 * mostBINs
)

// Refusal says that a try must not be made now.
type Refusal struct {
	Rule  Rule
	After time.Duration // when it makes sense to come again; more than zero
	// Refused is how many tries of the shop were refused since a human was told; zero unless it is time to tell one.
	Refused int
}

// Outcome is what became of a try that was sent.
type Outcome int

// The outcomes. What was not sent was no try; where it is not known, nothing is said.
const (
	NotSent  Outcome = iota + 1
	Waiting          // the customer was sent to the card's bank: not the last word
	Approved         // money moved or is held, or the card was verified
	Declined         // the provider or the card's bank said no
	Failed           // declined because something did not work: it says nothing against the card or the customer
)

// Guard counts and refuses. It is safe for concurrent use. All instants must come from one clock.
type Guard struct {
	mu        sync.Mutex
	cards     *table[key, entry]
	addresses *table[key, entry]
	bins      *table[key, entry]
	tickets   *table[payment.ID, ticket]
	shops     *table[payment.ShopID, watch]
}

// New returns a guard that has seen nothing.
func New() *Guard {
	return &Guard{
		cards: newTable[key, entry](mostCards, marksOfCards), addresses: newTable[key, entry](mostAddresses, marksOfAddresses),
		bins: newTable[key, entry](mostBINs, marksOfBINs), tickets: newTable[payment.ID, ticket](mostTickets, 0),
		shops: newTable[payment.ShopID, watch](mostShops, 0),
	}
}

// key names what is counted: of one shop, so that none learns or suffers from what happens at another.
type key struct {
	shop payment.ShopID
	of   [16]byte
}

// Pass is the leave for one try. It has to be given back by Leave, whatever became of the try.
type Pass struct {
	try    Try
	limits shop.CardTesting
	from   bool // the address counts
	left   bool
}

// ticket is what is remembered of a payment by card: whose try its last attempt was. How often a payment is tried needs no
// limit: the first try of which a provider says anything is its last, but for those that its plan goes on with, which count
// as one with it.
type ticket struct {
	pass    *Pass // nil once it is known what became of the attempt
	attempt int
}

// Admit asks for leave to try. The pass counts as a try under way until Leave.
func (g *Guard) Admit(now time.Time, l *shop.CardTesting, t Try) (*Pass, *Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &Pass{try: t, limits: *l}
	p.try.Address, p.from = network(t.Address)
	at := now.Unix()
	if r := g.judge(at, p); r != nil {
		g.shops.make(t.Shop).refused(at, r)
		return nil, r
	}
	g.cards.make(p.card()).pending++
	g.bins.make(p.bin()).pending++
	if p.from {
		g.addresses.make(p.address()).pending++
	}
	return p, nil
}

// Leave says that the call of the try has ended, or was not made.
func (g *Guard) Leave(p *Pass) {
	if p == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leave(p)
}

func (g *Guard) leave(p *Pass) {
	if p.left {
		return
	}
	p.left = true
	leave(g.cards, p.card())
	leave(g.bins, p.bin())
	if p.from {
		leave(g.addresses, p.address())
	}
}

// leave ends a try under way. What nothing is kept of goes: else cards that are never declined would take the room of those
// that are.
func leave(t *table[key, entry], k key) {
	e := t.get(k)
	if e == nil {
		return
	}
	if e.leave(); e.idle() {
		t.drop(k)
	}
}

// Sent says that the try is being made, as that attempt of the payment.
func (g *Guard) Sent(p *Pass, attempt int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tickets.make(p.try.Payment)
	t.pass, t.attempt = p, attempt
}

// Onward says that an attempt was refused and another follows at once: what becomes of that one is the outcome of the try.
func (g *Guard) Onward(id payment.ID, from, to int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.tickets.get(id); t != nil && t.pass != nil && t.attempt == from {
		t.attempt = to
	}
}

// Heard takes what became of an attempt of a payment. Attempts that were no admitted try are passed over, and so is what
// is said of one after its end. The result is what a human should be told of the shop, or nil.
func (g *Guard) Heard(now time.Time, id payment.ID, attempt int, o Outcome) *Unusual {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.tickets.get(id)
	if t == nil || t.pass == nil || t.attempt != attempt {
		return nil
	}
	p, at := t.pass, now.Unix()
	g.leave(p)
	if o == Approved || o == Declined || o == Waiting {
		g.tried(at, p)
	}
	if o == Waiting {
		return nil
	}
	t.pass = nil
	switch o {
	case NotSent:
		return nil
	case Approved:
		g.approved(at, p)
	case Declined:
		g.declined(at, p)
	case Waiting, Failed:
	}
	return g.shops.make(p.try.Shop).outcome(at, o != Approved, &p.limits)
}

// tried notes that a provider has looked at the card.
func (g *Guard) tried(at int64, p *Pass) {
	if !p.from {
		return
	}
	e := g.addresses.make(p.address())
	if !e.knows(at-seconds(addressWindow), tried, p.mark()) {
		once(g.addresses, p.address(), at, tried, p.mark())
	}
	e.prune(at, addressWindow)
}

func (g *Guard) approved(at int64, p *Pass) {
	if p.from {
		once(g.addresses, p.address(), at, approved, p.mark()).prune(at, addressWindow)
	}
	once(g.bins, p.bin(), at, approved, p.mark()).prune(at, binWindow)
}

func (g *Guard) declined(at int64, p *Pass) {
	l := &p.limits
	e := add(g.cards, p.card(), at, declined, p.mark())
	e.prune(at, cardWindow)
	if n := e.count(declined); l.CardDeclines > 0 && n >= l.CardDeclines {
		e.block(at, n, cardWindow)
	}
	if p.from {
		e := add(g.addresses, p.address(), at, declined, p.mark())
		e.prune(at, addressWindow)
		if n := e.count(declined); l.AddressDeclines > 0 && n >= l.AddressDeclines && e.count(approved) < n {
			e.block(at, n, addressWindow)
		}
	}
	e = once(g.bins, p.bin(), at, declined, p.mark())
	e.prune(at, binWindow)
	if n := e.count(declined); l.BINCards > 0 && n >= l.BINCards && e.count(approved) < n {
		e.block(at, n, binWindow)
	}
}

func (p *Pass) card() key    { return key{p.try.Shop, p.try.Card} }
func (p *Pass) address() key { return key{p.try.Shop, p.try.Address.As16()} }

func (p *Pass) bin() key {
	k := key{shop: p.try.Shop}
	copy(k.of[:], p.try.BIN)
	return k
}

// mark is as much of the card as tells the cards of one address or range apart.
func (p *Pass) mark() uint32 {
	c := &p.try.Card
	return uint32(c[0])<<24 | uint32(c[1])<<16 | uint32(c[2])<<8 | uint32(c[3])
}
