package checkout

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
)

func TestReturnURL(t *testing.T) {
	t.Parallel()
	p := payment.Restore(payment.Payment{ID: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", Reference: "ORDER/1 ä&?#{id}", Type: payment.Deposit}, payment.Completed)
	for template, want := range map[string]string{
		"https://shop.example/{id}/{referenceId}/{state}/{type}": "https://shop.example/0193f0c2a7b17c9e8d4f5a6b7c8d9e0f/" +
			"ORDER%2F1%20%C3%A4%26%3F%23%7Bid%7D/COMPLETED/DEPOSIT",
		"https://shop.example/?a={id}&b={id}":  "https://shop.example/?a=0193f0c2a7b17c9e8d4f5a6b7c8d9e0f&b=0193f0c2a7b17c9e8d4f5a6b7c8d9e0f",
		"https://shop.example/{ID}/{x}/{/}":    "https://shop.example/%7BID%7D/%7Bx%7D/%7B/%7D",
		"https://shop.example/{{id}}{id":       "https://shop.example/%7B0193f0c2a7b17c9e8d4f5a6b7c8d9e0f%7D%7Bid",
		"https://shop.example/a b\"<>\\^`|ä#c": "https://shop.example/a%20b%22%3C%3E%5C%5E%60%7C%C3%A4#c",
		"https://shop.example/%7Bid%7D":        "https://shop.example/%7Bid%7D",
		"https://shop.example/\r\nX: 1":        "https://shop.example/%0D%0AX:%201",
		"http://[::1]:80/":                     "http://[::1]:80/",
		"":                                     "",
	} {
		if got := ReturnURL(template, &p); got != want {
			t.Errorf("%q\n got %q\nwant %q", template, got, want)
		}
	}
}

func TestReturnURLWithoutAReference(t *testing.T) {
	t.Parallel()
	p := payment.Restore(payment.Payment{ID: "i", Type: payment.Deposit}, payment.Pending)
	if got, want := ReturnURL("https://s/{referenceId}/{state}", &p), "https://s//PENDING"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzReturnURL(f *testing.F) {
	f.Add("https://shop.example/{id}?r={referenceId}", "ORDER-1")
	f.Add("https://shop.example/{referenceId}", "../..//evil.example?#")
	f.Add("{", "}")
	f.Fuzz(func(t *testing.T, template, reference string) {
		p := payment.Restore(payment.Payment{ID: "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", Reference: reference, Type: payment.Deposit}, payment.Completed)
		got := ReturnURL(template, &p)
		for i := range len(got) {
			if got[i] <= ' ' || got[i] > '~' || strings.IndexByte(`{}"<>\`, got[i]) >= 0 {
				t.Fatalf("byte %q in %q", got[i], got)
			}
		}
		// A reference never changes where an address leads to.
		u, err := url.Parse("https://shop.example" + ReturnURL("/{referenceId}?q={referenceId}", &p))
		if err != nil || u.Host != "shop.example" || u.Fragment != "" || u.Query().Get("q") != reference || len(u.Query()) != 1 {
			t.Fatalf("reference %q leads to %v, %v", reference, u, err)
		}
	})
}
