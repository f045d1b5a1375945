package api_test

import (
	"testing"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/shop"
)

func TestReturnAddress(t *testing.T) {
	t.Parallel()
	free := shop.Defaults(false)
	strict := shop.Defaults(true)
	strict.RequireHTTPS, strict.AllowedReturnHosts = true, []string{"shop.example", "other.example:8443"}
	const form, https, host = "must be an absolute http or https address without user information", "must be an https address", "must be at a host that the shop allows"
	for _, c := range []struct {
		text string
		s    *shop.Settings
		want string
	}{
		{"https://shop.example/ok?order={referenceId}", &free, ""},
		{"http://127.0.0.1:8080", &free, ""},
		{"https://shop.example/a b", &free, ""},
		{"", &free, "must not be empty"},
		{"shop.example/ok", &free, form},
		{"//shop.example/ok", &free, form},
		{"ftp://shop.example", &free, form},
		{"javascript:alert(1)", &free, form},
		{"https://user:pass@shop.example/", &free, form},
		{"https://{id}.shop.example/", &free, form},
		{"https://%73hop.example/", &free, form},
		{"https://magazín.example/", &free, form},
		{"https:///ok", &free, form},
		{"https://:443/ok", &free, form},
		{"https://shop.example\\@evil.example/", &free, form},
		{"https://Shop.Example/ok", &strict, ""},
		{"https://shop.example:444/ok", &strict, ""},
		{"https://other.example:8443/ok", &strict, ""},
		{"https://other.example/ok", &strict, host},
		{"https://evil.example/shop.example", &strict, host},
		{"http://shop.example/ok", &strict, https},
	} {
		if got := api.ReturnAddress(c.text, c.s); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
