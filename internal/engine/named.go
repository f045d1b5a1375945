package engine

import (
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
)

// longestNamed is how long the name of one of a provider's list may be.
const longestNamed = 64

// named is what the merchant has said beforehand that the customer pays with, where there is a list to choose from: the bank, among
// the payment's own parameters. Nil where nothing is said.
func named(p *payment.Payment) instrument.Means {
	spec := p.Method.Spec()
	if p.Terms.Additional == "" {
		return nil
	}
	for _, f := range spec.Fields {
		if !f.Choice || f.Param == "" {
			continue
		}
		var all map[string]string
		if p.Terms.Additional.Into(&all) != nil || len(all[f.Param]) > longestNamed {
			return nil
		}
		return spec.Means.Of(all[f.Param])
	}
	return nil
}
