package provider_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

var units = provider.Units{
	ISO: true, Not: []money.Currency{"LYD"}, Most: 99_999_999,
	Of: map[money.Currency]provider.Unit{"ISK": {Digits: 2, Step: 100}, "KWD": {Digits: 3, Step: 10}, "MGA": {Digits: 0}},
}

func TestAmountsAreWrittenByTheTable(t *testing.T) {
	for _, c := range []struct {
		amount   string
		currency money.Currency
		want     uint64 // zero: refused
	}{
		{"11.12", "EUR", 1112}, {"0.01", "EUR", 1}, {"0.001", "EUR", 0}, {"999999.99", "EUR", 99_999_999}, {"1000000", "EUR", 0},
		{"5", "JPY", 5}, {"5.5", "JPY", 0}, {"5", "MGA", 5}, {"5.2", "MGA", 0}, {"5", "ISK", 500}, {"5.5", "ISK", 0},
		{"5.12", "KWD", 5120}, {"5.124", "KWD", 0}, {"5.001", "BHD", 5001}, {"1", "LYD", 0}, {"1", "BTC", 0}, {"1", "XXZ", 0}, {"", "", 0},
	} {
		var amount money.Amount
		if c.amount != "" {
			amount = money.MustParse(c.amount)
		}
		n, err := units.Number(amount, c.currency)
		if n != c.want || (c.want == 0) != errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s %s: %d, %v; want %d", c.amount, c.currency, n, err, c.want)
		}
	}
}

func TestDecimalsAreWrittenByTheTable(t *testing.T) {
	for _, c := range []struct {
		amount   string
		currency money.Currency
		want     string // empty: refused
	}{
		{"11.12", "EUR", "11.12"}, {"5", "EUR", "5.00"}, {"5.1", "EUR", "5.10"}, {"0.001", "EUR", ""}, {"5", "JPY", "5"}, {"1000", "JPY", "1000"}, {"5", "ISK", "5.00"},
		{"5.5", "ISK", ""}, {"1", "LYD", ""}, {"5.12", "KWD", "5.120"}, {"1000000", "EUR", ""},
	} {
		text, err := units.Decimal(money.MustParse(c.amount), c.currency)
		if text != c.want || (c.want == "") != errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s %s: %q, %v; want %q", c.amount, c.currency, text, err, c.want)
		}
	}
}

func TestNumbersReadBackAsTheAmountThatWasWritten(t *testing.T) {
	all := money.Currencies()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(all).Draw(t, "currency")
		amount, err := money.FromMinor(rapid.Uint64Max(1_000_000_000).Draw(t, "n"), rapid.IntRange(0, 4).Draw(t, "digits"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := units.Number(amount, c)
		if err != nil {
			return
		}
		if back, err := units.Amount(int64(n), c); err != nil || back != amount {
			t.Fatalf("%s %s is written %d and read %s, %v", amount, c, n, back, err)
		}
	})
}

func TestNumbersThatNobodyWritesProveNothing(t *testing.T) {
	for _, c := range []struct {
		n        int64
		currency money.Currency
	}{{-1, "EUR"}, {1, "BTC"}, {1, "LYD"}, {1, ""}} {
		if _, err := units.Amount(c.n, c.currency); !errors.Is(err, provider.ErrAnswer) {
			t.Errorf("%d %s: %v", c.n, c.currency, err)
		}
	}
}

func TestFormsAreWhatServersRead(t *testing.T) {
	form := provider.NewForm(10).Text("a[b]", "ü &=+ ;").Text("none", "").Number("n", 42).Flag("yes", true).Flag("no", false)
	read, err := url.ParseQuery(string(form))
	if err != nil || read.Get("a[b]") != "ü &=+ ;" || read.Get("n") != "42" || read.Get("yes") != "true" || len(read) != 3 {
		t.Errorf("%s is read as %v, %v", form, read, err)
	}
}

func TestOnlyWholeObjectsAreRead(t *testing.T) {
	var into struct {
		A string `json:"a"`
	}
	for _, body := range []string{"", "null", "[]", `"a"`, "1", "true", "{", `{"a":"x"`, `{"a":1}`, `{"a":"x","a":"y"}`, `{"a":"x"}{}`, "<html>", "\xff", strings.Repeat("[", 100_000)} {
		if err := provider.Read([]byte(body), &into); !errors.Is(err, provider.ErrAnswer) {
			t.Errorf("%.20q is read: %v", body, err)
		}
	}
	if err := provider.Read([]byte(" \n{\"A\":\"no\",\"a\":\"x\",\"more\":[1]}\n"), &into); err != nil || into.A != "x" {
		t.Errorf("%q, %v", into.A, err)
	}
}

func TestUnknownCodesAreNotRetried(t *testing.T) {
	table := provider.Declines{"known": {Code: "4.00", Class: payment.ClassDeclinedSoft, Ends: true}}
	if f := table.Fact("known"); f.Class != payment.ClassDeclinedSoft || f.Code != "4.00" || f.RawCode != "known" || !f.Revoked {
		t.Errorf("%+v", f)
	}
	if f := table.Fact("new one\n4111111111111111"); f.Class != payment.ClassDeclinedHard || f.Code != payment.CodeAcquirerUnmapped || f.RawCode != "" {
		t.Errorf("%+v", f)
	}
}

func TestPagesThatCustomersMayBeSentTo(t *testing.T) {
	for address, want := range map[string]bool{
		"https://hooks.example/a?b=c": true, "http://127.0.0.1:1/": true, "javascript:alert(1)": false, "//elsewhere": false, "https://user@host/": false, "": false, "data:text/html,x": false,
	} {
		if provider.Page(address) != want {
			t.Errorf("%q: %t", address, !want)
		}
	}
}

func TestSettingsThatAreWrongAreNotRepeated(t *testing.T) {
	var into struct {
		Key string `json:"key"`
	}
	for _, raw := range []string{`{"key":{"secret":1}}`, `{"secret":"x"}`, `{"key":"secret"}{}`, `{"key":"secret","key":"secret"}`, `secret`} {
		err := provider.ReadSettings([]byte(raw), &into)
		if err == nil || strings.Contains(strings.TrimPrefix(err.Error(), "settings: /secret"), "secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, err := provider.BaseURL("https://secret@host/"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	if base, err := provider.BaseURL("https://host/v1/"); base != "https://host/v1" || err != nil {
		t.Error(base, err)
	}
	if err := provider.Token("apiKey", "secret with spaces"); err == nil || strings.Contains(err.Error(), "secret with") {
		t.Error(err)
	}
	if _, err := provider.Timeout(30_001); err == nil {
		t.Error("too long a timeout is taken")
	}
}

// TestCallsSayWhichTerminalHasTheWrongKey, and carry headers of their own without changing those of all.
func TestCallsSayWhichTerminalHasTheWrongKey(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	var log strings.Builder
	client := outbound.New(outbound.Options{Guard: outbound.GuardNone, Now: time.Now})
	defer client.CloseIdle()
	api := provider.API{
		Client: client, Name: "any", Base: server.URL,
		Header: http.Header{"Authorization": {"secret"}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}
	res, err := api.Post(t.Context(), "/x", []byte("a=b"), http.Header{"Idempotency-Key": {"k"}})
	if err != nil || res.Status != http.StatusForbidden || got.Get("Idempotency-Key") != "k" || got.Get("Authorization") != "secret" {
		t.Errorf("%+v, %v, %v", res, err, got)
	}
	if len(api.Header) != 1 || strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "status=403") {
		t.Errorf("%v, %s", api.Header, log.String())
	}
}

func TestWhatFailsBeforeWasNotSent(t *testing.T) {
	if provider.Before(nil) != nil {
		t.Error("an error of nothing")
	}
	if err := provider.Before(context.DeadlineExceeded); !errors.Is(err, outbound.ErrNotSent) || errors.Is(err, outbound.ErrOurs) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := provider.Before(outbound.ErrOurs); !errors.Is(err, outbound.ErrOurs) {
		t.Error(err)
	}
}
