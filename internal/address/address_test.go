package address_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/address"
)

// same stands for an address that is used as it was given.
const same = ""

// TestAddresses holds the whole rule: how an address is used or why it is refused, for a customer's way back and for posts.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text           string
		back, hook     string // as it is used; same for as given
		noBack, noHook error
	}{
		{text: "https://shop.example/a?b=c&d=%20"},
		{text: "http://127.0.0.1:8080"},
		{text: "HTTPS://Shop.Example/Ok"},
		{text: "https://[2001:db8::1]:8443/hook"},
		{text: "https://shop.example:/ok"},
		{text: "https://under_score.example./ok"},
		{text: "https://xn--80aairftm.xn--p1ai/x"},
		{text: "https://shop.example/путь?q=ä"},
		{text: "https://shop.example/ok?order={referenceId}"},

		{text: "www.shop.example", back: "https://www.shop.example", hook: "https://www.shop.example"},
		{text: "shop.example/ok?order={referenceId}", back: "https://shop.example/ok?order={referenceId}", hook: "https://shop.example/ok?order={referenceId}"},
		{text: "//shop.example/ok", back: "https://shop.example/ok", hook: "https://shop.example/ok"},
		{text: "localhost:3000/ok", back: "https://localhost:3000/ok", hook: "https://localhost:3000/ok"},
		{text: "shop.example:8443", back: "https://shop.example:8443", hook: "https://shop.example:8443"},
		{text: "магазин.рф", back: "https://xn--80aairftm.xn--p1ai", hook: "https://xn--80aairftm.xn--p1ai"},

		{text: "https://магазин.рф/x", back: "https://xn--80aairftm.xn--p1ai/x", hook: "https://xn--80aairftm.xn--p1ai/x"},
		{text: "https://МАГАЗИН.РФ.:8443/x", back: "https://xn--80aairftm.xn--p1ai:8443/x", hook: "https://xn--80aairftm.xn--p1ai:8443/x"},
		{text: "http://magazín。example", back: "http://xn--magazn-7va.example", hook: "http://xn--magazn-7va.example"},
		{text: "https://１２７.０.０.１/", back: "https://127.0.0.1/", hook: "https://127.0.0.1/"},
		{text: "https://shop℀evil.example/", noBack: address.ErrHost, noHook: address.ErrHost},
		{text: "https://" + strings.Repeat("ы", 64) + ".example/", noBack: address.ErrHost, noHook: address.ErrHost},

		{text: "myapp://back", noHook: address.ErrHTTP},
		{text: "myapp:back?state={state}", noHook: address.ErrHTTP},
		{text: "myapp://{state}/{id}", noHook: address.ErrHTTP},
		{text: "MyApp:/", noHook: address.ErrHTTP},
		{text: "com.shop.app:/oauth#done", noHook: address.ErrHTTP},
		{text: "myapp://user@back", noBack: address.ErrUser, noHook: address.ErrHTTP},
		{text: "user:pass@shop.example/", noBack: address.ErrUser, noHook: address.ErrHTTP},
		{text: "myapp://a b", noBack: address.ErrBlank, noHook: address.ErrHTTP},
		{text: "myapp://a%2", noBack: address.ErrEscape, noHook: address.ErrHTTP},

		{text: "javascript:alert(1)", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "JavaScript:1", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "javascript://shop.example/%0aalert(1)", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "data:text/html,x", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "vbscript:x", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "blob:https://shop.example/1", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "file:///etc/passwd", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "about:blank", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "view-source:https://shop.example", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "ftp://shop.example", noBack: address.ErrScheme, noHook: address.ErrHTTP},
		{text: "java\nscript:alert(1)", noBack: address.ErrPort, noHook: address.ErrPort},
		{text: " javascript:alert(1)", noBack: address.ErrPort, noHook: address.ErrPort},

		{text: "", noBack: address.ErrEmpty, noHook: address.ErrEmpty},
		{text: "/ok", noBack: address.ErrForm, noHook: address.ErrForm},
		{text: "thanks", noBack: address.ErrForm, noHook: address.ErrForm},
		{text: "?ok", noBack: address.ErrForm, noHook: address.ErrForm},
		{text: "https:shop.example", noBack: address.ErrForm, noHook: address.ErrForm},
		{text: "https:///ok", noBack: address.ErrForm, noHook: address.ErrForm},
		{text: "https://:443/ok", noBack: address.ErrHost, noHook: address.ErrHost},
		{text: "https://user:pass@shop.example/", noBack: address.ErrUser, noHook: address.ErrUser},
		{text: "https://shop.example\\@evil.example/", noBack: address.ErrUser, noHook: address.ErrUser},
		{text: "https://shop.example\\evil.example/", noBack: address.ErrHost, noHook: address.ErrHost},
		{text: "https://{id}.shop.example/", noBack: address.ErrVariable, noHook: address.ErrVariable},
		{text: "https://%73hop.example/", noBack: address.ErrHost, noHook: address.ErrHost},
		{text: "https://sh op.example/", noBack: address.ErrHost, noHook: address.ErrHost},
		{text: "https://[::1/", noBack: address.ErrHost, noHook: address.ErrHost},
		{text: "https://[::1%25eth0]/", noBack: address.ErrHost, noHook: address.ErrHost},

		{text: "https://shop.example:0/", noBack: address.ErrPort, noHook: address.ErrPort},
		{text: "https://shop.example:65536/", noBack: address.ErrPort, noHook: address.ErrPort},
		{text: "https://shop.example:99999999999999999999", noBack: address.ErrPort, noHook: address.ErrPort},
		{text: "https://shop.example:+80/", noBack: address.ErrPort, noHook: address.ErrPort},
		{text: "www.shop.example:70000/x", noBack: address.ErrPort, noHook: address.ErrPort},
		{text: "https://shop.example/a b", noBack: address.ErrBlank, noHook: address.ErrBlank},
		{text: "https://shop.example/a\u00a0b", noBack: address.ErrBlank, noHook: address.ErrBlank},
		{text: "https://shop.example/a?b=c d", noHook: address.ErrBlank},
		{text: "https://shop.example/a#done", noHook: address.ErrFragment},
		{text: "https://shop.example/a#", noHook: address.ErrFragment},
		{text: "https://shop.example/%zz", noBack: address.ErrEscape, noHook: address.ErrEscape},
		{text: "https://shop.example/#%z", noBack: address.ErrEscape, noHook: address.ErrFragment},
	} {
		check(t, "Return", address.Return, c.text, c.back, c.noBack)
		check(t, "Hook", address.Hook, c.text, c.hook, c.noHook)
	}
}

func check(t *testing.T, name string, read func(string) (address.Address, error), text, want string, refused error) {
	t.Helper()
	if want == same {
		want = text
	}
	a, err := read(text)
	switch {
	case !errors.Is(err, refused):
		t.Errorf("%s(%q): %v, want %v", name, text, err, refused)
	case err == nil && a.Text != want:
		t.Errorf("%s(%q) is %q, want %q", name, text, a.Text, want)
	}
}

// FuzzAddress: what is accepted is read by the standard library as we read it, is in ASCII up to its path, and is accepted
// again as it is.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"www.shop.example", "myapp://back", "https://магазин.рф:80/x?y#z", "https://[::1]:9/", "a:1", "//x.y", "java\tscript:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, read := range map[string]func(string) (address.Address, error){"Return": address.Return, "Hook": address.Hook} {
			a, err := read(text)
			if err != nil {
				continue
			}
			again, err := read(a.Text)
			if err != nil || again != a {
				t.Errorf("%s(%q): %+v, again %+v %v", name, text, a, again, err)
			}
			if !a.Web() {
				continue
			}
			clean := strings.Map(func(r rune) rune {
				if r <= ' ' || r == 0x7f {
					return '_'
				}
				return r
			}, a.Text)
			u, err := url.Parse(clean)
			if err != nil || u.Scheme != a.Scheme || u.Hostname() != a.Host || u.Port() != a.Port || u.User != nil {
				t.Errorf("%s(%q): %+v, the standard library reads %+v (%v)", name, text, a, u, err)
			}
		}
	})
}
