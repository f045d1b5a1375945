package store

import (
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

const sqlInsertChain = `INSERT INTO chain (shop_id, token, payment_id, terminal_id, terminal, credential, method, currency,
	instrument, stopped) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// Insert writes a recurring chain that starts.
func (t Chains) Insert(shop payment.ShopID, c *payment.Chain) {
	t.tx.Write("chain.create", sqlInsertChain, string(shop), c.Token, string(c.Payment), c.TerminalID, c.Terminal,
		c.Credential, string(c.Method), string(c.Currency), masked(t.tx, &c.Instrument), tx.Micros(c.StoppedAt))
}

const sqlChain = `SELECT payment_id, terminal_id, terminal, credential, method, currency, COALESCE(instrument, ''), stopped
	FROM chain WHERE shop_id = $1 AND token = $2`

// Get returns the recurring chain that the token continues, or ErrNotFound.
func (t Chains) Get(shop payment.ShopID, token string) (payment.Chain, error) {
	return tx.One(t.tx, func(s tx.Scanner) (payment.Chain, error) {
		c := payment.Chain{Token: token}
		var pid, method, currency, paidWith string
		var stopped *int64
		err := s.Scan(&pid, &c.TerminalID, &c.Terminal, &c.Credential, &method, &currency, &paidWith, &stopped)
		if err != nil {
			return c, err
		}
		c.Payment, c.Method, c.Currency = payment.ID(pid), payment.Method(method), money.Currency(currency)
		c.Stopped, c.StoppedAt = stopped != nil, tx.FromMicros(stopped)
		return c, readDocument("instrument", paidWith, &c.Instrument)
	}, sqlChain, string(shop), token)
}

const sqlStopChain = `UPDATE chain SET stopped = $1 WHERE shop_id = $2 AND token = $3 AND stopped IS NULL`

// Stop ends a chain that was not stopped before.
func (t Chains) Stop(shop payment.ShopID, token string) {
	t.tx.Guard("chain.stop", sqlStopChain, tx.Micros(t.tx.Now()), string(shop), token)
}
