package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestShopUpdate(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	server := start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	made := f.shop("updated while serving")
	update := func(more ...string) []string {
		return append([]string{"shop", "update", "--shop", made["shopId"]}, more...)
	}
	f.says(0, `"callbackUrl": "https://shop.example/y"`, update("--settings", `{"yandexPay":{"callbackUrl":"https://shop.example/y"}}`)...)
	f.says(0, `"twoStage": true`, update("--settings", `{"yandexPay":{"twoStage":true}}`)...)
	for settings, part := range map[string]string{
		`{"yandexPay":{"twoStages":true}}`:                          "twoStages",
		`{"yandexPay":{"callbackUrl":"ftp://x"}}`:                   "yandexPay.callbackUrl",
		`{"yandexPay":{"callbackUrl":"https://shop.example/?y=1"}}`: "must end with its path",
		`{"yandexPay":{"methods":["CASH"]}}`:                        "yandexPay.methods",
		`{"yandexPay":{"currencies":["rub"]}}`:                      "yandexPay.currencies",
		`{"webhookUrl":"myapp://back"}`:                             "webhookUrl: must be an https or http address",
		`{"webhookUrl":"https://shop.example/#x"}`:                  "webhookUrl: must not hold a fragment",
		`{"webhookUrl":"https://shop.example/a b"}`:                 "webhookUrl: must not hold a blank",
		`{"returnUrl":"https://shop.example:65536/"}`:               "returnUrl: must have a port from 1 to 65535",
		`{"returnUrl":"javascript:alert(1)"}`:                       "returnUrl: must be an https or http address, or one of an app",
		`{"returnUrl":"https://user@shop.example/"}`:                "returnUrl: must not hold user information",
		`{"allowedReturnHosts":["https://shop.example"]}`:           "allowedReturnHosts",
		`{} {}`:                 "more than one",
		`{"checkoutTimeout":0}`: "checkoutTimeout",
	} {
		f.says(1, part, update("--settings", settings)...)
	}
	f.says(0, `"requiredParameters": "relaxed"`, update()...)
	f.says(0, `"requiredParameters": "contract"`, update("--settings", "\ufeff{\"requiredParameters\":\"contract\"}")...)
	f.says(0, `"returnUrl": "https://www.shop.example"`, update("--settings", `{"returnUrl":"www.shop.example"}`)...)
	f.says(0, `"webhookUrl": "https://xn--80aairftm.xn--p1ai/hook"`, update("--settings", `{"webhookUrl":"магазин.рф/hook"}`)...)
	f.says(0, `"xn--80aairftm.xn--p1ai:8443"`, update("--settings", `{"allowedWebhookHosts":["магазин.рф:8443"],"allowedReturnHosts":["MyApp:"]}`)...)
	f.says(0, `"returnUrl": "myapp://back"`, update("--settings", `{"returnUrl":"myapp://back"}`)...)
	shown := f.says(0, `"checkoutTimeout": 60`, update()...)
	for _, part := range []string{`"twoStage": true`, `"callbackUrl": "https://shop.example/y"`} {
		if !strings.Contains(shown, part) {
			t.Errorf("%s is gone after refused updates: %s", part, shown)
		}
	}
	f.says(1, "no shop", "shop", "update", "--shop", strings.Repeat("0", 32))

	live := f.made([]string{"shopId", "apiKey", "signingKey"}, "shop", "create", "--name", "live", "--live")
	f.says(1, "merchantIdAsKey", "shop", "update", "--shop", live["shopId"], "--settings", `{"yandexPay":{"merchantIdAsKey":true}}`)

	payments := server.text("baseUrl") + "/api/v1/payments"
	f.says(0, `"active": false`, update("--no-active")...)
	eventually(t, http.StatusForbidden, payments, made["apiKey"])
	f.says(0, `"active": true`, update("--active")...)
	eventually(t, http.StatusOK, payments, made["apiKey"])
	server.stop()
}

// eventually asks until the answer has the status: a shop's settings may be a second old.
func eventually(t *testing.T, want int, url, key string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got := status(t, url, key)
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s answers %d, want %d", url, got, want)
		}
	}
}
