package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestADemoShowsNoDeadKey: what was revoked or replaced since the last start is not printed again.
func TestADemoShowsNoDeadKey(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	args := []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--data", f.dir}
	first := start(t, args...)
	shop := first.text("shopId")
	first.stop()
	listed := strings.Fields(strings.Split(f.done("key", "list", "--shop", shop), "\n")[1])
	f.done("key", "revoke", "--shop", shop, listed[0])
	rotated := f.made([]string{"shopId", "signingKey", "inForceFrom"}, "webhook", "rotate-key", "--shop", shop)

	second := start(t, args...)
	key := second.text("apiKey")
	if got := status(t, second.text("baseUrl")+"/api/v1/payments", key); got != http.StatusOK {
		t.Errorf("the key that is shown answers %d", got)
	}
	if got := second.text("signingKey"); got != rotated["signingKey"] {
		t.Errorf("signing key %q, the shop's is %q", got, rotated["signingKey"])
	}
	if got := second.stop(); strings.Contains(got.out, first.text("apiKey")) || strings.Contains(got.out, first.text("signingKey")) {
		t.Errorf("a dead key is shown:\n%s", got.out)
	}

	third := start(t, args...)
	if third.text("apiKey") != key {
		t.Error("a key that lives was replaced")
	}
	third.stop()
	if n := strings.Count(f.done("key", "list", "--shop", shop), "\n"); n != 3 {
		t.Errorf("%d lines for a title and two keys", n)
	}
}

// TestADemoWhoseTerminalIsGone: where somebody has removed it, another is made.
func TestADemoWhoseTerminalIsGone(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	args := []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--data", f.dir}
	start(t, args...).stop()
	path := filepath.Join(f.dir, demoFile)
	d, err := readDemo(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, strings.ReplaceAll(string(raw), d.TerminalID, strings.Repeat("0", 32)))
	for range 2 { // the second finds what the first has made
		if got := start(t, args...).stop(); got.code != 0 {
			t.Fatal(got)
		}
	}
	if n := strings.Count(f.done("terminal", "list", "--shop", d.ShopID, "--json"), "\n"); n != 2 {
		t.Errorf("%d terminals", n)
	}
}
