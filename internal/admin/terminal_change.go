package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// OfTerminal names a terminal of a shop.
type OfTerminal struct {
	OfShop
	Terminal string `arg:"" name:"terminal" help:"The terminal's id or its name." json:"terminal"`
}

// find returns the terminal in the shop as it was read. One that was removed has its id left.
func (c *OfTerminal) find(s *shop.Shop) (*shop.Terminal, error) {
	if t := s.Terminal(c.Terminal); t != nil {
		return t, nil
	}
	at := slices.IndexFunc(s.Terminals, func(t shop.Terminal) bool { return t.Name == c.Terminal })
	if at < 0 {
		return nil, fmt.Errorf("shop %s has no terminal %s; \"sluice terminal list\" shows them", s.ID, named(c.Terminal))
	}
	return &s.Terminals[at], nil
}

// TerminalDetails is all of a terminal but its secrets.
type TerminalDetails struct {
	Terminal
	PreAuth   bool                       `json:"preAuth"`
	Recurring bool                       `json:"recurring"`
	Settings  map[string]json.RawMessage `json:"settings"`                   // secrets are masked
	OldUntil  []time.Time                `json:"oldSettingsUntil,omitempty"` // replaced ones by which notices are still believed
	Effect
}

// masked stands for a secret that is not shown.
const masked = `"***"`

// details shows a terminal. Of its settings only those are shown which its connector says are no secrets.
func (d *Desk) details(t *shop.Terminal) TerminalDetails {
	details := TerminalDetails{Terminal: terminalShown(t), PreAuth: t.PreAuth, Recurring: t.Recurring}
	var open []string
	if at := slices.IndexFunc(d.c.Connectors, func(c connector.Type) bool { return c.Name == t.Connector }); at >= 0 {
		open = d.c.Connectors[at].Shown()
	}
	if json.Unmarshal(t.Config, &details.Settings) == nil { // else nothing of it is shown
		for name := range details.Settings {
			if !slices.Contains(open, name) {
				details.Settings[name] = json.RawMessage(masked)
			}
		}
	}
	for _, r := range t.Retired {
		if r.Until.After(d.c.Now()) {
			details.OldUntil = append(details.OldUntil, r.Until)
		}
	}
	return details
}

// showTerminal returns a terminal with its settings, secrets masked. It needs the right ReadTerminals.
func (d *Desk) showTerminal(ctx context.Context, c OfTerminal) (TerminalDetails, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return TerminalDetails{}, err
	}
	t, err := c.find(&s)
	if err != nil {
		return TerminalDetails{}, err
	}
	return d.details(t), nil
}

// UpdateTerminal says what to change of a terminal.
type UpdateTerminal struct {
	OfTerminal
	Name       string        `name:"name" placeholder:"NAME" help:"New name, unique in the shop; merchants see it." json:"name,omitempty"`
	Settings   string        `name:"settings" placeholder:"@FILE" type:"input" secret:"" help:"The connector's settings to change, as a JSON object: from @FILE, from - for standard input, or from env:NAME for a variable. The others stay, and one that is null goes." json:"settings,omitempty"`
	KeepOld    time.Duration `name:"keep-old" default:"24h" help:"How long notices that the provider signs as the replaced settings say are still believed. 0 where the old secret is known to others." json:"keepOld"`
	Methods    []string      `name:"methods" placeholder:"METHOD" help:"Payment methods, instead of those so far." json:"methods,omitempty"`
	Currencies []string      `name:"currencies" placeholder:"CODE" help:"Currencies, instead of those so far; any lifts the limit." json:"currencies,omitempty"`
	Priority   *int          `name:"priority" placeholder:"N" help:"Lower comes first." json:"priority,omitempty"`
	NoTrial    bool          `name:"no-trial" help:"Do not ask the provider first whether it takes the new settings and, by them, knows this terminal's payments." json:"noTrial,omitempty"`

	OtherAccount bool `name:"other-account" help:"Take settings by which the provider knows none of this terminal's payments. What is open there may end wrongly, and nothing can be given back." json:"otherAccount,omitempty"`
}

// updateTerminal changes a terminal. Calls to the provider are made by the new settings once they are in force. It needs
// the right ManageTerminals.
func (d *Desk) updateTerminal(ctx context.Context, c UpdateTerminal) (TerminalDetails, error) {
	if c.KeepOld < 0 {
		return TerminalDetails{}, fmt.Errorf("--keep-old: %s is less than nothing", c.KeepOld)
	}
	if c.Name == "" && c.Settings == "" && len(c.Methods)+len(c.Currencies) == 0 && c.Priority == nil {
		return TerminalDetails{}, errors.New("there is nothing to change: name what, as --settings or --priority")
	}
	if c.Settings != "" {
		if err := d.tryChange(ctx, &c); err != nil {
			return TerminalDetails{}, err
		}
	}
	t, err := d.changeTerminal(ctx, &c.OfTerminal, func(t *shop.Terminal) error { return d.change(t, &c) })
	if errors.Is(err, store.ErrUnique) {
		return TerminalDetails{}, fmt.Errorf("the shop has a terminal named %q already", c.Name)
	}
	if err != nil {
		return TerminalDetails{}, err
	}
	details := d.details(&t)
	details.Effect = d.effect()
	return details, nil
}

// tryChange looks at what is to be stored, outside of the transaction: where it calls, and whether the provider takes it.
// An address that the terminal has already goes on.
func (d *Desk) tryChange(ctx context.Context, c *UpdateTerminal) error {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return err
	}
	t, err := c.find(&s)
	if err != nil {
		return err
	}
	was, known := d.parseConnector(t.Connector, t.Config)
	if err = d.change(t, c); err != nil {
		return err
	}
	now, err := d.parseConnector(t.Connector, t.Config)
	if err == nil && (known != nil || !slices.Equal(was.Addresses(), now.Addresses())) {
		if err = d.checkCalled(&s, t); err == nil {
			err = d.checkReached(t)
		}
	}
	if err == nil && !c.NoTrial {
		if err = d.trial(ctx, t.Connector, t.Config); err == nil && !c.OtherAccount {
			err = d.sameAccount(ctx, s.ID, t)
		}
	}
	return err
}

// anyCurrency is written where a terminal takes all of them.
const anyCurrency = "any"

// change makes the change to a terminal as it was read.
func (d *Desk) change(t *shop.Terminal, c *UpdateTerminal) error {
	if c.Name != "" {
		if err := shop.CheckName("name", c.Name); err != nil {
			return err
		}
		t.Name = c.Name
	}
	if c.Priority != nil {
		t.Priority = *c.Priority
	}
	if c.Settings != "" {
		merged, err := mergeSettings(t.Config, c.Settings)
		if err != nil {
			return err
		}
		now := d.c.Now()
		t.Reconfigure(merged, now, now.Add(c.KeepOld))
	}
	if c.Settings == "" && len(c.Methods) == 0 && len(c.Currencies) == 0 {
		return nil // what is wrong with the settings so far, if anything, is no matter
	}
	conn, err := d.openConnector(t.Connector, t.Config)
	if err != nil {
		return err
	}
	if len(c.Currencies) == 1 && c.Currencies[0] == anyCurrency {
		t.Currencies = nil
		return restrict(t, conn, c.Methods, nil)
	}
	return restrict(t, conn, c.Methods, c.Currencies)
}

// mergeSettings puts the members of the JSON object into the settings; one that is null is taken out. Its errors repeat
// no value, which may be a secret.
func mergeSettings(config json.RawMessage, text string) (json.RawMessage, error) {
	var merged, changes map[string]json.RawMessage
	if err := json.Unmarshal(config, &merged); err != nil || merged == nil {
		merged = map[string]json.RawMessage{}
	}
	if err := json.Unmarshal([]byte(unmarked(text)), &changes); err != nil || changes == nil {
		return nil, errors.New("settings: must be one JSON object")
	}
	for name, value := range changes {
		if bytes.Equal(bytes.TrimSpace(value), []byte("null")) {
			delete(merged, name)
			continue
		}
		merged[name] = value
	}
	raw, err := json.Marshal(merged)
	if err != nil {
		return nil, errors.New("settings: must be one JSON object")
	}
	return raw, nil
}

// changeTerminal changes what can change of a terminal and returns it as it becomes.
func (d *Desk) changeTerminal(ctx context.Context, c *OfTerminal, change func(*shop.Terminal) error) (shop.Terminal, error) {
	var was, is shop.Terminal
	err := d.c.DB.Update(ctx, func(tx *store.Tx) error {
		s, err := tx.Shops().Get(shop.ID(c.Shop))
		if err != nil {
			return err
		}
		t, err := c.find(&s)
		if err != nil {
			return err
		}
		was = *t
		if err := change(t); err != nil {
			return err
		}
		tx.Terminals().Update(s.ID, t)
		is = *t
		return nil
	})
	if err == nil {
		changed(ctx, d.details(&was), d.detailsAfter(&was, &is))
	}
	return is, shopError(err, c.Shop)
}

// SwitchTerminal says whether a terminal is to take new payments.
type SwitchTerminal struct {
	OfTerminal
	Enabled bool `json:"enabled" log:"enabled"`
}

// switchTerminal enables or disables a terminal. A disabled one takes no new payments, nor later charges of recurring
// chains; what is under way there goes on: captures, refunds, status queries and notices. It needs the right
// ManageTerminals.
func (d *Desk) switchTerminal(ctx context.Context, c SwitchTerminal) (TerminalDetails, error) {
	t, err := d.changeTerminal(ctx, &c.OfTerminal, func(t *shop.Terminal) error {
		if !t.Removed.IsZero() && c.Enabled {
			return goneError(t)
		}
		t.Enabled = c.Enabled
		return nil
	})
	if err != nil {
		return TerminalDetails{}, err
	}
	details := d.details(&t)
	details.Effect = d.effect()
	return details, nil
}

// trialTimeout bounds the look at a provider.
const trialTimeout = 10 * time.Second

// trial asks the provider whether it takes the settings, where its connector can. Nothing is moved by it.
func (d *Desk) trial(ctx context.Context, name string, settings json.RawMessage) error {
	conn, err := d.openConnector(name, settings)
	if err != nil {
		return err
	}
	if err := d.probe(ctx, conn); err != nil {
		return fmt.Errorf("the provider does not take these settings, so nothing was changed: %w; --no-trial leaves the question out", err)
	}
	return nil
}

// probe makes the connector's call that moves nothing, where it has one.
func (d *Desk) probe(ctx context.Context, conn connector.Connector) error {
	prober, ok := connector.As[connector.Prober](conn)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	return rescue.Call(func() error { return prober.Probe(ctx) })
}
