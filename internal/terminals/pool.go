// Package terminals opens terminals: it makes connectors from settings and keeps one open for each terminal.
//
// It does not choose a terminal, and calls no provider.
package terminals

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
)

// Pool keeps one open connector per terminal, reopened when its settings change. Safe for concurrent use.
type Pool struct {
	types map[string]connector.Type
	deps  connector.Deps
	mu    sync.Mutex
	open  map[string]*Opened
}

// Opened is a connector with the name of its type.
type Opened struct {
	connector.Connector
	Kind     string
	Loggable outbound.Allowlist // what of its messages may be shown

	settings string
}

// Fingerprint is a hash of the terminal's settings. It is as secret as they are.
func (o *Opened) Fingerprint() [sha256.Size]byte {
	return sha256.Sum256([]byte(o.Kind + "\n" + o.settings))
}

// NewPool returns a pool of connectors of these types, which are given what deps has; each its own log and what it may log.
func NewPool(types []connector.Type, deps connector.Deps) *Pool {
	p := &Pool{types: make(map[string]connector.Type), deps: deps, open: make(map[string]*Opened)}
	for _, t := range types {
		p.types[t.Name] = t
	}
	return p
}

// Get returns the terminal's connector. The error is about what the settings say.
func (p *Pool) Get(s *shop.Shop, terminal string) (*Opened, error) {
	t := s.Terminal(terminal)
	if t == nil {
		return nil, fmt.Errorf("shop %s has no terminal %s", s.ID, terminal)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.open[t.ID]; ok && o.settings == string(t.Config) {
		return o, nil
	}
	c, err := p.openTerminal(t)
	if err != nil {
		return nil, err
	}
	o := &Opened{Connector: c, Kind: t.Connector, Loggable: p.types[t.Connector].Loggable, settings: string(t.Config)}
	p.open[t.ID] = o
	return o, nil
}

func (p *Pool) openTerminal(t *shop.Terminal) (connector.Connector, error) {
	typ, ok := p.types[t.Connector]
	if !ok {
		return nil, fmt.Errorf("terminal %s: no connector of type %q", t.Name, t.Connector)
	}
	settings, err := typ.Parse(t.Config)
	if err != nil {
		return nil, fmt.Errorf("settings of terminal %s: %w", t.Name, err)
	}
	deps := p.deps
	deps.Client, deps.Log = deps.Client.WithLoggable(typ.Loggable), deps.Log.With("terminal", t.Name)
	c, err := settings.Open(deps)
	if err != nil {
		return nil, fmt.Errorf("open terminal %s: %w", t.Name, err)
	}
	return c, nil
}

// Retired returns connectors with the settings that the terminal had before and that still verify notices, newest
// first. They are for nothing else, and opened when a notice needs them.
func (p *Pool) Retired(s *shop.Shop, terminal string) []connector.Connector {
	t := s.Terminal(terminal)
	if t == nil {
		return nil
	}
	var before []connector.Connector
	for _, r := range t.Retired {
		if !p.deps.Now().Before(r.Until) {
			continue
		}
		old := *t
		old.Config = r.Config
		if c, err := p.openTerminal(&old); err == nil { // of another version, perhaps: the present ones decide alone
			before = append(before, c)
		}
	}
	return before
}
