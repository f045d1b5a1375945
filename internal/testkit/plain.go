package testkit

import (
	"encoding/json"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
)

// PlainConnector names a connector that speaks to the simulator as "sandbox" does and can do no more than every connector
// must: neither verify a card nor capture, void, refund or pay out.
const PlainConnector = "plain"

func plainType() connector.Type {
	t := sandbox.Type()
	parse := t.Parse
	t.Name = PlainConnector
	t.Parse = func(settings json.RawMessage) (connector.Config, error) {
		c, err := parse(settings)
		return plainConfig{c}, err
	}
	return t
}

type plainConfig struct{ connector.Config }

// Open returns the connector without what only its type shows.
func (c plainConfig) Open(d connector.Deps) (connector.Connector, error) {
	opened, err := c.Config.Open(d)
	return struct{ connector.Connector }{opened}, err
}
