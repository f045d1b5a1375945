package checkout

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"

	"github.com/sluicepay/sluice/internal/wallet/sheet"
	"github.com/sluicepay/sluice/internal/web"
)

// inventory is every script that a page of a payment may hold, and why. Each stands in the page as it is here, and the page's policy
// allows it by its hash and no other one: TestScriptsAreThoseOfTheInventory compares what browsers get with this.
var inventory = []struct{ name, reason string }{
	{"news.js", "a page that waits looks for news, and is left only when there is another one to show"},
	{"form.js", "the form groups digits as they are typed, sends once, says that it works, and tells when the time to pay ends"},
	{"lines.js", "where there is room for them beside the page, the lines of an order stand open"},
	{"receipt.js", "the receipt has its time in the customer's zone, and a button to print it"},
	{"post.js", "a form that a provider wants posted is sent without a press of its button"},
	{"google.js", "the button of Google Pay, which there is by script alone, and the token that comes back from its sheet"},
	{"apple.js", "the button of Apple Pay, likewise, and the session that its sheet wants"},
	{"frame.js", "a page within a shop's own page tells that one, and nobody else, how the payment stands"},
}

// guests are the scripts of other sites that a page may hold, and why. Each is on a page of its own, where no card is entered.
var guests = []struct{ address, reason string }{
	{sheet.GoogleScript, "Google's button and sheet; Google allows no copy of it, and changes it without notice, so that no hash can name it"},
}

// google is what Google's script may do on the page of its button.
func google(nonce string) *web.Guest {
	const pay = "https://pay.google.com"
	return &web.Guest{
		Nonce: nonce, Scripts: []string{pay}, Frames: []string{pay}, Calls: []string{pay, "https://google.com", "https://www.google.com"},
		Images: []string{"https://www.gstatic.com"},
	}
}

// script is one of the inventory, and the hash by which a page's policy allows it.
type script struct {
	element template.HTML
	hash    string
}

func (a *assets) loadScripts() {
	a.scripts = make(map[string]script, len(inventory))
	for _, entry := range inventory {
		content, err := files.ReadFile("static/" + entry.name)
		if err != nil {
			panic(fmt.Sprintf("checkout: %v", err))
		}
		a.scripts[entry.name] = script{
			element: template.HTML("<script>" + string(content) + "</script>"), //nolint:gosec // built into the program
			hash:    sourceHash(content),
		}
	}
}

// sourceHash is a content as policies name it.
func sourceHash(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// setPolicy gives a page the scripts that it needs and its shop's colour, and has its policy allow these and the frames of the shop.
func (g *Pages) setPolicy(h http.Header, v *visit, page *view) {
	var names []string
	if page.Watch != nil {
		names = append(names, "news.js")
	}
	if page.Form != nil {
		names = append(names, "form.js")
	}
	if page.Order != nil && page.Order.Lines != nil {
		names = append(names, "lines.js")
	}
	if page.Receipt != nil {
		names = append(names, "receipt.js")
	}
	policy, paying := web.PagePolicy{FormLeads: page.Post != nil}, "()"
	switch b := page.button(); {
	case b == nil:
	case b.Apple:
		names, paying = append(names, "apple.js"), "(self)"
	default:
		names, paying = append(names, "google.js"), `(self "https://pay.google.com")`
		page.Guest, policy.Guest = guests[0].address, google(b.nonce)
	}
	if policy.FormLeads {
		names = append(names, "post.js")
	}
	if v != nil {
		if policy.FrameAncestors = v.shop.Settings.AllowedFrameOrigins; len(policy.FrameAncestors) > 0 {
			names = append(names, "frame.js")
			page.Frame = g.frame(v)
		}
		if a := accentOf(v.shop.Settings.Brand.Accent); a != nil {
			page.Accent, policy.Styles = a.element, []string{a.hash}
		}
	}
	for _, name := range names {
		s := g.assets.scripts[name]
		page.Scripts, policy.Scripts = append(page.Scripts, s.element), append(policy.Scripts, s.hash)
	}
	g.setHeadersPaying(h, policy, paying)
}

// button is the wallet's own that the page has, or nil.
func (page *view) button() *button {
	if page.Form == nil {
		return nil
	}
	return page.Form.Button
}

// frame is what frame.js tells the page around it, in JSON.
func (g *Pages) frame(v *visit) string {
	told, err := json.Marshal(struct {
		ID      string   `json:"id"`
		State   string   `json:"state"`
		Shows   string   `json:"shows"`
		Origins []string `json:"origins"`
	}{string(v.payment.ID), string(v.payment.State()), g.showsKind(v), v.shop.Settings.AllowedFrameOrigins})
	if err != nil {
		return ""
	}
	return string(told)
}
