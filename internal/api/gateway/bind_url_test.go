package gateway

import (
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/shop"
)

// TestOnlyTheHostOfAWebhookURLIsJudged: the rule about forbidden hosts sees the host as it will be dialled, without port
// and brackets, and says so by one fault that names the field. Where customers return to is none of its business.
func TestOnlyTheHostOfAWebhookURLIsJudged(t *testing.T) {
	t.Parallel()
	var judged []string
	forbidden := func(host string) bool {
		judged = append(judged, host)
		return host != "shop.example"
	}
	for url, want := range map[string]string{
		"http://0x7f.1:8080/hook?at=shop.example": "0x7f.1", "http://[::ffff:7f00:1]:9/": "::ffff:7f00:1", "https://127.0.0.1.": "127.0.0.1.",
		"https://shop.example:8443/hook": "shop.example",
	} {
		judged = nil
		doc, err := api.Decode([]byte(strings.NewReplacer("https://shop.example/hook", url, "https://shop.example/{id}", "http://127.0.0.1/").Replace(sample)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = bindPayment(doc, testShop(shop.RequiredContract), surroundings{hooks: api.Hooks{Forbidden: forbidden}})
		if len(judged) != 1 || judged[0] != want {
			t.Errorf("%s: judged %q", url, judged)
		}
		faulty, refused := err.(*invalid) //nolint:errorlint // it is returned as it is
		switch {
		case want == "shop.example" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want != "shop.example" && (!refused || len(faulty.faults) != 1 || faulty.faults[0].field != "webhookUrl"):
			t.Errorf("%s: %v", url, err)
		}
	}
}
