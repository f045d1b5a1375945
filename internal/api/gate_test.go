package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/shop"
)

// TestABodyThatNobodyWantsIsReadToo: else its connection counts as one that is still to send it, and is closed while its
// request is worked on when there is no room for others. Too long, it changes nothing.
func TestABodyThatNobodyWantsIsReadToo(t *testing.T) {
	t.Parallel()
	g, s := api.NewGate(1, time.Now), &shop.Shop{ID: "shop"}
	for name, body := range map[string]string{"short": "{}", "too long": strings.Repeat("x", api.MaxBody+1)} {
		left := strings.NewReader(body)
		r := httptest.NewRequest(http.MethodPost, "/api/v1/payments/x/void", io.NopCloser(left))
		r.ContentLength = -1 // as it comes in chunks
		if err := g.Enter(httptest.NewRecorder(), r, s, false); err != nil {
			t.Fatal(err)
		}
		if left.Len() != 0 {
			t.Errorf("%s: %d bytes were not read", name, left.Len())
		}
		g.Leave(s)
	}
}
