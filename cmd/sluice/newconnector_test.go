package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestConnectorCheckTriesAnAnswer that somebody has kept, and says what it proves.
func TestConnectorCheckTriesAnAnswer(t *testing.T) {
	t.Parallel()
	const file = "../../docs/connectors/declared-stripe.json"
	paid := write(t, filepath.Join(t.TempDir(), "paid.json"),
		`{"id":"pi_1","object":"payment_intent","amount":1112,"amount_received":1112,"currency":"eur","status":"succeeded","metadata":{"sluice_key":"k-1"}}`)
	for name, c := range map[string]struct {
		args []string
		code int
		says string // in what is printed, or in the error
	}{
		"a payment":          {args: []string{"--call", "sale", "--answer", "@" + paid}, says: "APPROVED, key k-1, id pi_1, amount 11.12 EUR\n"},
		"the rules before":   {args: []string{"--call", "sale", "--answer", "@" + paid}, says: "DECLINED: @status is 200\n"},
		"no proof":           {args: []string{"--call", "sale", "--key", "k-2", "--answer", "@" + paid}, says: "UNKNOWN: "},
		"a question":         {args: []string{"--answer", "@" + paid}, says: "taken for granted, because only the request has it: id\nAPPROVED, key k-1"},
		"not found":          {args: []string{"--http", "404", "--answer", `{"error":{"type":"invalid_request_error","code":"resource_missing"}}`}, says: "NOT_FOUND: "},
		"a call of nobody's": {args: []string{"--call", "payout", "--answer", "@" + paid}, code: 1, says: `the file declares no call "payout"`},
		"no kind":            {args: []string{"--for", "loan", "--answer", "@" + paid}, code: 1, says: `"loan" is no kind`},
		"no such answer":     {args: []string{"--answer", "@" + paid + ".gone"}, code: 2, says: "paid.json.gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := command(t.Context(), nil, append([]string{"connector", "check", file}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.out+got.err, c.says) {
				t.Errorf("%+v; want %d and %q", got, c.code, c.says)
			}
		})
	}
}
