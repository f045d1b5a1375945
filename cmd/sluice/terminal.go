package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluicepay/sluice/internal/config"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

type terminalCommands struct {
	Create terminalCreateCommand `cmd:"" help:"Create a terminal: an account of the shop at a provider."`
	List   terminalListCommand   `cmd:"" help:"List the terminals of a shop."`
}

type terminalCreateCommand struct {
	config.Common
	createTerminal
}

type terminalListCommand struct {
	config.Common
	listTerminals
}

// Run creates a terminal.
func (c *terminalCreateCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{CreateTerminal: &c.createTerminal})
}

// Run lists terminals.
func (c *terminalListCommand) Run(s *surroundings) error {
	return perform(s, c.Common, task{ListTerminals: &c.listTerminals})
}

type createTerminal struct {
	Shop       string   `name:"shop" required:"" placeholder:"ID" help:"The shop that the terminal is for." json:"shop"`
	Name       string   `name:"name" required:"" help:"Name of the terminal, unique in the shop; merchants see it." json:"name"`
	Connector  string   `name:"connector" required:"" help:"Type of the provider's connector, such as sandbox." json:"connector"`
	Settings   string   `name:"settings" required:"" placeholder:"JSON" help:"The connector's own settings and credentials, as a JSON object." json:"settings"`
	Methods    []string `name:"methods" placeholder:"METHOD,…" help:"Payment methods; all that the connector has when not given." json:"methods"`
	Currencies []string `name:"currencies" placeholder:"CODE,…" help:"Currencies; any when not given." json:"currencies"`
	Priority   int      `name:"priority" help:"Lower comes first." json:"priority"`
}

func (c *createTerminal) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	t, err := b.newTerminal(c)
	if err != nil {
		return err
	}
	err = b.db.Update(ctx, func(tx *store.Tx) error {
		if tx.MaybeCommitted() { // an id is of one run of this command only
			now, err := tx.Shop(s.ID)
			if err != nil || now.Terminal(t.ID) != nil {
				return err
			}
		}
		tx.InsertTerminal(s.ID, t)
		return nil
	})
	if errors.Is(err, store.ErrUnique) {
		return fmt.Errorf("the shop has a terminal named %q already", c.Name)
	}
	if err != nil {
		return err
	}
	return printJSON(out, map[string]string{"terminalId": t.ID, "terminalName": t.Name})
}

// newTerminal checks the settings by opening the connector once.
func (b *base) newTerminal(c *createTerminal) (*shop.Terminal, error) {
	at := slices.IndexFunc(connectors(), func(t connector.Type) bool { return t.Name == c.Connector })
	if at < 0 {
		return nil, fmt.Errorf("there is no connector %q", c.Connector)
	}
	raw := json.RawMessage(unmarked(c.Settings))
	settings, err := connectors()[at].Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	conn, err := settings.Open(connector.Deps{Client: newClient(), Now: time.Now, Random: rand.Reader, Log: b.log})
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	tid, _ := b.ids.New()
	t := &shop.Terminal{
		ID: tid, Name: c.Name, Connector: c.Connector, Config: raw, Enabled: true,
		Priority: c.Priority, Types: typesOf(conn), Methods: conn.Traits().Methods,
		PreAuth: conn.Traits().PreAuth, Recurring: conn.Traits().Recurring,
	}
	if len(c.Methods) > 0 {
		t.Methods = nil
	}
	for _, m := range c.Methods {
		if !slices.Contains(conn.Traits().Methods, payment.Method(m)) {
			return nil, fmt.Errorf("the connector has no method %q", m)
		}
		t.Methods = append(t.Methods, payment.Method(m))
	}
	for _, code := range c.Currencies {
		currency, err := money.ParseCurrency(code)
		if err != nil {
			return nil, fmt.Errorf("currency %q: %w", code, err)
		}
		t.Currencies = append(t.Currencies, currency)
	}
	return t, nil
}

// typesOf tells what a connector can do by what it implements.
func typesOf(c connector.Connector) []payment.Type {
	types := []payment.Type{payment.Deposit}
	if _, ok := c.(connector.Payer); ok {
		types = append(types, payment.Withdrawal)
	}
	if _, ok := c.(connector.Refunder); ok {
		types = append(types, payment.Refund)
	}
	return types
}

type listTerminals struct {
	Shop string `name:"shop" required:"" placeholder:"ID" help:"The shop whose terminals to list." json:"shop"`
}

func (c *listTerminals) run(ctx context.Context, b *base, out io.Writer) error {
	s, err := b.findShop(ctx, c.Shop)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TERMINAL\tNAME\tCONNECTOR\tPRIORITY\tENABLED\tMETHODS")
	for _, t := range s.Terminals {
		methods := make([]string, len(t.Methods))
		for i, m := range t.Methods {
			methods[i] = string(m)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%t\t%s\n", t.ID, t.Name, t.Connector, t.Priority, t.Enabled, strings.Join(methods, ","))
	}
	return w.Flush()
}
