package velocity_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/velocity"
)

const (
	declined = velocity.Declined
	approved = velocity.Approved
)

// gate is a guard at the door of one live shop, with the clock in the test's hand.
type gate struct {
	t      testing.TB
	guard  *velocity.Guard
	now    time.Time
	limits shop.CardTesting
	shop   payment.ShopID
	made   int
}

func newGate(t testing.TB) *gate {
	return &gate{t: t, guard: velocity.New(), now: time.Unix(1_800_000_000, 0), limits: shop.Defaults(true).CardTesting, shop: "shop"}
}

func card(n int) (c velocity.Card) {
	binary.BigEndian.PutUint64(c[:], uint64(n)*0x9e3779b97f4a7c15)
	return c
}

func address(text string) netip.Addr {
	if text == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(text)
}

// by is a try at a payment of its own. Each card is of a range of its own.
func (g *gate) by(n int, from string) velocity.Try {
	g.made++
	return velocity.Try{
		Shop: g.shop, Payment: payment.ID(fmt.Sprint("p", g.made)), Card: card(n), BIN: fmt.Sprintf("%08d", n), Address: address(from),
	}
}

// ask is a try of which nothing becomes known.
func (g *gate) ask(t velocity.Try) *velocity.Refusal {
	pass, refusal := g.guard.Admit(g.now, &g.limits, t)
	g.guard.Leave(pass)
	return refusal
}

// try makes a try that has to be allowed, with that outcome.
func (g *gate) try(t velocity.Try, o velocity.Outcome) *velocity.Unusual {
	g.t.Helper()
	pass, refusal := g.guard.Admit(g.now, &g.limits, t)
	if refusal != nil {
		g.t.Fatalf("try %d is refused by %s", g.made, refusal.Rule)
	}
	defer g.guard.Leave(pass)
	g.guard.Sent(pass, 1)
	return g.guard.Heard(g.now, t.Payment, 1, o)
}

// refused checks that a try is refused by the rule for so long.
func (g *gate) refused(t velocity.Try, rule velocity.Rule, after time.Duration) {
	g.t.Helper()
	r := g.ask(t)
	if r == nil || r.Rule != rule || r.After != after {
		g.t.Errorf("got %+v, want a refusal by %s for %s", r, rule, after)
	}
}

func (g *gate) allowed(t velocity.Try) {
	g.t.Helper()
	if r := g.ask(t); r != nil {
		g.t.Errorf("refused: %+v", r)
	}
}

func TestACardThatIsDeclinedTooOften(t *testing.T) {
	g := newGate(t)
	for n := range 5 {
		g.try(g.by(1, fmt.Sprintf("198.51.100.%d", n)), declined) // wherever it comes from
		g.now = g.now.Add(4 * time.Hour)
	}
	g.refused(g.by(1, "198.51.100.9"), velocity.RuleCard, 20*time.Hour)
	g.allowed(g.by(2, "198.51.100.9"))
	other := *g
	other.shop = "another"
	other.allowed(other.by(1, "198.51.100.9"))
	g.now = g.now.Add(20*time.Hour - time.Second)
	g.refused(g.by(1, ""), velocity.RuleCard, time.Second)
	g.now = g.now.Add(time.Second)
	g.allowed(g.by(1, ""))
}

func TestACardIsNotTriedManyTimesAtOnce(t *testing.T) {
	g := newGate(t)
	var passes []*velocity.Pass
	for range 5 {
		p, r := g.guard.Admit(g.now, &g.limits, g.by(1, ""))
		if r != nil {
			t.Fatalf("refused: %+v", r)
		}
		passes = append(passes, p)
	}
	g.refused(g.by(1, ""), velocity.RuleCard, 5*time.Second)
	for range 2 { // what was given back once stays given back
		g.guard.Leave(passes[0])
	}
	p, r := g.guard.Admit(g.now, &g.limits, g.by(1, ""))
	if r != nil {
		t.Fatalf("refused: %+v", r)
	}
	g.refused(g.by(1, ""), velocity.RuleCard, 5*time.Second)
	for _, p := range append(passes, p) {
		g.guard.Leave(p)
	}
	g.allowed(g.by(1, ""))
}

// TestACardFromOneAddressComesFirst: whoever shares the address is spared.
func TestACardFromOneAddressComesFirst(t *testing.T) {
	g := newGate(t)
	for range 3 {
		g.try(g.by(1, "198.51.100.1"), declined)
		g.now = g.now.Add(time.Minute)
	}
	g.refused(g.by(1, "198.51.100.1"), velocity.RuleCardAddress, 57*time.Minute)
	g.allowed(g.by(2, "198.51.100.1"))
	g.allowed(g.by(1, "198.51.100.2"))
	g.allowed(g.by(1, ""))
	g.now = g.now.Add(57 * time.Minute)
	g.allowed(g.by(1, "198.51.100.1"))
}

func TestAnAddressFromWhichTooMuchIsDeclined(t *testing.T) {
	g := newGate(t)
	for n := range 10 {
		g.try(g.by(n%4, "198.51.100.1"), declined)
	}
	g.refused(g.by(20, "198.51.100.1"), velocity.RuleAddressDeclines, time.Hour)
	g.allowed(g.by(20, "198.51.100.2"))
	g.allowed(g.by(20, ""))
	g.now = g.now.Add(time.Hour)
	g.allowed(g.by(20, "198.51.100.1"))
}

// TestAnAddressThatManyShare: a campus or a mobile network has its declines too.
func TestAnAddressThatManyShare(t *testing.T) {
	g := newGate(t)
	const nat = "198.51.100.1"
	for n := range 40 {
		g.try(g.by(100+n, nat), approved)
		if n%4 == 3 {
			g.try(g.by(200+n, nat), declined)
		}
	}
	g.allowed(g.by(300, nat))
	for n := range 60 { // and now somebody there tries cards
		if r := g.ask(g.by(400+n, nat)); r != nil {
			break
		}
		g.try(g.by(400+n, nat), declined)
	}
	if r := g.ask(g.by(500, nat)); r == nil || r.Rule != velocity.RuleAddressDeclines && r.Rule != velocity.RuleAddressCards {
		t.Errorf("after as many declines: %+v", r)
	}
	g.allowed(g.by(139, nat)) // a card that was approved there a while ago
}

func TestManyCardsFromAnAddress(t *testing.T) {
	g := newGate(t)
	const home = "198.51.100.1"
	for n := range 10 {
		g.try(g.by(n, home), velocity.Waiting) // of whose bank nothing is heard
		g.now = g.now.Add(time.Minute)
	}
	g.refused(g.by(11, home), velocity.RuleAddressCards, 50*time.Minute)
	g.allowed(g.by(3, home))
	for n := range 5 {
		g.try(g.by(n, home), approved)
	}
	g.allowed(g.by(11, home))
	for n := range 30 { // somewhere else, while the provider does not work
		g.try(g.by(100+n, "198.51.100.2"), velocity.Failed)
		g.try(g.by(100+n, "198.51.100.2"), velocity.NotSent)
		g.allowed(g.by(100+n, "198.51.100.2"))
	}
	g.allowed(g.by(200, "198.51.100.2"))
}

// TestADeclineThatComesLater: after the customer was at the bank.
func TestADeclineThatComesLater(t *testing.T) {
	g := newGate(t)
	for n := range 5 {
		try := g.by(1, "")
		g.try(try, velocity.Waiting)
		if g.now = g.now.Add(time.Minute); n == 4 {
			g.allowed(g.by(1, ""))
		}
		for range 2 {
			g.guard.Heard(g.now, try.Payment, 1, declined)
		}
	}
	g.refused(g.by(1, ""), velocity.RuleCard, 24*time.Hour)
}

// TestTriesUnderWayFromAnAddress: somebody who sends many at once does not get all of them through before the first answer,
// by whichever rule, be the others switched off.
func TestTriesUnderWayFromAnAddress(t *testing.T) {
	for rule, tc := range map[velocity.Rule]struct {
		limits shop.CardTesting
		cards  int
		want   int
	}{
		velocity.RuleAddressDeclines: {shop.CardTesting{On: true, AddressDeclines: 10}, 200, 20},
		velocity.RuleAddressCards:    {shop.CardTesting{On: true, AddressCards: 10}, 200, 20},
		velocity.RuleCardAddress:     {shop.CardTesting{On: true, CardAddressDeclines: 3}, 1, 3},
		velocity.RuleCard:            {shop.CardTesting{On: true, CardDeclines: 5}, 1, 5},
	} {
		g := newGate(t)
		g.limits = tc.limits
		var through int
		for n := range 200 {
			if _, r := g.guard.Admit(g.now, &g.limits, g.by(n%tc.cards, "198.51.100.1")); r == nil {
				through++
			} else if r.Rule != rule || r.After != 5*time.Second {
				t.Fatalf("%s: %+v", rule, r)
			}
		}
		if through != tc.want {
			t.Errorf("%s: %d got through, want %d", rule, through, tc.want)
		}
	}
}

func TestAddressesThatAreNoCustomers(t *testing.T) {
	for _, from := range []string{
		"", "127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "172.16.0.9", "169.254.1.1", "fe80::1", "fd00::1", "0.0.0.0", "::",
		"100.64.1.1", "224.0.0.1", "::ffff:10.0.0.1",
	} {
		g := newGate(t)
		for n := range 30 {
			g.try(g.by(n, from), declined)
		}
	}
}

func TestAddressesOfVersionSixAreCountedByNetwork(t *testing.T) {
	g := newGate(t)
	for n := range 10 {
		g.try(g.by(n, fmt.Sprintf("2001:db8:1:2::%x", n+1)), declined)
	}
	g.refused(g.by(20, "2001:db8:1:2:ffff::1"), velocity.RuleAddressDeclines, time.Hour)
	g.allowed(g.by(20, "2001:db8:1:3::1"))
	for n := range 10 {
		g.try(g.by(50+n, "::ffff:198.51.100.1"), declined)
	}
	g.refused(g.by(20, "198.51.100.1"), velocity.RuleAddressDeclines, time.Hour)
	for _, pair := range []struct {
		a, b string
		same bool
	}{
		{"198.51.100.1", "::ffff:198.51.100.1", true}, {"2001:db8::1", "2001:db8::2", true}, {"2001:db8::1", "2001:db8:0:1::1", false},
		{"198.51.100.1", "198.51.100.2", false}, {"", "", false}, {"127.0.0.1", "127.0.0.1", false},
	} {
		if got := velocity.Same(address(pair.a), address(pair.b)); got != pair.same {
			t.Errorf("%s and %s: %v", pair.a, pair.b, got)
		}
	}
}

func TestARunThroughARange(t *testing.T) {
	g := newGate(t)
	of := func(n int) velocity.Try {
		try := g.by(n, "")
		try.BIN = "40000000"
		return try
	}
	for n := range 8 {
		g.try(of(20), velocity.NotSent)
		g.try(of(n), declined)
		g.now = g.now.Add(30 * time.Second)
	}
	g.refused(of(9), velocity.RuleBIN, 10*time.Minute-30*time.Second)
	g.allowed(g.by(9, ""))
	g.now = g.now.Add(10 * time.Minute)
	g.allowed(of(9))
	for n := range 40 { // a range whose cards are many people's
		o := approved
		if n%3 == 1 {
			o = declined
		}
		g.try(of(100+n), o)
	}
	g.allowed(of(9))
}

// rangeOf is a gate with tries of one range of card numbers.
type rangeOf struct {
	*gate
	passes []*velocity.Pass // of those under way
	tries  []velocity.Try
}

// of is a try of a card of the range, from wherever.
func (r *rangeOf) of(n int) velocity.Try {
	try := r.by(n, "")
	try.BIN = "40000000"
	return try
}

// send begins a try and leaves it under way, if it is allowed.
func (r *rangeOf) send(n int) *velocity.Refusal {
	try := r.of(n)
	pass, refusal := r.guard.Admit(r.now, &r.limits, try)
	if refusal == nil {
		r.guard.Sent(pass, 1)
		r.passes, r.tries = append(r.passes, pass), append(r.tries, try)
	}
	return refusal
}

// answer ends the oldest of those under way.
func (r *rangeOf) answer(o velocity.Outcome) {
	r.guard.Heard(r.now, r.tries[0].Payment, 1, o)
	r.guard.Leave(r.passes[0])
	r.passes, r.tries = r.passes[1:], r.tries[1:]
}

// TestAWaveThroughARange: many cards of one range at once, from everywhere, before the first answer.
func TestAWaveThroughARange(t *testing.T) {
	for declines, want := range map[int]int{0: 32, 1: 28, 4: 16, 7: 4} {
		r := &rangeOf{gate: newGate(t)}
		for n := range declines {
			r.try(r.of(n), declined)
		}
		for n := range 200 {
			if refusal := r.send(100 + n); refusal != nil && (refusal.Rule != velocity.RuleBIN || refusal.After != 5*time.Second) {
				t.Fatalf("%+v", refusal)
			}
		}
		if len(r.passes) != want {
			t.Errorf("after %d declines %d of a wave got through, want %d", declines, len(r.passes), want)
		}
		r.allowed(r.by(900, "")) // of another range
		other := *r.gate
		other.shop = "another"
		try := other.by(901, "")
		try.BIN = "40000000"
		other.allowed(try)
		for len(r.passes) > 0 {
			r.answer(declined)
		}
		r.refused(r.of(500), velocity.RuleBIN, 10*time.Minute)
	}
}

// TestWhatIsUnderWayEnds: whatever becomes of tries, and also if nothing becomes of them.
func TestWhatIsUnderWayEnds(t *testing.T) {
	r := &rangeOf{gate: newGate(t)}
	for range 3 {
		for n := range 32 {
			if refusal := r.send(n); refusal != nil {
				t.Fatalf("card %d: %+v", n, refusal)
			}
		}
		if refusal := r.send(50); refusal == nil || refusal.Rule != velocity.RuleBIN {
			t.Errorf("one more: %+v", refusal)
		}
		for _, o := range []velocity.Outcome{velocity.NotSent, velocity.Waiting, velocity.Failed} {
			for range 10 {
				r.answer(o)
			}
		}
		for len(r.passes) > 0 { // of which nothing is heard
			r.guard.Leave(r.passes[0])
			r.passes, r.tries = r.passes[1:], r.tries[1:]
		}
	}
	r.limits.BINCards = 0
	for n := range 500 {
		if refusal := r.send(n); refusal != nil {
			t.Fatalf("switched off: %+v", refusal)
		}
	}
}

// TestManyCustomersOfOneBank: a shop sells much, many of its customers have cards of one range, and of these one in seven is
// declined. Nobody is refused, whether they come evenly or ever more of them, and whether or not their bank asks them first.
func TestManyCustomersOfOneBank(t *testing.T) {
	honest := func(r *rangeOf, n int) {
		if n%7 == 6 {
			r.answer(declined)
			return
		}
		r.answer(approved)
	}
	r := &rangeOf{gate: newGate(t)}
	for n := range 3000 { // five a second, each under way for three seconds
		if refusal := r.send(n); refusal != nil {
			t.Fatalf("customer %d: %+v", n, refusal)
		}
		if len(r.passes) > 15 {
			honest(r, n)
		}
		r.now = r.now.Add(200 * time.Millisecond)
	}
	r = &rangeOf{gate: newGate(t)}
	n := 0
	for _, crowd := range []int{30, 22, 38, 65} { // at one moment, the next when they are through
		for range crowd {
			if refusal := r.send(n); refusal != nil {
				t.Fatalf("customer %d, one of %d: %+v", n, crowd, refusal)
			}
			n++
		}
		for i := range crowd {
			honest(r, i)
		}
	}
	r = &rangeOf{gate: newGate(t)}
	for n := range 2000 {
		if refusal := r.send(n); refusal != nil {
			t.Fatalf("customer %d who is sent to the bank: %+v", n, refusal)
		}
		try := r.tries[0]
		r.answer(velocity.Waiting)
		if r.now = r.now.Add(100 * time.Millisecond); n%7 != 6 {
			r.guard.Heard(r.now, try.Payment, 1, approved)
		} else {
			r.guard.Heard(r.now, try.Payment, 1, declined)
		}
	}
}

// TestWhatDoesNotCount: own trouble, trouble of a provider, and what is said twice or of something else.
func TestWhatDoesNotCount(t *testing.T) {
	g := newGate(t)
	const home = "198.51.100.1"
	for range 30 {
		g.try(g.by(1, home), velocity.NotSent)
		g.try(g.by(1, home), velocity.Failed)
	}
	g.allowed(g.by(1, home))
	try := g.by(1, home)
	g.try(try, declined)
	for n := range 10 {
		g.guard.Heard(g.now, try.Payment, 1, declined)
		g.guard.Heard(g.now, try.Payment, n, declined)
		g.guard.Heard(g.now, "other", 1, declined)
	}
	g.allowed(g.by(1, home))
}

func TestEachRuleCanBeChangedAndSwitchedOff(t *testing.T) {
	g := newGate(t)
	g.limits = shop.CardTesting{On: true}
	const home = "198.51.100.1"
	for n := range 60 {
		try := g.by(n%2, home)
		try.BIN, try.Payment = "40000000", "one"
		g.try(try, declined)
	}
	g.limits.CardDeclines = 30
	g.refused(g.by(1, home), velocity.RuleCard, 5*time.Second)
	g = newGate(t)
	g.limits.CardDeclines, g.limits.CardAddressDeclines = 1, 0
	g.try(g.by(1, home), declined)
	g.refused(g.by(1, home), velocity.RuleCard, 24*time.Hour)
	g.limits.CardDeclines = 2 // a block by a limit that was raised is over
	g.allowed(g.by(1, home))
}

func TestAHumanIsToldOnceAnHour(t *testing.T) {
	g := newGate(t)
	for range 5 {
		g.try(g.by(1, ""), declined)
	}
	told := func(want int) {
		t.Helper()
		r := g.ask(g.by(1, ""))
		if r == nil || r.Refused != want {
			t.Errorf("got %+v, want %d to be told", r, want)
		}
	}
	told(1)
	for range 9 {
		told(0)
	}
	g.now = g.now.Add(time.Hour)
	told(10)
	told(0)
}

func TestAnUnusualShareIsTold(t *testing.T) {
	g := newGate(t)
	run := func(of, no int) (told []velocity.Unusual) {
		for n := range of {
			o := velocity.Failed // whatever the cause is
			if n >= no {
				o = approved
			}
			if u := g.try(g.by(1000+g.made, ""), o); u != nil {
				told = append(told, *u)
			}
		}
		return told
	}
	if told := run(49, 49); told != nil {
		t.Errorf("told of too few: %v", told)
	}
	if told := run(2, 2); len(told) != 1 || told[0] != (velocity.Unusual{Declined: 50, Of: 50}) {
		t.Errorf("told %v", told)
	}
	g.now = g.now.Add(time.Hour)
	if told := run(100, 59); told != nil { // the declines came first
		if told[0].Of < 50 || 100*told[0].Declined < 60*told[0].Of {
			t.Errorf("told %v", told)
		}
	}
	g = newGate(t)
	g.limits.AlarmRate = 0
	if told := run(200, 200); told != nil {
		t.Errorf("switched off, and told %v", told)
	}
	g = newGate(t)
	for range 20 { // not within ten minutes
		if told := run(4, 4); told != nil {
			t.Errorf("told %v", told)
		}
		g.now = g.now.Add(time.Minute)
	}
}

// TestAFloodForgetsNobodyWhoIsAtIt: other cards make the table of cards forget, and not the address that they come from.
func TestAFloodForgetsNobodyWhoIsAtIt(t *testing.T) {
	g := newGate(t)
	const home = "198.51.100.1"
	for n := range 10 {
		g.try(g.by(n, home), declined)
	}
	for n := range 70_000 { // more than the table of cards holds
		try := g.by(1000+n, "")
		if n%1000 == 0 {
			try.Address = address(home)
			if g.ask(try) == nil {
				t.Fatal("the address was forgotten")
			}
			continue
		}
		g.try(try, declined)
	}
	g.refused(g.by(3, home), velocity.RuleAddressDeclines, time.Hour)
}

// TestCardsThatAreNeverDeclinedTakeNoRoom.
func TestCardsThatAreNeverDeclinedTakeNoRoom(t *testing.T) {
	g := newGate(t)
	for range 5 {
		g.try(g.by(1, ""), declined)
	}
	for n := range 70_000 {
		g.try(g.by(1000+n, ""), approved)
	}
	g.refused(g.by(1, ""), velocity.RuleCard, 24*time.Hour)
}

func TestManyAtOnce(t *testing.T) {
	g := newGate(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	through := 0
	for range 16 {
		wg.Go(func() {
			for range 50 {
				mu.Lock()
				try := g.by(1, "198.51.100.1")
				mu.Unlock()
				pass, r := g.guard.Admit(g.now, &g.limits, try)
				if r == nil {
					mu.Lock()
					through++
					mu.Unlock()
					g.guard.Sent(pass, 1)
					g.guard.Heard(g.now, try.Payment, 1, declined)
				}
				g.guard.Leave(pass)
			}
		})
	}
	wg.Wait()
	if through < 3 || through > 5 { // five of the card at most; three are declined before more begin, or those begun before
		t.Errorf("%d got through", through)
	}
}

func BenchmarkTry(b *testing.B) {
	g := newGate(b)
	payments := make([]payment.ID, 100_000)
	for i := range payments {
		payments[i] = payment.ID(fmt.Sprint("p", i))
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		try := velocity.Try{
			Shop: "shop", Payment: payments[n%len(payments)], Card: card(n), BIN: "40000000", Address: netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)}),
		}
		g.now = g.now.Add(time.Second)
		pass, r := g.guard.Admit(g.now, &g.limits, try)
		if r != nil {
			b.Fatal(r.Rule)
		}
		g.guard.Sent(pass, n)
		g.guard.Heard(g.now, try.Payment, n, approved)
		g.guard.Leave(pass)
	}
}

// TestAClockThatIsSetBack refuses nobody for as long as it was set back, and humans are told as before.
func TestAClockThatIsSetBack(t *testing.T) {
	g := newGate(t)
	const from = "198.51.100.7"
	same := func(n int) velocity.Try {
		try := g.by(n, "")
		try.BIN = "41111111"
		return try
	}
	for range 5 {
		g.try(g.by(50, ""), declined)
	}
	for range 3 {
		g.try(g.by(1, from), declined)
	}
	for n := range 7 {
		g.try(g.by(2+n, from), declined)
	}
	for n := range 8 {
		g.try(same(70+n), declined)
	}
	card, address, ofRange := g.by(50, ""), g.by(99, from), same(98)
	again := g.by(1, from)
	for rule, try := range map[velocity.Rule]velocity.Try{
		velocity.RuleCard: card, velocity.RuleAddressDeclines: address, velocity.RuleBIN: ofRange, velocity.RuleCardAddress: again,
	} {
		if r := g.ask(try); r == nil || r.Rule != rule {
			t.Fatalf("got %+v, want a refusal by %s", r, rule)
		}
	}
	g.now = g.now.Add(-30 * 24 * time.Hour)
	for _, try := range []velocity.Try{card, address, ofRange, again} {
		g.allowed(try)
	}
	for range 5 {
		g.try(g.by(50, ""), declined)
	}
	if r := g.ask(g.by(50, "")); r == nil || r.Rule != velocity.RuleCard || r.After != 24*time.Hour || r.Refused == 0 {
		t.Errorf("got %+v, want a refusal for a day of which a human is told", r)
	}
}

// TestWhatWasCountedBeforeAClockWasSetBack goes also where it is met by a count, and not by a question.
func TestWhatWasCountedBeforeAClockWasSetBack(t *testing.T) {
	g := newGate(t)
	same := func(n int) velocity.Try {
		try := g.by(n, "")
		try.BIN = "41111111"
		return try
	}
	for n := range 7 {
		g.try(same(n), declined)
	}
	g.now = g.now.Add(-30 * 24 * time.Hour)
	g.try(same(7), declined)
	g.allowed(same(8))
}

// TestCustomersWhoseEndAnotherNodeHears: of an address that many share, half or fewer of the ends reach the node that sent the
// customer to the card's bank. Nobody is refused who is no worse than the rest.
func TestCustomersWhoseEndAnotherNodeHears(t *testing.T) {
	for _, nodes := range []int{1, 2, 3, 5} {
		g := newGate(t)
		for n := range 240 {
			g.now = g.now.Add(time.Minute)
			try := g.by(1000+n, "198.51.100.7")
			g.try(try, velocity.Waiting)
			switch {
			case n%nodes != 0: // heard elsewhere
			case n/nodes%7 == 6:
				g.guard.Heard(g.now, try.Payment, 1, declined)
			default:
				g.guard.Heard(g.now, try.Payment, 1, approved)
			}
		}
	}
}

// TestWhoSendsManyCardsToTheirBanks and ends only a few of them well is stopped all the same.
func TestWhoSendsManyCardsToTheirBanks(t *testing.T) {
	g := newGate(t)
	const from = "198.51.100.7"
	g.try(g.by(1, from), approved)
	for n := range 10 {
		g.try(g.by(2+n, from), velocity.Waiting)
	}
	if r := g.ask(g.by(50, from)); r == nil || r.Rule != velocity.RuleAddressCards {
		t.Errorf("got %+v, want a refusal by %s", r, velocity.RuleAddressCards)
	}
}
