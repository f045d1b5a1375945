package velocity

import "time"

// judge returns the first rule that refuses the try, or nil. It counts nothing.
func (g *Guard) judge(at int64, p *Pass) *Refusal {
	if r := g.judgeCard(at, p); r != nil {
		return r
	}
	if p.from {
		if r := g.judgeAddress(at, p); r != nil {
			return r
		}
	}
	return g.judgeBIN(at, p)
}

// judgeCard counts tries under way as declined: nobody honest pays with one card many times at once.
func (g *Guard) judgeCard(at int64, p *Pass) *Refusal {
	e, most := g.cards.get(p.card()), p.limits.CardDeclines
	if e == nil || most == 0 {
		return nil
	}
	if e.blocked(at, most, cardWindow) {
		return refuse(RuleCard, e.until-at)
	}
	if e.prune(at, cardWindow); e.count(declined)+e.pending >= most {
		return refuse(RuleCard, seconds(shortly))
	}
	return nil
}

// judgeAddress judges what came from the customer's address. Many customers may share one, so a card that is the trouble
// by itself is refused alone; neither rule on the address holds while at least as much from there is approved, and a card
// that was approved there goes on. As many tries again as may be declined, or cards as may be tried, may
// be under way at a time; and of one card no more than may be declined.
func (g *Guard) judgeAddress(at int64, p *Pass) *Refusal {
	e := g.addresses.get(p.address())
	if e == nil {
		return nil
	}
	e.prune(at, addressWindow)
	l, card, since := &p.limits, p.mark(), at-seconds(addressWindow)
	if n, oldest := e.times(declined, card); l.CardAddressDeclines > 0 && n >= l.CardAddressDeclines {
		return refuse(RuleCardAddress, oldest-since)
	} else if l.CardAddressDeclines > 0 && n+min(e.pending, g.underWay(p.card())) >= l.CardAddressDeclines {
		return refuse(RuleCardAddress, seconds(shortly)) // as if all of the card came from here: honest ones come from one place
	}
	good, bad := e.count(approved), e.count(declined)
	if e.knows(since, approved, card) {
		return nil
	}
	if e.blocked(at, l.AddressDeclines, addressWindow) {
		return refuse(RuleAddressDeclines, e.until-at)
	}
	if most := l.AddressDeclines; most > 0 && bad+e.pending >= 2*most && good < bad+e.pending {
		return refuse(RuleAddressDeclines, seconds(shortly))
	}
	if e.knows(since, tried, card) {
		return nil
	}
	n, most := e.count(tried), l.AddressCards
	if n >= most && e.testing(n, good, most) {
		return refuse(RuleAddressCards, e.first(tried)-since)
	}
	if n += e.pending; n >= 2*most && e.testing(n, good, most) {
		return refuse(RuleAddressCards, seconds(shortly))
	}
	return nil
}

// underWay is how many tries of the card are.
func (g *Guard) underWay(card key) int {
	if e := g.cards.get(card); e != nil {
		return e.pending
	}
	return 0
}

// worthOfPending is how many tries under way weigh as much as one decline of their range. Of honest customers' cards fewer
// than one in so many are declined.
const worthOfPending = 4

// judgeBIN judges a range of card numbers, of which a bank has given cards to many customers. What counts against it are cards
// that were declined; a try under way is not one yet, and weighs as much as it is likely to become one while everybody is
// honest. So of strangers who try a whole range at once four times as many come through as the limit allows to be declined,
// fewer the more was declined already, and the rest is put off until the answers are there: after them the range is blocked.
// Customers who happen to have cards of one range come through as long as there are not more than that at the provider at one
// moment, at a shop of which nothing is known yet. Where more are: the rule does not hold while at least as many cards of the
// range were approved lately as were declined and are under way together, so whoever sells much may have the more at a time the
// more have paid; up to 200 (mostMarks), beyond which no approval is remembered. A card that was approved goes on.
func (g *Guard) judgeBIN(at int64, p *Pass) *Refusal {
	e, most := g.bins.get(p.bin()), p.limits.BINCards
	if e == nil || most == 0 {
		return nil
	}
	blocked := e.blocked(at, most, binWindow)
	if !blocked && e.pending == 0 {
		return nil
	}
	if e.prune(at, binWindow); e.knows(at-seconds(binWindow), approved, p.mark()) {
		return nil
	}
	if blocked {
		return refuse(RuleBIN, e.until-at)
	}
	good, bad := e.count(approved), e.count(declined)
	if worthOfPending*bad+e.pending >= worthOfPending*most && good < bad+e.pending {
		return refuse(RuleBIN, seconds(shortly))
	}
	return nil
}

// testing reports that of n cards that were tried too few are approved: fewer than half of those whose end is known, or fewer
// than one in so many of all. Where a customer was sent to the card's bank, another node of the installation may have heard
// the end, so what is not known says nothing against the rest; but somebody who never lets it come to an end is stopped.
func (e *entry) testing(n, good, most int) bool {
	return most > 0 && (2*good < e.ended() || most*good < n)
}

// refuse is a refusal for so many seconds, at least one.
func refuse(r Rule, after int64) *Refusal {
	return &Refusal{Rule: r, After: time.Duration(max(after, 1)) * time.Second}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
