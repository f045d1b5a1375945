package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// BenchmarkFrame is what stands around every endpoint: who is calling, is there room, the answer.
func BenchmarkFrame(b *testing.B) {
	app := testkit.New(b, storetest.New(b, "sqlite").Open(), testkit.Options{})
	member := app.NewShop(b, nil)
	g := gateway.New(app.Engine, app.Records, api.NewAuth(app.Engine), app.Log)
	g.Gate = api.NewGate(2048, time.Now)
	mux := http.NewServeMux()
	g.Mount(mux)
	r := httptest.NewRequest(http.MethodGet, "/api/v1/nowhere", nil)
	r.Header.Set("Authorization", "Bearer "+member.APIKey)
	b.ReportAllocs()
	for b.Loop() {
		mux.ServeHTTP(httptest.NewRecorder(), r)
	}
}
