package api_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/address"
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/shop"
)

func TestReturnAddress(t *testing.T) {
	t.Parallel()
	free := shop.Defaults(false)
	strict := shop.Defaults(true)
	strict.RequireHTTPS, strict.AllowedReturnHosts = true, []string{"shop.example", "other.example:8443", "xn--80aairftm.xn--p1ai", "myapp:"}
	pinned := shop.Defaults(true)
	pinned.AllowedReturnHosts = []string{"shop.example", "myapp:"}
	const https, host = "must be an https address", "must be at a host that the shop allows"
	for _, c := range []struct {
		text        string
		s           *shop.Settings
		used, wrong string
	}{
		{"https://shop.example/ok?order={referenceId}", &free, "https://shop.example/ok?order={referenceId}", ""},
		{"www.shop.example", &free, "https://www.shop.example", ""},
		{"myapp://back", &free, "myapp://back", ""},
		{"", &free, "", string(address.ErrEmpty)},
		{"javascript:alert(1)", &free, "", string(address.ErrScheme)},
		{"https://Shop.Example/ok", &strict, "https://Shop.Example/ok", ""},
		{"https://shop.example:444/ok", &strict, "https://shop.example:444/ok", ""},
		{"shop.example/ok", &strict, "https://shop.example/ok", ""},
		{"https://магазин.рф/ok", &strict, "https://xn--80aairftm.xn--p1ai/ok", ""},
		{"https://other.example:8443/ok", &strict, "https://other.example:8443/ok", ""},
		{"https://other.example/ok", &strict, "https://other.example/ok", host},
		{"https://evil.example/shop.example", &strict, "https://evil.example/shop.example", host},
		{"http://shop.example/ok", &strict, "http://shop.example/ok", https},
		{"myapp://back", &strict, "myapp://back", https},
		{"myapp://back", &pinned, "myapp://back", ""},
		{"MyApp:back", &pinned, "MyApp:back", ""},
		{"yourapp://shop.example", &pinned, "yourapp://shop.example", host},
	} {
		if used, wrong := api.ReturnAddress(c.text, c.s); used != c.used || wrong != c.wrong {
			t.Errorf("%q: %q %q, want %q %q", c.text, used, wrong, c.used, c.wrong)
		}
	}
}

func TestHookAddress(t *testing.T) {
	t.Parallel()
	s := shop.Shop{Live: true, Settings: shop.Defaults(true)}
	s.Settings.AllowedWebhookHosts = []string{"hooks.example:8443", "127.0.0.1", "2001:db8::1"}
	hooks := api.Hooks{Clear: true, Forbidden: func(host string) bool { return host == "127.0.0.1" }}
	for text, want := range map[string]string{
		"https://hooks.example:8443/a": "", "hooks.example:8443/a": "", "http://[2001:db8::1]/": "",
		"https://hooks.example/a":  "must be at a host that the shop allows",
		"https://１２７.０.０.１:8443/a": "must not be at an address that is not public",
		"myapp://back":             string(address.ErrHTTP), "https://hooks.example:8443/#a": string(address.ErrFragment),
	} {
		if _, wrong := hooks.Address(text, &s); wrong != want {
			t.Errorf("%q: %q, want %q", text, wrong, want)
		}
	}
}

// TestEventsOfALiveShopGoProtected: http is for test shops, this machine and operators who say so.
func TestEventsOfALiveShopGoProtected(t *testing.T) {
	t.Parallel()
	live, test := shop.Shop{Live: true, Settings: shop.Defaults(true)}, shop.Shop{Settings: shop.Defaults(false)}
	var strict api.Hooks
	lax := api.Hooks{Clear: true}
	for text, refused := range map[string]bool{
		"http://shop.example/hook": true, "HTTP://SHOP.example": true, "http://10.0.0.1/": true, "http://[2001:db8::1]/": true, "http://localhost.example/": true,
		"https://shop.example/hook": false, "shop.example/hook": false, "http://127.0.0.1:8080/": false, "http://localhost/": false, "http://[::1]:9/": false,
	} {
		want := ""
		if refused {
			want = "must be an https address: this is a live shop"
		}
		if _, wrong := strict.Address(text, &live); wrong != want {
			t.Errorf("%s: %q", text, wrong)
		}
		if _, wrong := strict.Address(text, &test); wrong != "" {
			t.Errorf("%s of a test shop: %q", text, wrong)
		}
		if _, wrong := lax.Address(text, &live); wrong != "" {
			t.Errorf("%s, allowed: %q", text, wrong)
		}
	}
}
