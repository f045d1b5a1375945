package checkout

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// TestAMethodMayHaveAPageForWhatItsCustomersDo: it is shown as long as there is something to do without leaving; a method without
// such a page has its customers wait.
func TestAMethodMayHaveAPageForWhatItsCustomersDo(t *testing.T) {
	t.Parallel()
	g, now := &Pages{assets: loadAssets(), log: slog.New(slog.DiscardHandler)}, time.Unix(1_900_000_000, 0)
	page := template.Must(template.Must(g.assets.pages["payment_wait"].Clone()).Parse(`{{define "main"}}{{.Step.Label}} is {{.Step.Code}}{{end}}`))
	g.assets.pages["method_blik"] = page
	words := *languages()[0]
	words.Steps = map[string]stepWords{"BLIK": {Label: "What to copy"}}
	for _, c := range []struct {
		name   string
		method payment.Method
		class  payment.Class
		next   payment.Next
		shown  bool
	}{
		{"a code", payment.Blik, payment.ClassWaiting, payment.Next{Kind: payment.NextCode, Code: "<00020126>"}, true},
		{"a code for some time", payment.Blik, payment.ClassWaiting, payment.Next{Kind: payment.NextCode, Code: "<00020126>", Until: now.Add(1)}, true},
		{"a code that is over", payment.Blik, payment.ClassWaiting, payment.Next{Kind: payment.NextCode, Code: "<00020126>", Until: now}, false},
		{"an address", payment.Blik, payment.ClassWaiting, payment.GoTo("https://bank.example/"), false},
		{"nothing to do", payment.Blik, payment.ClassWaiting, payment.Next{}, false},
		{"an outcome that is not known", payment.Blik, payment.ClassUnknown, payment.Next{Kind: payment.NextCode, Code: "<00020126>"}, false},
		{"a method without a page", payment.PayByLink, payment.ClassWaiting, payment.Next{Kind: payment.NextCode, Code: "<00020126>"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &visit{shop: &shop.Shop{Active: true}, words: &words, now: now, payment: payment.Restore(payment.Payment{
				Type: payment.Deposit, Method: c.method, Live: 1, Updated: now,
				Attempts: []payment.Attempt{{Seq: 1, Kind: payment.AttemptDeposit, Class: c.class, Started: now, Next: c.next}},
			}, payment.Pending)}
			w := httptest.NewRecorder()
			g.showPayment(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), v)
			if got := strings.Contains(w.Body.String(), "What to copy is &lt;00020126&gt;"); got != c.shown {
				t.Errorf("shown: %t\n%s", got, w.Body)
			}
			if c.next.Kind != payment.NextGo && !strings.Contains(w.Body.String(), `http-equiv="refresh"`) {
				t.Error("the page does not look whether it was done")
			}
		})
	}
}
