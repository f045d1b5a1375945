package checkout

import (
	"cmp"
	"html/template"
	"strings"

	"github.com/sluicepay/sluice/internal/shop"
)

// contact is how customers reach the shop, and by which terms it sells.
type contact struct {
	Email, Help, Terms, Privacy string
	Phone                       *phone
	W                           *words
}

type phone struct {
	Text string
	Link template.URL
}

// Reachable reports whether there is a way to ask something.
func (c *contact) Reachable() bool { return c.Email != "" || c.Help != "" || c.Phone != nil }

// merchant is the shop's name as its customers know it.
func (v *visit) merchant() string { return cmp.Or(v.shop.Settings.Brand.Name, v.shop.Name) }

// contact is nil where the shop has told nothing.
func (v *visit) contact() *contact {
	b := &v.shop.Settings.Brand
	c := &contact{Email: b.Email, Help: webOnly(b.Help), Terms: webOnly(b.Terms), Privacy: webOnly(b.Privacy), Phone: phoneOf(b.Phone), W: v.words}
	if !c.Reachable() && c.Terms == "" && c.Privacy == "" {
		return nil
	}
	return c
}

// webOnly is asked once more of what was stored.
func webOnly(address string) string {
	if address == "" || !shop.AbsoluteURL(address) {
		return ""
	}
	return address
}

// phoneOf makes a link of a number: templates know no addresses of telephones by themselves.
func phoneOf(text string) *phone {
	dialled := strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	if dialled == "" {
		return nil
	}
	return &phone{text, template.URL("tel:" + dialled)} //nolint:gosec // digits
}
