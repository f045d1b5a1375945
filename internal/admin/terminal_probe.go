package admin

import (
	"context"
	"fmt"

	"github.com/sluicepay/sluice/internal/connector"
)

// TerminalTested is what a provider answered to a call that moves nothing.
type TerminalTested struct {
	Terminal string `json:"terminal"`
	Name     string `json:"name"`
	// Asked is false where the connector has no call that moves nothing: the settings were read, and that is all that is known.
	Asked bool `json:"asked"`
}

// testTerminal asks a terminal's provider whether it takes the settings as they are now. What it says against them is the error. The call
// has the shop's credentials. It needs the right ManageTerminals.
func (d *Desk) testTerminal(ctx context.Context, c OfTerminal) (TerminalTested, error) {
	s, err := d.shopOf(ctx, c.Shop)
	if err != nil {
		return TerminalTested{}, err
	}
	t, err := c.find(&s)
	if err != nil {
		return TerminalTested{}, err
	}
	conn, err := d.openConnector(t.Connector, t.Config)
	if err != nil {
		return TerminalTested{}, err
	}
	_, asked := connector.As[connector.Prober](conn)
	if err := d.probe(ctx, conn); err != nil {
		return TerminalTested{}, fmt.Errorf("the provider does not take the settings of terminal %s: %w", named(t.Name), err)
	}
	return TerminalTested{Terminal: t.ID, Name: t.Name, Asked: asked}, nil
}
