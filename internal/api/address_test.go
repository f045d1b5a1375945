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
	s := shop.Defaults(true)
	s.AllowedWebhookHosts = []string{"hooks.example:8443", "127.0.0.1", "2001:db8::1"}
	local := func(host string) bool { return host == "127.0.0.1" }
	for text, want := range map[string]string{
		"https://hooks.example:8443/a": "", "hooks.example:8443/a": "", "http://[2001:db8::1]/": "",
		"https://hooks.example/a":  "must be at a host that the shop allows",
		"https://１２７.０.０.１:8443/a": "must not be at an address that is not public",
		"myapp://back":             string(address.ErrHTTP), "https://hooks.example:8443/#a": string(address.ErrFragment),
	} {
		if _, wrong := api.HookAddress(text, &s, local); wrong != want {
			t.Errorf("%q: %q, want %q", text, wrong, want)
		}
	}
}
