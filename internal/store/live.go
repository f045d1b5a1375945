package store

import "github.com/sluicepay/sluice/internal/shop"

const (
	sqlLiveShops     = `SELECT ` + shopColumns + ` FROM shop WHERE live AND active ORDER BY id`
	sqlLiveTerminals = `SELECT shop_id, ` + terminalColumns + ` FROM terminal
	WHERE enabled AND shop_id IN (SELECT id FROM shop WHERE live AND active) ORDER BY shop_id, priority, id`
)

// LiveShops returns the active live shops, oldest first, with their enabled terminals and without signing keys.
func (tx *Tx) LiveShops() ([]shop.Shop, error) {
	type owned struct {
		shop.Terminal
		by string
	}
	b := tx.batch()
	shops := listIn(b, scanShop, sqlLiveShops)
	terminals := listIn(b, func(s scanner) (t owned, err error) {
		t.Terminal, err = scanTerminal(ahead{s, &t.by})
		return t, err
	}, sqlLiveTerminals)
	if err := b.run(); err != nil {
		return nil, err
	}
	of := map[shop.ID][]shop.Terminal{}
	for _, t := range *terminals {
		of[shop.ID(t.by)] = append(of[shop.ID(t.by)], t.Terminal)
	}
	for i := range *shops {
		s := &(*shops)[i]
		s.Terminals = of[s.ID]
		tx.openTerminals(s.ID, s.Terminals)
		s.SigningKey, s.Settings.RetiredKey = "", nil
	}
	return *shops, nil
}

// ahead reads one column more, before those that are asked for.
type ahead struct {
	scanner

	first any
}

// Scan implements scanner.
func (a ahead) Scan(dest ...any) error { return a.scanner.Scan(append([]any{a.first}, dest...)...) }
