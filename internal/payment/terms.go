package payment

import (
	"slices"
	"time"
)

// Terms are what some merchant APIs ask for beside the payment itself. They are fixed when it is made.
type Terms struct {
	// Origin names the merchant API that made the payment; empty for the gateway API.
	Origin string `json:"origin,omitempty"`
	// ErrorURL and AbortURL are where the customer goes after a failure, and after giving up. ReturnURL where empty.
	ErrorURL string `json:"errorUrl,omitempty"`
	AbortURL string `json:"abortUrl,omitempty"`
	// Methods are those by which the customer may pay; any where empty.
	Methods []Method `json:"methods,omitempty"`
	// Lasts is how long the checkout lasts, Grace how much longer once the customer has opened the page.
	Lasts time.Duration `json:"lasts,omitempty"`
	Grace time.Duration `json:"grace,omitempty"`
	// HoldFor is how long held money waits for its capture at most; the provider's own limit where zero.
	HoldFor time.Duration `json:"holdFor,omitempty"`
	// Verify: no money moves. A card is only checked and kept for later charges.
	Verify bool `json:"verify,omitempty"`
	// Additional are parameters of the merchant's own, a JSON object of strings that is only shown; empty for none.
	Additional Document `json:"additional,omitempty"`
	// Reversal: a refund that the engine makes because the deposit was abandoned.
	Reversal bool `json:"giveBack,omitempty"`
	// Before is how many such refunds there were for the deposit before this one.
	Before int `json:"before,omitempty"`
	// Chain is the payment that began the recurring chain which this one continues.
	Chain ID `json:"chain,omitempty"`
}

// IsZero reports whether nothing is set.
func (t *Terms) IsZero() bool {
	return t.Origin == "" && t.ErrorURL == "" && t.AbortURL == "" && len(t.Methods) == 0 && t.Lasts == 0 &&
		t.Grace == 0 && t.HoldFor == 0 && !t.Verify && t.Additional == "" && !t.Reversal && t.Before == 0 && t.Chain == ""
}

// Allow reports whether the customer may pay by m. Not every method can be verified.
func (t *Terms) Allow(m Method) bool {
	return (!t.Verify || m.Spec().Verify) && (len(t.Methods) == 0 || slices.Contains(t.Methods, m))
}

// Holds reports whether money is held first when the customer pays by m. Where the terms say how long money is held,
// methods that cannot hold take it at once, and another method that is tried after them may hold again; otherwise they cannot be used.
func (p *Payment) Holds(m Method) bool {
	if p.Terms.HoldFor > 0 {
		return m.PreAuth()
	}
	return p.PreAuth
}

// WasOpened reports whether the customer has opened the page of a payment with Grace.
func (p *Payment) WasOpened() bool {
	return p.Terms.Grace > 0 && p.CheckoutUntil.After(p.Created.Add(p.Terms.Lasts))
}

// Return is where the customer goes from the payment as it stands: the template for ReturnURL.
func (p *Payment) Return() string {
	url := p.ReturnURL
	switch {
	case p.state == Cancelled && p.ErrorCode == CodeByCustomer && p.Abandoned.IsZero() && p.Terms.AbortURL != "":
		url = p.Terms.AbortURL
	case (p.state == Cancelled || p.state == Declined || !p.Abandoned.IsZero()) && p.Terms.ErrorURL != "":
		url = p.Terms.ErrorURL
	}
	return url
}
