package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// CreateTerminal says what terminal to make.
type CreateTerminal struct {
	OfShop
	Name       string   `name:"name" required:"" placeholder:"NAME" help:"Name of the terminal, unique in the shop; merchants see it." json:"name"`
	Connector  string   `name:"connector" required:"" placeholder:"TYPE" help:"Type of the provider's connector, such as sandbox." json:"connector"`
	Settings   string   `name:"settings" required:"" placeholder:"@FILE" type:"input" secret:"" help:"The connector's own settings and credentials, as a JSON object: from @FILE, from - for standard input, or from env:NAME for a variable." json:"settings"`
	Methods    []string `name:"methods" placeholder:"METHOD" help:"Payment methods; all that the connector has when not given." json:"methods,omitempty"`
	Currencies []string `name:"currencies" placeholder:"CODE" help:"Currencies; any when not given." json:"currencies,omitempty"`
	Priority   int      `name:"priority" placeholder:"N" help:"Lower comes first." json:"priority,omitempty"`
	NoTrial    bool     `name:"no-trial" help:"Do not ask the provider first whether it takes these settings." json:"noTrial,omitempty"`
}

// TerminalCreated is a terminal that was made.
type TerminalCreated struct {
	ID   string `json:"terminalId"`
	Name string `json:"terminalName"`
	Effect
}

// Made implements what the log names.
func (t TerminalCreated) Made() string { return t.ID }

// createTerminal makes a terminal. It needs the right ManageTerminals.
func (d *Desk) createTerminal(ctx context.Context, c CreateTerminal) (TerminalCreated, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return TerminalCreated{}, err
	}
	t, err := d.NewTerminal(c)
	if err == nil {
		err = d.checkCalled(&s, t)
	}
	if err == nil {
		err = d.checkReached(t)
	}
	if err == nil && !c.NoTrial {
		err = d.trial(ctx, t.Connector, t.Config)
	}
	if err != nil {
		return TerminalCreated{}, err
	}
	err = d.c.DB.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			now, err := tx.Shops().Get(s.ID)
			if err != nil || now.Terminal(t.ID) != nil {
				return err
			}
		}
		tx.Terminals().Insert(s.ID, t)
		return nil
	})
	if errors.Is(err, store.ErrUnique) {
		return TerminalCreated{}, fmt.Errorf("the shop has a terminal named %q already", c.Name)
	}
	if err != nil {
		return TerminalCreated{}, err
	}
	return TerminalCreated{t.ID, t.Name, d.effect()}, nil
}

// NewTerminal makes a terminal; nothing is stored yet. It checks the settings by opening the connector once.
func (d *Desk) NewTerminal(c CreateTerminal) (*shop.Terminal, error) {
	if err := shop.CheckName("name", c.Name); err != nil {
		return nil, err
	}
	raw := json.RawMessage(unmarked(c.Settings))
	conn, err := d.openConnector(c.Connector, raw)
	if err != nil {
		return nil, err
	}
	tid, _ := d.c.IDs.New()
	t := &shop.Terminal{
		ID: tid, Name: c.Name, Connector: c.Connector, Config: raw, Enabled: true,
		Priority: c.Priority, Types: typesOf(conn), Methods: conn.Traits().Methods,
		PreAuth: conn.Traits().PreAuth, Recurring: conn.Traits().Recurring,
	}
	if err := restrict(t, conn, c.Methods, c.Currencies); err != nil {
		return nil, err
	}
	return t, nil
}

// restrict limits a terminal to what was chosen of what its connector can do, where something was.
func restrict(t *shop.Terminal, conn connector.Connector, methods, currencies []string) error {
	if len(methods) > 0 {
		t.Methods = nil
	}
	for _, m := range methods {
		if !slices.Contains(conn.Traits().Methods, payment.Method(m)) {
			return fmt.Errorf("the connector has no method %q", m)
		}
		t.Methods = append(t.Methods, payment.Method(m))
	}
	if len(currencies) > 0 {
		t.Currencies = nil
	}
	for _, code := range currencies {
		currency, err := money.ParseCurrency(code)
		if err != nil {
			return fmt.Errorf("currency %q: %w", code, err)
		}
		t.Currencies = append(t.Currencies, currency)
	}
	return nil
}

// openConnector opens a connector that no payment uses.
func (d *Desk) openConnector(name string, settings json.RawMessage) (connector.Connector, error) {
	parsed, err := d.parseConnector(name, settings)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(d.c.Connectors, func(t connector.Type) bool { return t.Name == name })
	conn, err := parsed.Open(connector.Deps{
		Client: d.c.Client.WithLoggable(d.c.Connectors[at].Loggable), Now: d.c.Now, Random: d.c.Random, Log: d.c.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	return conn, nil
}

// typesOf tells what a connector can do by what it implements.
func typesOf(c connector.Connector) []payment.Type {
	types := []payment.Type{payment.Deposit}
	if _, ok := connector.As[connector.Payer](c); ok {
		types = append(types, payment.Withdrawal)
	}
	if _, ok := connector.As[connector.Refunder](c); ok {
		types = append(types, payment.Refund)
	}
	return types
}
