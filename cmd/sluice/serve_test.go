package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// running is a command that serves until stop.
type running struct {
	facts map[string]any // what the ready file says
	ready string
	stop  func() outcome
}

// start runs a serving command until its ready file is there.
func start(t *testing.T, args ...string) running {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan outcome, 1)
	go func() { done <- command(ctx, nil, append(args, "--ready-file", ready)...) }()
	t.Cleanup(cancel)
	r := running{ready: ready, stop: func() outcome {
		cancel()
		return <-done
	}}
	limit, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		raw, err := os.ReadFile(ready)
		if err == nil {
			if info, err := os.Stat(ready); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the ready file holds keys and is %v, %v", info, err)
			}
			if err := json.Unmarshal(raw, &r.facts); err != nil {
				t.Fatal(err)
			}
			return r
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		select {
		case got := <-done:
			t.Fatalf("it ended before it was ready: %+v", got)
		case <-limit:
			t.Fatal("it is not ready in time")
		case <-tick.C:
		}
	}
}

func (r running) text(name string) string {
	text, _ := r.facts[name].(string)
	return text
}

func status(t *testing.T, url, key string) int {
	t.Helper()
	return answered(t, http.MethodGet, url, key, "")
}

// postJSON posts a request and returns the status of its answer.
func postJSON(t *testing.T, url, key, body string) int {
	t.Helper()
	return answered(t, http.MethodPost, url, key, body)
}

func answered(t *testing.T, method, url, key, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func TestReadyFileOfADemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"serve", "--demo", "--listen", "127.0.0.1:0", "--data", dir}
	first := start(t, args...)
	want := []string{"apiKey", "baseUrl", "pid", "shopId", "signingKey", "simulatorUrl", "yandexPay"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(first.facts))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if first.facts["pid"] != float64(os.Getpid()) {
		t.Errorf("pid %v, want %d", first.facts["pid"], os.Getpid())
	}
	for url, want := range map[string]int{
		first.text("baseUrl") + "/healthz":         http.StatusOK,
		first.text("baseUrl") + "/api/v1/payments": http.StatusOK,
		first.text("simulatorUrl") + "/ledger":     http.StatusOK,
	} {
		if got := status(t, url, first.text("apiKey")); got != want {
			t.Errorf("%s answers %d", url, got)
		}
	}
	if got := postJSON(t, first.text("baseUrl")+"/api/v1/payments", first.text("apiKey"), `{"paymentType":"DEPOSIT","currency":"EUR","amount":11.12}`); got != http.StatusOK {
		t.Errorf("the demo shop demands more than it says: %d", got)
	}
	got := first.stop()
	if got.code != 0 || !strings.Contains(got.out, first.text("apiKey")) || strings.Contains(got.err, first.text("apiKey")) {
		t.Errorf("code %d; the key belongs on the screen and not in the log\n%s\n%s", got.code, got.out, got.err)
	}

	folder{t, dir}.says(0, "", "shop", "update", "--shop", first.text("shopId"), "--settings", `{"requiredParameters":"contract"}`)
	second := start(t, args...)
	for _, name := range []string{"shopId", "apiKey", "signingKey"} {
		if second.text(name) != first.text(name) {
			t.Errorf("%s is %q after a restart, was %q", name, second.text(name), first.text(name))
		}
	}
	if got := second.stop(); !strings.Contains(got.out, "billingAddress\":{") {
		t.Errorf("a demo shop that demands more is shown no request that will do:\n%s", got.out)
	}
}

func TestReadyFileWithoutADemo(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	r := start(t, "serve", "--listen", "127.0.0.1:0", "--data", f.dir)
	if diff := cmp.Diff([]string{"baseUrl", "pid"}, slices.Sorted(maps.Keys(r.facts))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}

	// Administration goes through the serving process, and is in force at once.
	made := f.shop("made while serving")
	payments := r.text("baseUrl") + "/api/v1/payments"
	if got := status(t, payments, made["apiKey"]); got != http.StatusOK {
		t.Errorf("a new key is answered %d", got)
	}
	if got := f.run("shop", "create", "--name", "made while serving"); got.code != exitFailed || !strings.Contains(got.err, "already") {
		t.Errorf("refusal through the socket: %+v", got)
	}
	key := f.made([]string{"keyId", "apiKey"}, "key", "create", "--shop", made["shopId"])
	f.done("key", "revoke", "--shop", made["shopId"], key["keyId"])
	if got := status(t, payments, key["apiKey"]); got != http.StatusUnauthorized {
		t.Errorf("a revoked key is answered %d", got)
	}
	if list := f.done("shop", "list"); !strings.Contains(list, made["shopId"]) {
		t.Errorf("listed %q", list)
	}

	if got := r.stop(); got.code != 0 || got.out != "" {
		t.Errorf("stopped with %+v", got)
	}
	if _, err := os.Stat(r.ready); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the ready file outlives the server: %v", err)
	}
	if list := f.done("shop", "list"); !strings.Contains(list, made["shopId"]) {
		t.Errorf("after the server listed %q", list)
	}
}

// shortDir is a folder whose path leaves room for a socket's name, which must stay below about a hundred bytes.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestReadyFileOfTheSimulator(t *testing.T) {
	t.Parallel()
	r := start(t, "simulator", "--listen", "127.0.0.1:0", "--api-key", "sandbox_mine")
	want := []string{"apiKey", "noticeSecret", "pid", "simulatorUrl"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(r.facts))); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if r.text("apiKey") != "sandbox_mine" || r.text("noticeSecret") == "" {
		t.Errorf("facts %v", r.facts)
	}
	if got := status(t, r.text("simulatorUrl")+"/ledger", ""); got != http.StatusOK {
		t.Errorf("the ledger answers %d", got)
	}
	got := r.stop()
	var printed map[string]any
	if err := json.Unmarshal([]byte(got.out), &printed); err != nil {
		t.Fatal(err)
	}
	want = []string{"noticeSecret", "pid", "simulatorUrl"} // the key was given: it is nobody's business
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(printed))); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	printed["apiKey"] = "sandbox_mine"
	if diff := cmp.Diff(r.facts, printed); got.code != 0 || diff != "" {
		t.Errorf("code %d, printed (-file +output):\n%s", got.code, diff)
	}
}
