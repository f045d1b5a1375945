package checkout

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/web"
)

// TestAFormIsPostedToTheProvider: by a script, or a button, with what the provider wants in it and nothing else; no other page lets a
// form lead away.
func TestAFormIsPostedToTheProvider(t *testing.T) {
	t.Parallel()
	g, now := &Pages{assets: loadAssets(), log: slog.New(slog.DiscardHandler)}, time.Unix(1_900_000_000, 0)
	for _, c := range []struct {
		form   string
		url    string
		status int
		wants  []string
	}{
		{"b=2&a=1&a=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&token=%2B%2F%3D", "https://bank.example/post?x=1&y=2", http.StatusOK, []string{
			`<form id="post" method="post" action="https://bank.example/post?x=1&amp;y=2">`, `name="a" value="1"`, `name="b" value="2"`,
			`value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"`, `name="token" value="&#43;/="`, `<button class="primary" type="submit">`,
		}},
		{"", "https://bank.example/", http.StatusOK, []string{`id="post"`}},
		{"a=%zz", "https://bank.example/", http.StatusInternalServerError, []string{"Something went wrong"}},
		{"a=1", "javascript:alert(1)", http.StatusSeeOther, nil},
	} {
		v := &visit{shop: &shop.Shop{Active: true}, words: languages()[0], now: now, path: "/payment/t", payment: payment.Restore(payment.Payment{
			Type: payment.Deposit, Method: payment.BasicCard, Live: 1, Updated: now, Attempts: []payment.Attempt{{
				Seq: 1, Kind: payment.AttemptDeposit, Class: payment.ClassWaiting, Started: now, Redirected: true,
				Next: payment.Next{Kind: payment.NextPost, URL: c.url, Form: c.form},
			}},
		}, payment.Pending)}
		w := httptest.NewRecorder()
		g.leavePayment(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), v)
		if w.Code != c.status {
			t.Fatalf("%s: %d\n%s", c.form, w.Code, w.Body)
		}
		for _, want := range c.wants {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("lacks %s:\n%s", want, w.Body)
			}
		}
		policy, leads := w.Header().Get("Content-Security-Policy"), strings.Contains(w.Body.String(), `id="post"`)
		if strings.Contains(policy, "form-action 'self' https: http:;") != leads || strings.Contains(policy, g.assets.scripts["post.js"].hash) != leads {
			t.Errorf("%s: %s", c.form, policy)
		}
		w = httptest.NewRecorder()
		g.setHeaders(w.Header(), web.PagePolicy{})
		g.showPayment(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), v)
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "form-action 'self';") {
			t.Error("the payment's page lets forms lead away")
		}
	}
}
