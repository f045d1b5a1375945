package gateway

import (
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/shop"
)

const maxAddress = 512 // characters

// returnURL reads where the customer goes afterwards: a template, which may hold braces.
func (b binder) returnURL(c *engine.Create) string {
	text := b.sized("returnUrl", 0, maxAddress)
	if text == "" {
		return ""
	}
	used, wrong := api.ReturnAddress(text, &c.Shop.Settings)
	if wrong != "" {
		b.fault("returnUrl", urlForm, wrong)
	}
	return used
}

// webhookURL reads where this payment's events go: an address that a server can post to as it is. Only what is spelled
// as a number is judged here; where a name leads to is judged at each post, for a name server's trouble must not refuse
// a payment.
func (b binder) webhookURL(s *shop.Shop, hooks api.Hooks) string {
	text := b.sized("webhookUrl", 0, maxAddress)
	if text == "" {
		return ""
	}
	used, wrong := hooks.Address(text, s)
	if wrong != "" {
		b.fault("webhookUrl", urlForm, wrong)
	}
	return used
}
