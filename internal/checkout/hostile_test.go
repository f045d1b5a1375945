package checkout_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// hostile are texts that break out of a careless page: out of text, attributes, addresses, scripts, styles and templates.
var hostile = append([]string{
	`<script>alert(1)</script>`, `<ScRiPt src=//evil.example></sCrIpT>`, `<svg><script>alert(1)</script></svg>`, `<img src=x onerror=alert(1)>`,
	`<svg onload=alert(1)>`, `<body onload=alert(1)>`, `<iframe srcdoc="<script>alert(1)</script>">`, `<object data="javascript:alert(1)">`,
	`<meta http-equiv="refresh" content="0;url=https://evil.example">`, `<base href="https://evil.example/">`, `<form action="https://evil.example">`,
	`<input name="kept" value="x">`, `<input type=hidden name=nonce value=x>`, `<button formaction=https://evil.example>x`, `<link rel=stylesheet href=//evil.example>`,
	`<style>*{background:url(//evil.example)}</style>`, `<a href="javascript:alert(1)">x</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
	`<details open ontoggle=alert(1)>`, `<video><source onerror=alert(1)>`, `<math><mtext></form><form><mglyph><svg><mtext><textarea><path id="</textarea><img onerror=alert(1) src=1>">`,
	`" onfocus="alert(1)" autofocus x="`, `' onfocus='alert(1)' autofocus x='`, "` onfocus=`alert(1)", `" style="position:fixed;inset:0`, `"><svg/onload=alert(1)>`, `'><svg/onload=alert(1)>`,
	`</title><script>alert(1)</script>`, `</noscript><script>alert(1)</script>`, `--><script>alert(1)</script>`, `]]><script>alert(1)</script>`, `</main></div></body><script>alert(1)</script>`,
	`javascript:alert(1)`, `JaVaScRiPt:alert(1)`, "java\tscript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:msgbox(1)`,
	`{{.Shop}}`, `{{template "layout" .}}`, `${alert(1)}`, `#{7*7}`, `<%= 7*7 %>`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;`, `\u003cscript\u003e`, `%3Cscript%3E`, "\u2028alert(1)", "\ufeff<script>alert(1)</script>", `＜script＞`,
	"a\r\nSet-Cookie: x=1", "a\r\n\r\n<script>alert(1)</script>",
}, polyglots...)

// tame are the elements and attributes that pages consist of.
var tame = map[string][]string{
	"html": {"lang", "dir"}, "head": nil, "body": nil, "title": nil, "noscript": nil, "br": nil, "bdi": {"class"}, "b": nil, "code": {"dir"}, "h1": nil, "h2": nil, "ul": {"class"}, "li": {"class"},
	"meta": {"charset", "name", "content", "media", "http-equiv"}, "link": {"rel", "type", "href"}, "main": {"class", "id", "tabindex"}, "header": {"class"}, "aside": {"class"},
	"div": {"class", "id", "role", "aria-labelledby", "aria-label"}, "p": {"class", "id", "role", "dir", "data-shows", "data-news", "data-page", "data-after", "data-offline", "data-left", "data-steps", "data-seconds", "data-text"},
	"span": {"class", "id", "aria-hidden"}, "label": {"for"}, "a": {"class", "href", "rel", "target"}, "form": {"method", "action", "class", "novalidate", "id"},
	"input":  {"id", "name", "type", "dir", "value", "autocomplete", "inputmode", "aria-required", "aria-describedby", "aria-invalid", "autofocus", "autocapitalize", "spellcheck", "checked"},
	"button": {"class", "type", "name", "value", "aria-describedby", "tabindex", "aria-hidden", "data-working", "id", "hidden", "data-done"},
	"select": {"id", "name", "dir", "autocomplete", "aria-required", "aria-describedby", "aria-invalid", "autofocus"}, "option": {"value", "selected"},
	"textarea": {"id", "rows", "readonly", "dir", "autocomplete", "spellcheck"},
	"nav":      {"class", "id", "aria-labelledby", "aria-label"}, "details": {"class"}, "summary": nil, "dl": {"class", "aria-label"}, "dt": nil, "dd": nil,
	"fieldset": {"class"}, "legend": nil, "time": {"id", "datetime"}, "footer": {"class"},
	"svg": {"xmlns", "shape-rendering", "class", "viewbox", "width", "height", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "aria-hidden", "focusable"}, "path": {"d", "fill", "stroke-width"}, "rect": {"x", "y", "width", "height", "rx"}, "circle": {"cx", "cy", "r"},
}

// inert reports what of a page is none of ours: elements, attributes, addresses.
func inert(t *testing.T, a answer) (faults []string) {
	t.Helper()
	body := unscripted(t, a.body)
	for at := html.NewTokenizer(strings.NewReader(body)); ; {
		switch at.Next() {
		case html.ErrorToken:
			return faults
		case html.StartTagToken, html.SelfClosingTagToken:
			token := at.Token()
			allowed, known := tame[token.Data]
			if !known {
				faults = append(faults, "<"+token.Data+">")
			}
			for _, attr := range token.Attr {
				if !slices.Contains(allowed, attr.Key) {
					faults = append(faults, fmt.Sprintf("<%s %s=%q>", token.Data, attr.Key, attr.Val))
				}
				if slices.Contains([]string{"href", "action", "data-news", "data-page"}, attr.Key) && !tameAddress(token.Data, attr.Val) {
					faults = append(faults, fmt.Sprintf("<%s %s=%q>", token.Data, attr.Key, attr.Val))
				}
			}
			if token.Data == "meta" && strings.Contains(token.String(), "evil") {
				faults = append(faults, token.String())
			}
		}
	}
}

// tameAddress: a form and a link lead to us, both also to the bank, and a link to the shop.
func tameAddress(element, address string) bool {
	for _, start := range []string{"/payment/", "/static/checkout/", "#"} {
		if strings.HasPrefix(address, start) {
			return true
		}
	}
	return strings.HasPrefix(address, "https://bank.example/") || element == "a" && strings.HasPrefix(address, "https://shop.example/")
}

// TestHostileTextIsInert: whatever stands in what shops, customers and providers send, a page consists of what it is made of, and
// each answer of its own headers.
func TestHostileTextIsInert(t *testing.T) {
	t.Parallel()
	pairs := 0
	for _, text := range hostile {
		h := newHouse(t, everywhere, func(s *shop.Shop) { s.Name, s.Settings.CardTokens = text, true })
		h.bank.page = "https://bank.example/?" + text
		h.bank.form = url.Values{text: {text}}.Encode()
		h.bank.banks = []connector.Bank{{ID: "b" + text[:min(len(text), 60)], Name: text[:min(len(text), 70)]}, {ID: "rhein", Name: text[:min(len(text), 60)]}}
		for field, pages := range map[string]func(page string) []answer{
			"description, reference, return address": func(page string) []answer { return []answer{h.get(page), h.get(page + "?method=GOOGLEPAY")} },
			"form": func(page string) []answer {
				all := h.fill(page, "number", text, "expiry", text, "code", text, "holder", text, "amount", text, "method", "BASIC_CARD", "kept", text)
				first := h.do("POST", page, all)
				all.Set("change", text)
				all.Set("number", approved)
				return []answer{first, h.do("POST", page, all)}
			},
			"method": func(page string) []answer {
				return []answer{h.get(page + "?method=" + url.QueryEscape(text)), h.do("POST", page, h.fill(page, "method", text))}
			},
			"address of the bank": func(page string) []answer {
				a := h.do("POST", page, h.fill(page, "amount", "5", "number", challenge, "expiry", "12/39", "code", "123", "method", "BASIC_CARD", "holder", "Ada"))
				return []answer{a, h.get(page + "/continue"), h.get(page), h.get(page + "/return?x=" + url.QueryEscape(text))}
			},
			"form of the bank": func(page string) []answer {
				h.do("POST", page, h.fill(page, "amount", "5", "number", posting, "expiry", "12/39", "code", "123", "method", "BASIC_CARD"))
				return []answer{h.get(page), h.get(page + "/continue")}
			},
			"bank": func(string) []answer {
				_, page := h.deposit(by(payment.OpenBanking), func(c *engine.Create) { c.Description = text })
				all := []answer{h.get(page), h.do("POST", page, h.fill(page, "bank", text))}
				h.do("POST", page, h.fill(page, "bank", "rhein"))
				return append(all, h.get(page))
			},
			"code, and the address of the app": func(string) []answer {
				_, page := h.deposit(by(payment.Blik))
				all := []answer{h.do("POST", page, h.fill(page, "blik", text))}
				h.do("POST", page, h.fill(page, "blik", "123456"))
				_, other := h.deposit(by(payment.Pix))
				h.do("POST", other, h.fill(other))
				return append(all, h.get(page), h.get(other), h.get(other+"/news"))
			},
			"who pays": func(page string) []answer {
				h.bank.want(payer.Wants{Details: payer.Details(), Documents: []string{"BR_CPF", "BR_CNPJ"}})
				defer h.bank.want(payer.Wants{})
				all := h.fill(page, "amount", "5", "number", approved, "expiry", "12/39", "code", "123", "method", "BASIC_CARD", "documentType", text, "documentNumber", text)
				for _, d := range payer.Details() {
					all.Set(string(d), text)
				}
				return []answer{h.get(page), h.do("POST", page, all)}
			},
			"app that knows the customer": func(string) []answer {
				_, page := h.deposit(by(payment.Blik), func(c *engine.Create) { c.Customer = `{"referenceId":"anna"}` })
				return []answer{h.get(page), h.get(page + "?app=" + url.QueryEscape(text)), h.do("POST", page, h.fill(page, "app", text, "save", text))}
			},
			"what the provider says": func(page string) []answer {
				h.bank.says = text
				defer func() { h.bank.says = "" }()
				h.do("POST", page, h.fill(page, "amount", "5", "number", refused, "expiry", "12/39", "code", "123", "method", "BASIC_CARD"))
				return []answer{h.get(page), h.get(page + "/news")}
			},
		} {
			pairs++
			_, page := h.deposit(func(c *engine.Create) {
				c.Method, c.Amount = "", money.Amount{}
				c.Description, c.Reference = text, text
				c.ReturnURL = "https://shop.example/" + url.PathEscape(text) + "?r={referenceId}"
			})
			for _, a := range pages(page) {
				if faults := inert(t, a); len(faults) > 0 || a.status == http.StatusInternalServerError {
					t.Errorf("%q as %s: status %d, %q", text, field, a.status, faults)
				}
				if a.header.Get("Set-Cookie") != "" || strings.ContainsAny(a.header.Get("Location")+a.header.Get("Refresh"), "<>\"'\r\n") {
					t.Errorf("%q as %s: headers %v", text, field, a.header)
				}
			}
		}
	}
	if pairs < 400 {
		t.Errorf("only %d pairs", pairs)
	}
}

// TestTheSearchForHostileTextFindsIt.
func TestTheSearchForHostileTextFindsIt(t *testing.T) {
	t.Parallel()
	for _, live := range []string{
		`<script>alert(1)</script>`, `<p onclick="x">`, `<a href="javascript:alert(1)">`, `<img src=x>`, `<p style="x">`, `<form action="https://evil.example">`,
		`<meta http-equiv="refresh" content="0;url=https://evil.example">`, `<svg onload=x>`,
	} {
		if len(inert(t, answer{body: live})) == 0 {
			t.Errorf("%s is not found", live)
		}
	}
}
