package yandexpay_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// FuzzServe sends any body to any call about any order. Whatever it is, the answer is one of the API's and no fault of
// ours.
func FuzzServe(f *testing.F) {
	calls := []string{
		"/v1/orders", "/v1/orders/{}", "/v1/orders/{}/cancel", "/v1/orders/{}/capture", "/v1/orders/{}/refund", "/v2/orders/{}/refund",
		"/v1/orders/{}/rollback", "/v1/orders/{}/submit", "/v1/operations/{}", "/v1/subscriptions", "/v1/subscriptions/recur", "/v1/subscriptions/{}",
	}
	for i, body := range []string{tea, "", `{"reason":"x"}`, `{"orderAmount":"10"}`, `{"refundAmount":1.0,"orderAmount":0}`,
		`{"refundAmount":"90","targetCart":{"items":[{"productId":"p1","quantityCount":1}]}}`, "a=b", "[]", `{"x":1}`, monthly, recurrent, `{"checkCardActive":true}`} {
		f.Add(i, "A-1", body, "id")
	}
	f.Add(5, "A/\x001", `{"refundAmount":"90","externalOperationId":"`+strings.Repeat("ж", 2048)+`"}`, "\xff")
	c := newClient(f, storetest.New(f, store.SQLite), nil)
	c.paid(f, "A-1")
	c.post(f, "/v1/subscriptions", monthly)
	mux := http.NewServeMux()
	yandexpay.New(c.app.Engine, c.app.Records, api.NewAuth(c.app.Engine), c.app.Log).Mount(mux)
	served := api.Exact(mux, func(w http.ResponseWriter, r *http.Request, _ int) { http.NotFound(w, r) }, yandexpay.BasePath)
	f.Fuzz(func(t *testing.T, call int, name, body, rid string) {
		path := strings.ReplaceAll(calls[uint(call)%uint(len(calls))], "{}", strings.ReplaceAll(url.PathEscape(name), ".", "%2E"))
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			r := httptest.NewRequest(method, yandexpay.BasePath+path, strings.NewReader(body))
			r.Header.Set("X-Request-Id", rid)
			w := c.serveOn(served, r)
			var e struct{ Status, ReasonCode string }
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code >= 500 || (w.Code == 200) != (e.Status == "success") || (w.Code == 200) == (e.ReasonCode != "") {
				t.Errorf("%s %s %q: %d %s", method, path, body, w.Code, w.Body)
			}
		}
	})
}
