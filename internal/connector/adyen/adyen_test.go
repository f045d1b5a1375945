package adyen_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/adyen"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// connect opens the connector on an address, with more settings.
func connect(t testing.TB, address string, more ...string) connector.Connector {
	t.Helper()
	settings := strings.TrimSuffix(string(settingsFor(address)), "}") + strings.Join(append([]string{""}, more...), ",") + "}"
	config, err := adyen.Type().Parse(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now, Loggable: adyen.Type().Loggable})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sale(t testing.TB, key string) connector.Request {
	t.Helper()
	return connector.Request{
		Key: key, Amount: money.MustParse("11.12"), Currency: "EUR", Method: payment.BasicCard, Means: card(t, "4111111111111111"),
		ReturnURL: "https://shop.example/back",
	}
}

// resume does what a customer does at Adyen's page, and hands over what comes back.
func resume(t testing.TB, conn connector.Connector, key, page, result string) (payment.Fact, error) {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.PostForm(page, url.Values{"result": {result}})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	back, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return conn.(connector.Resumer).Resume(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: key}, payment.Brought{Query: back.Query()})
}

// canned answers every request with one body.
func canned(t *testing.T, status int, body string, header ...string) connector.Connector {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return connect(t, server.URL)
}

// published are the refusal codes of https://docs.adyen.com/development-resources/refusal-reasons, but for 0, which is none.
var published = strings.Fields(`2 3 4 5 6 7 8 9 10 11 12 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 31 32 33 34 35 36 37 38 39 40 41 42 46 50`)
