package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLinksAreMadeShownAndCancelled(t *testing.T) {
	t.Parallel()
	d := newTill(t)
	of := func(args ...string) []string { return append([]string{"link", args[0], "--shop", d.shop}, args[1:]...) }
	picture := filepath.Join(t.TempDir(), "link.png")
	out := d.done(of("create", "--amount", "12.50", "--currency", "EUR", "--description", "Two tickets", "--expires", "14d", "--qr", "--png", picture)...)
	address, rest, _ := strings.Cut(out, "\n")
	if !strings.HasPrefix(address, d.server.text("baseUrl")+"/payment/") || !strings.HasPrefix(rest, "payment ") ||
		!strings.Contains(rest, ": 12.5 EUR, CHECKOUT, open until ") || !strings.Contains(rest, "█") {
		t.Errorf("%s", out)
	}
	raw, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
		t.Error(err)
	}
	d.says(1, "--png", of("show", strings.TrimPrefix(rest[:len("payment ")+32], "payment "), "--png", filepath.Join(picture, "in a file"))...)
	lost := filepath.Join(t.TempDir(), "none.png")
	d.says(1, "--currency", of("create", "--currency", "euros", "--png", lost)...)
	if _, err := os.Stat(lost); !os.IsNotExist(err) {
		t.Errorf("a picture of no link: %v", err)
	}
	d.says(1, "--qr", of("create", "--currency", "EUR", "--qr", "--json")...)
	d.says(exitUsage, "--currency", of("create")...)

	var link struct {
		PaymentID, URL, State, Amount string
		Open                          bool
	}
	text := d.done(of("create", "--currency", "EUR", "--method", "BASIC_CARD", "--method", "OPEN_BANKING", "--customer-locale", "de", "--json")...)
	if err := json.Unmarshal([]byte(text), &link); err != nil || !link.Open || link.State != "CHECKOUT" || link.Amount != "" {
		t.Fatalf("%s, %v", text, err)
	}
	d.says(0, link.URL+"\npayment "+link.PaymentID+": an amount that the customer enters, EUR, CHECKOUT, open until ", of("show", link.PaymentID)...)
	d.says(0, link.PaymentID+" is CANCELLED\n", of("cancel", link.PaymentID)...)
	d.says(0, "EUR, CANCELLED 2.00\n", of("show", link.PaymentID)...)
	d.says(1, "over", of("cancel", link.PaymentID)...)
	d.says(1, "has no payment", of("show", "nonsense")...)

	paid := d.deposit("9000.00", "")
	d.says(0, ", COMPLETED\n", of("show", paid)...)
	d.server.stop()
	d.says(1, "no server runs", of("create", "--currency", "EUR")...)
}
