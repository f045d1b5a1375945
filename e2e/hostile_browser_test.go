package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// hostilePairs is how many pairs of a hostile text and a field there have to be.
const hostilePairs = 2000

// TestHostileTextInABrowser: whatever shops, merchants, customers and providers write into any field that a page could show, no script
// runs, nothing breaks the policy, no dialog opens, and nothing is loaded from elsewhere.
func TestHostileTextInABrowser(t *testing.T) {
	path := os.Getenv("SLUICE_TEST_CHROMIUM")
	if path == "" {
		setting.Missing(t, setting.Chromium, "hostile texts in a browser: SLUICE_TEST_CHROMIUM is not set, see scripts/chromium.sh")
	}
	root := startChromium(t, path)
	texts := hostileTexts()
	says := &sayings{texts: texts}
	m := openMall(t, "")
	provider := *m.sim
	provider.URL = says.before(t, m.sim.URL)
	shop := &mallShop{}
	c := m.server.newHookShop(t, &provider, object{"checkoutAttempts": 10})
	shop.client, shop.browserSite = c.client, &browserSite{BaseURL: c.base, APIKey: c.key, shop: m.site}
	t.Run("the browser tells", func(t *testing.T) { provoke(t, root, m.server.base, shop.create(t, staying).RedirectURL) })
	carts := m.server.newMerchant(t, m.sim, "https://shop.example", false)
	var pairs atomic.Int64
	t.Run("texts", func(t *testing.T) {
		for half := range 2 { // each in a tab
			t.Run("", func(t *testing.T) {
				t.Parallel()
				h := &hostile{tab: openTab(t, root), shop: shop, merchant: carts}
				h.watch(m.server.base, m.sim.URL)
				for i := half; i < len(texts); i += 2 {
					h.request(texts[i])
				}
				if half == 0 {
					h.banks(texts)
					h.lines(texts)
				}
				pairs.Add(int64(h.pairs))
			})
		}
	})
	h := &hostile{tab: openTab(t, root), shop: shop}
	h.watch(m.server.base)
	for i := 0; i < len(texts); i += len(texts)/8 + 1 {
		h.brand(m.server, c.id, texts[i])
	}
	pairs.Add(int64(h.pairs))
	t.Logf("%d texts, %d pairs", len(texts), pairs.Load())
	if pairs.Load() < hostilePairs {
		t.Errorf("only %d pairs", pairs.Load())
	}
}

// hostile counts what it has tried.
type hostile struct {
	*tab

	shop     *mallShop
	merchant *merchant
	pairs    int
}

// watch makes every request that leads to neither of the addresses a problem.
func (b *tab) watch(addresses ...string) {
	b.t.Helper()
	b.do(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		return err
	})
	err := chromedp.Listen(b.ctx, func(event any) {
		e, ok := event.(*network.EventRequestWillBeSent)
		if !ok || e.Request == nil {
			return
		}
		for _, a := range addresses {
			if strings.HasPrefix(e.Request.URL, a+"/") {
				return
			}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, "a request to "+e.Request.URL)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// provoke proves that the browser tells of what is looked for.
func provoke(t *testing.T, root context.Context, base, page string) {
	t.Helper()
	b := openTab(t, root)
	b.watch(base)
	b.open(page)
	if got := b.text(intruders); got != "" {
		t.Errorf("the search finds of our own %q", got)
	}
	b.text(`["img", "iframe", "a"].map(name => {
		const e = document.createElement(name);
		e.setAttribute(name === "a" ? "href" : "src", name === "a" ? "javascript:alert(1)" : "//evil.example/" + name);
		return document.body.append(e);
	}).join("")`)
	if got := b.text(intruders); !strings.Contains(got, "img") || !strings.Contains(got, "iframe") || !strings.Contains(got, "a javascript") {
		t.Errorf("the search finds %q", got)
	}
	b.text(`(setTimeout(() => { location.href = "http://evil.example/"; }, 0), "")`)
	await(t, "news of a broken policy, and of a request elsewhere", browserPatience, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		told := strings.Join(b.problems, "\n")
		return strings.Contains(told, "Content Security Policy") && strings.Contains(told, "evil.example")
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = nil
}

// clean looks at the page that is shown.
func (h *hostile) clean(text, where string) {
	h.t.Helper()
	if got := h.text(`document.readyState === "loading" ? "not there" : ` + intruders); got != "" {
		h.t.Errorf("%q as %s: %s", text, where, got)
	}
}

var refusedField = regexp.MustCompile(`"field":"([^"]+)"`)

// request has the text in every field of a request that takes it, and then in every field of the page's forms.
func (h *hostile) request(text string) {
	h.t.Helper()
	fields := map[string]any{
		"description": text, "referenceId": text, "returnUrl": "https://shop.example/back?x=" + url.QueryEscape(text),
		"customer.firstName": text, "customer.lastName": text, "customer.routingGroup": text, "customer.referenceId": text,
		"billingAddress.city": text, "billingAddress.addressLine1": text, "billingAddress.addressLine2": text, "billingAddress.state": text, "billingAddress.postalCode": text,
	}
	h.pairs += len(fields)
	page := h.create(fields)
	h.open(page + "?method=" + url.QueryEscape(text) + "&card=" + url.QueryEscape(text))
	h.clean(text, "a text of the merchant, or the address's query")
	h.pairs += 2
	form := map[string]string{"amount": text, "number": text, "expiry": text, "code": text, "holder": text, "kept": text, "card": text, "method": text, "blik": text}
	raw, err := json.Marshal(form)
	if err != nil {
		h.t.Fatal(err)
	}
	h.text(`((form, fields) => {
		for (const name in fields) {
			const field = form.querySelector("[name=" + name + "]") || form.appendChild(Object.assign(document.createElement("input"), {type: "hidden", name}));
			field.value = fields[name];
		}
		form.submit();
		return "";
	})(document.querySelector("form.pay"), ` + string(raw) + `)`)
	h.eventually("the form again", `document.querySelector(".fault, .alert, .alone, form.pay") !== null && !location.search`)
	h.clean(text, "what the customer entered")
	h.pairs += len(form)
}

// create makes a payment without the fields that are refused.
func (h *hostile) create(fields map[string]any) (page string) {
	h.t.Helper()
	for range len(fields) {
		body := object{"paymentType": "DEPOSIT", "currency": "EUR", "customer": object{}, "billingAddress": object{}}
		for name, value := range fields {
			at, last, within := strings.Cut(name, ".")
			if !within {
				body[name] = value
				continue
			}
			body[at].(object)[last] = value
		}
		r, err := h.shop.do(h.t.Context(), request{method: "POST", path: payments, body: body})
		if err != nil {
			h.t.Fatal(err)
		}
		if r.status == http.StatusOK {
			return r.payment.RedirectURL
		}
		refused := refusedField.FindAllSubmatch(r.body, -1)
		if r.status != http.StatusBadRequest || len(refused) == 0 {
			h.t.Fatalf("%s", r)
		}
		for _, f := range refused {
			delete(fields, string(f[1]))
		}
	}
	h.t.Fatal("every field is refused")
	return ""
}

// banks has the provider name its banks and explain itself by the texts.
func (h *hostile) banks(texts []string) {
	h.t.Helper()
	h.open(h.shop.create(h.t, with(staying, "paymentMethod", "OPEN_BANKING")).RedirectURL)
	h.clean("all", "names of banks")
	h.eventually("a list of banks", `document.querySelectorAll("#bank option").length > 20`)
	h.pairs += len(texts)
	h.open(h.shop.create(h.t, choosing).RedirectURL)
	h.fillCard("4000 0000 0000 9995")
	h.click("button.primary")
	h.eventually("the reason", `document.body.innerText.includes("not enough money")`)
	h.clean("all", "what the provider says")
	h.pairs++
}

// lines has the texts as the lines of carts.
func (h *hostile) lines(texts []string) {
	h.t.Helper()
	const perPage = 40
	for n := 0; n < len(texts); n += perPage {
		var items []object
		for i, text := range texts[n:min(n+perPage, len(texts))] {
			items = append(items, object{"productId": fmt.Sprint(i), "title": text, "quantity": object{"count": "1"}, "total": "1.00"})
		}
		a, err := h.merchant.call(h.t.Context(), payCall{method: "POST", path: "/v1/orders", body: object{
			"orderId": fmt.Sprint("hostile-", n), "currencyCode": "RUB", "cart": object{"items": items, "total": object{"amount": fmt.Sprint(len(items), ".00")}},
			"redirectUrls": object{"onSuccess": "https://shop.example/ok", "onError": "https://shop.example/no"},
		}})
		if err != nil || a.data.PaymentURL == "" {
			h.t.Fatalf("order: %v %v", a, err)
		}
		h.open(a.data.PaymentURL)
		h.clean("some", "lines of the order")
		h.pairs += len(items)
	}
}

// brand gives the shop the text as its name, or finds that it is refused.
func (h *hostile) brand(s *server, shop, text string) {
	h.t.Helper()
	h.pairs++
	raw, err := json.Marshal(object{"brand": object{"name": text}})
	if err != nil {
		h.t.Fatal(err)
	}
	_, _, code := runOnce(h.t, nil, s.arguments("shop", "update", "--shop", shop, "--settings", string(raw))...)
	if code != 0 {
		return
	}
	page := h.shop.create(h.t, staying).RedirectURL
	await(h.t, "the name", browserPatience, func() bool {
		h.open(page)
		return h.text(`document.querySelector(".merchant .name").textContent.startsWith("Shop") ? "" : "so"`) == "so"
	})
	h.clean(text, "the shop's name")
}

// sayings are what stands between us and the provider, and puts the texts into its answers.
type sayings struct{ texts []string }

func (s *sayings) before(t *testing.T, provider string) string {
	t.Helper()
	to, err := url.Parse(provider)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			body = s.spoil(r.Request.URL.Path, body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", fmt.Sprint(len(body)))
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

func (s *sayings) spoil(path string, body []byte) []byte {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil {
		return body
	}
	if path == "/v1/banks" {
		var banks []object
		for i, text := range s.texts {
			banks = append(banks, object{"id": fmt.Sprint("b", i), "name": text, "country": "DE", "status": "up"})
		}
		answer = map[string]any{"banks": banks}
	}
	if answer["responseMessage"] != nil {
		answer["responseMessage"] = strings.Join(s.texts[:20], " ")
	}
	spoilt, err := json.Marshal(answer)
	if err != nil {
		return body
	}
	return spoilt
}
