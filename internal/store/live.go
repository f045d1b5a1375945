package store

import (
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store/tx"
)

const (
	sqlLiveShops     = `SELECT ` + shopColumns + ` FROM shop WHERE live AND active ORDER BY id`
	sqlLiveTerminals = `SELECT shop_id, ` + terminalColumns + ` FROM terminal
	WHERE enabled AND shop_id IN (SELECT id FROM shop WHERE live AND active) ORDER BY shop_id, priority, id`
)

// Live returns the active live shops, oldest first, with their enabled terminals and without signing keys.
func (t Shops) Live() ([]shop.Shop, error) {
	type owned struct {
		shop.Terminal
		by string
	}
	b := t.tx.Batch()
	shops := tx.ListIn(b, scanShop, sqlLiveShops)
	terminals := tx.ListIn(b, func(s tx.Scanner) (t owned, err error) {
		t.Terminal, err = scanTerminal(ahead{s, &t.by})
		return t, err
	}, sqlLiveTerminals)
	if err := b.Run(); err != nil {
		return nil, err
	}
	of := map[shop.ID][]shop.Terminal{}
	for _, t := range *terminals {
		of[shop.ID(t.by)] = append(of[shop.ID(t.by)], t.Terminal)
	}
	for i := range *shops {
		s := &(*shops)[i]
		s.Terminals = of[s.ID]
		secrets(t).openTerminals(s.ID, s.Terminals)
		hide(s)
	}
	return *shops, nil
}

// ahead reads one column more, before those that are asked for.
type ahead struct {
	tx.Scanner

	first any
}

// Scan implements [tx.Scanner].
func (a ahead) Scan(dest ...any) error { return a.Scanner.Scan(append([]any{a.first}, dest...)...) }
