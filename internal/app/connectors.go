package app

import (
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/connector/stripe"
)

// connectors is the registry of provider adapters: one line a type.
func connectors() []connector.Type {
	return []connector.Type{
		sandbox.Type(),
		stripe.Type(),
	}
}
