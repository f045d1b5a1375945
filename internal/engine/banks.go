package engine

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
)

// Bank is one that a customer can choose.
type Bank = connector.Bank

// Lists of banks are asked for while a customer waits, so they are kept: a bank that is out of order is gone from one a minute
// later. Where the provider does not answer, the last list serves for a while, and after it nobody is asked to choose: the
// provider's own page does that.
const (
	banksFresh   = time.Minute
	banksStale   = 30 * time.Minute
	banksAgain   = 10 * time.Second // after one that did not come
	banksTimeout = 3 * time.Second
	mostBanks    = 500 // on a page
	mostLists    = 4096
)

// banks are the lists of all terminals.
type banks struct {
	mu    sync.Mutex
	lists map[bankKey]*bankList
}

type bankKey struct {
	terminal string
	of       connector.Choice
}

type bankList struct {
	mu    sync.Mutex // held while one customer has it asked for; others wait for that
	banks []Bank
	at    time.Time // when banks came
	again time.Time // not asked for before
}

func (b *banks) of(key bankKey) *bankList {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lists[key]
	if l == nil {
		if b.lists == nil || len(b.lists) >= mostLists { // of terminals that are long gone, mostly
			b.lists = map[bankKey]*bankList{}
		}
		l = &bankList{}
		b.lists[key] = l
	}
	return l
}

// Banks lists the banks that the payment can be paid from by the method, at the terminal where it would be tried first; none
// where that provider has one only, or asks by itself.
func (g Page) Banks(ctx context.Context, s *shop.Shop, p *payment.Payment, m payment.Method) []Bank {
	e := g.e
	wanted := *p
	wanted.Method = m
	_, at := e.start(s, &wanted)
	if at == nil || at.to == nil {
		return nil
	}
	c, ok := at.to.Connector.(connector.Chooser)
	if !ok {
		return nil
	}
	of := connector.Choice{Method: m, Currency: p.Moves().Currency}
	l := e.banks.of(bankKey{at.name, of})
	l.mu.Lock()
	defer l.mu.Unlock()
	now := e.Now()
	if !now.Before(l.again) {
		l.again = now.Add(banksAgain)
		if got, err := e.askBanks(ctx, c, of); err != nil {
			e.c.Log.WarnContext(ctx, "the banks of a provider cannot be listed", "terminal_id", at.name, "method", string(m), "error", err)
		} else {
			l.banks, l.at, l.again = got, now, now.Add(banksFresh)
		}
	}
	if now.Sub(l.at) > banksStale {
		return nil
	}
	return l.banks
}

// askBanks asks the provider, and leaves out what cannot be shown.
func (e *Engine) askBanks(ctx context.Context, c connector.Chooser, of connector.Choice) (usable []Bank, err error) {
	ctx, cancel := context.WithTimeout(settled(ctx), banksTimeout) // the list is for others, too
	defer cancel()
	var all []Bank
	if err := rescue.Call(func() (err error) {
		all, err = c.Banks(ctx, of)
		return err
	}); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, b := range all {
		if b.ID == "" || len(b.ID) > 64 || b.Name == "" || !utf8.ValidString(b.Name) || utf8.RuneCountInString(b.Name) > 80 || seen[b.ID] {
			continue
		}
		if seen[b.ID] = true; len(usable) < mostBanks {
			usable = append(usable, b)
		}
	}
	return usable, nil
}
