package engine

import (
	"fmt"
	"sync"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
)

// pool keeps one open connector per terminal, reopened when its settings change.
type pool struct {
	types map[string]connector.Type
	mu    sync.Mutex
	open  map[string]*opened
}

// opened is a connector with the name of its type.
type opened struct {
	connector.Connector
	kind     string
	settings string
	loggable outbound.Allowlist
}

func newPool(c Config) *pool {
	p := &pool{types: make(map[string]connector.Type), open: make(map[string]*opened)}
	for _, t := range c.Connectors {
		p.types[t.Name] = t
	}
	return p
}

// get returns the terminal's connector. The error is about what the settings say.
func (p *pool) get(e *Engine, s *shop.Shop, terminal string) (*opened, error) {
	t := s.Terminal(terminal)
	if t == nil {
		return nil, fmt.Errorf("shop %s has no terminal %s", s.ID, terminal)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.open[t.ID]; ok && o.settings == string(t.Config) {
		return o, nil
	}
	c, err := p.openTerminal(e, t)
	if err != nil {
		return nil, err
	}
	o := &opened{Connector: c, kind: t.Connector, settings: string(t.Config), loggable: p.types[t.Connector].Loggable}
	p.open[t.ID] = o
	return o, nil
}

func (p *pool) openTerminal(e *Engine, t *shop.Terminal) (connector.Connector, error) {
	typ, ok := p.types[t.Connector]
	if !ok {
		return nil, fmt.Errorf("terminal %s: no connector of type %q", t.Name, t.Connector)
	}
	settings, err := typ.Parse(t.Config)
	if err != nil {
		return nil, fmt.Errorf("settings of terminal %s: %w", t.Name, err)
	}
	c, err := settings.Open(connector.Deps{
		Client: e.c.Client.WithLoggable(typ.Loggable), Now: e.Now, Random: e.c.Random,
		Log: e.c.Log.With("terminal", t.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("open terminal %s: %w", t.Name, err)
	}
	return c, nil
}
