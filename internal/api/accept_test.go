package api_test

import (
	"net/http"
	"testing"

	"github.com/sluicepay/sluice/internal/api"
)

func TestPrefersHTML(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": false, "application/json, text/plain, */*": false, "text/*": false,
		"text/html": true, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true, "TEXT/HTML;q=0.5": true,
		"application/json, text/html": false, "application/json;q=0.5, text/html": true, "text/html;q=0.1, application/json;q=0.9": false,
		"text/html;q=0": false, "text/html;q=x": false, "application/problem+json, text/html;q=0.9": false, ",;text/html": false, "text/html, ;": true,
	} {
		if got := api.PrefersHTML(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
}
