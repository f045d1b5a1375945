package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStoppedWithCallsInFlightLosesNone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url)
		s.start(t)
		shop := s.newShop(t, sim)
		const calls = 8
		var ids [calls]string
		for i := range ids {
			ids[i] = shop.must(t, request{method: "POST", path: payments, body: deposit("", "10.00")}).payment.ID
		}
		sim.control(t, "/scenarios", object{"match": object{"operation": "payment"}, "delayMs": 1500})

		var running sync.WaitGroup
		for _, id := range ids {
			running.Go(func() {
				r, err := shop.do(t.Context(), request{method: "PATCH", path: pathOf(id), body: browser})
				if err != nil || r.payment.State != "COMPLETED" {
					t.Errorf("a call in flight was lost: %v %v", r, err)
				}
			})
		}
		awaitLedger(t, sim, calls)
		s.terminate(t)
		awaitRefusal(t, shop)
		running.Wait()
		if code := s.exit(t); code != 0 {
			t.Errorf("exit code %d, want 0; log:\n%s", code, tail(s.log))
		}
		if _, err := os.Stat(s.ready); !os.IsNotExist(err) {
			t.Errorf("the ready file is still there: %v", err)
		}
		sim.control(t, "/scenarios", object{"match": object{"operation": "status"}, "fault": "server_error"})
		s.start(t)
		for _, why := range disagreements(shop.all(t), sim.readLedger(t)) {
			t.Error(why)
		}
		s.stop(t)
	})
}

// awaitLedger waits until so many things were booked, while their answers are still held back.
func awaitLedger(t testing.TB, sim *simulator, entries int) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(sim.readLedger(t)) < entries; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("only %d bookings", len(sim.readLedger(t)))
		}
	}
}

// awaitRefusal waits until no new work is accepted.
func awaitRefusal(t testing.TB, c *client) {
	t.Helper()
	fresh := newClient(c.base, c.key)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		r, err := fresh.do(t.Context(), request{method: "POST", path: payments, body: deposit("", "10.00")})
		if err != nil || r.status == http.StatusServiceUnavailable {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a stopping server takes new work")
		}
	}
}

func TestWrongConfigurationNamesEveryFault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sluice.json")
	if err := os.WriteFile(file, []byte(`{"lisen": ":1", "log-format": "xml"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	out, fault, code := runOnce(t, []string{"SLUICE_DRAIN_TIMEOUT=soon", "SLUICE_NO_SUCH_THING=1"}, "serve",
		"--config", file, "--data", filepath.Join(t.TempDir(), "data"), "--listen", "nowhere",
		"--database", "mysql://root:hush@db/x", "--public-url", "ftp://x", "--log-level", "loud",
		"--metrics-listen", "0.0.0.0:1")
	if code != 2 || out != "" {
		t.Errorf("exit code %d, want 2; stdout %q", code, out)
	}
	for _, name := range []string{"SLUICE_NO_SUCH_THING", "lisen", "log-format", "drain-timeout", "listen", "database",
		"public-url", "log-level", "metrics-listen"} {
		if !strings.Contains(fault, "\n  "+name+":") {
			t.Errorf("%s is not among the faults", name)
		}
	}
	if strings.Contains(fault, "hush") {
		t.Error("a password is shown")
	}
	if t.Failed() {
		t.Log(fault)
	}
}

func TestUnknownFlagsAndCommandsAreUsageErrors(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"serve", "--no-such-flag"}, {"fly"}, {"shop", "create"}} {
		if out, fault, code := runOnce(t, nil, args...); code != 2 || fault == "" {
			t.Errorf("%v: exit code %d, want 2; stdout %q, stderr %q", args, code, out, fault)
		}
	}
	for _, args := range [][]string{{}, {"--help"}, {"serve", "--help"}, {"version"}} {
		if out, fault, code := runOnce(t, nil, args...); code != 0 || out == "" || fault != "" {
			t.Errorf("%v: exit code %d, want 0; stdout %q, stderr %q", args, code, out, fault)
		}
	}
}

func TestSecondProcessOnTheSameFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	s := newServer(t, dir, "")
	s.start(t)
	began := time.Now()
	_, fault, code := runOnce(t, nil, "serve", "--data", s.data, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(fault, "in use") {
		t.Errorf("exit code %d, want 1; stderr %q", code, fault)
	}
	if took := time.Since(began); took > patience {
		t.Errorf("the refusal took %s", took)
	}
	if _, fault, code := runOnce(t, nil, "migrate", "--data", s.data); code != 1 || !strings.Contains(fault, "in use") {
		t.Errorf("migrate: exit code %d, want 1; stderr %q", code, fault)
	}
	if r, err := newClient(s.base, "none").do(t.Context(), request{method: "GET", path: payments}); err != nil || r.status != 401 {
		t.Errorf("the first server does not answer any more: %v %v", r, err)
	}
	s.stop(t)
	if out, fault, code := runOnce(t, nil, "migrate", "--data", s.data); code != 0 {
		t.Errorf("once the server is gone: exit code %d, stdout %q, stderr %q", code, out, fault)
	}
}

func TestAdministrationWithAndWithoutServer(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url)
		if out, fault, code := runOnce(t, nil, append([]string{"migrate", "--data", s.data}, databaseArgs(url)...)...); code != 0 {
			t.Fatalf("migrate: exit code %d, %s%s", code, out, fault)
		}
		var early struct{ ShopID, APIKey string }
		s.admin(t, &early, "shop", "create", "--name", "Early")
		s.start(t)
		shop := s.newShop(t, sim)
		if r := newClient(s.base, early.APIKey).must(t, request{method: "GET", path: payments}); len(r.list) != 0 {
			t.Errorf("the early shop sees %s", r)
		}
		var second struct{ KeyID, APIKey string }
		s.admin(t, &second, "key", "create", "--shop", early.ShopID, "--label", "second")
		other := newClient(s.base, second.APIKey)
		other.must(t, request{method: "GET", path: payments})
		mine := shop.pay(t, deposit("r1", "10.00"))
		if r, err := other.do(t.Context(), request{method: "GET", path: pathOf(mine.ID)}); err != nil || r.status != 404 {
			t.Errorf("another shop's payment: %v %v", r, err)
		}
		args := []string{"key", "revoke", "--shop", early.ShopID, second.KeyID, "--data", s.data}
		if url != "" {
			args = append(args, "--database", url)
		}
		if _, fault, code := runOnce(t, nil, args...); code != 0 {
			t.Fatalf("revoke: %s", fault)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			r, err := other.do(t.Context(), request{method: "GET", path: payments})
			if err == nil && r.status == http.StatusUnauthorized {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a revoked key still works: %v %v", r, err)
			}
		}
		s.stop(t)
	})
}

func TestDemoFindsEverythingAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		s := newServer(t, dir, url, "--demo")
		s.start(t)
		first := s.facts
		checkReady(t, s)
		c := newClient(s.base, first.APIKey)
		p := c.pay(t, deposit("order-1", "11.12"))
		if p.State != "COMPLETED" || p.Amount != "11.12" {
			t.Fatalf("%+v", p)
		}
		s.stop(t)

		s.start(t)
		checkReady(t, s)
		if s.facts.ShopID != first.ShopID || s.facts.APIKey != first.APIKey || s.facts.SigningKey != first.SigningKey {
			t.Errorf("first %+v, then %+v", first, s.facts)
		}
		if again := c.get(t, p.ID); again.State != "COMPLETED" || again.ReferenceID != "order-1" {
			t.Errorf("%+v", again)
		}
		back := c.must(t, request{method: "POST", path: payments, body: refund("back-1", p.ID, "1.12")}).payment
		if back.State != "COMPLETED" {
			t.Errorf("a refund after the restart: %+v", back)
		}
		sim := &simulator{URL: s.facts.SimulatorURL}
		for _, why := range disagreements(c.all(t), sim.readLedger(t)) {
			t.Error(why)
		}
		out, _, code := runOnce(t, nil, append([]string{"shop", "list", "--data", s.data}, databaseArgs(url)...)...)
		if code != 0 || strings.Count(out, "\n") != 2 {
			t.Errorf("shops:\n%s", out)
		}
		s.stop(t)
		searchSecrets(t, dir, url)
	})
}

func databaseArgs(url string) []string {
	if url == "" {
		return nil
	}
	return []string{"--database", url}
}

// checkReady looks at the ready file as a script would.
func checkReady(t testing.TB, s *server) {
	t.Helper()
	raw, err := os.ReadFile(s.ready)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"baseUrl", "shopId", "apiKey", "signingKey", "simulatorUrl", "yandexPay", "pid"} {
		if keys[name] == nil || keys[name] == "" {
			t.Errorf("ready file without %s: %s", name, raw)
		}
	}
	if len(keys) != 7 || s.facts.BaseURL != s.base || s.facts.PID != s.cmd.Process.Pid {
		t.Errorf("ready file of process %d at %s: %s", s.cmd.Process.Pid, s.base, raw)
	}
	if info, err := os.Stat(s.ready); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the ready file holds keys and has mode %v, %v", info.Mode(), err)
	}
}

func TestSecretsStayInMemory(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url)
		s.start(t)
		shop := s.newShop(t, sim)
		bodies := []object{
			deposit("approved", "10.00"), with(deposit("held", "10.00"), "preAuth", true),
			with(deposit("chained", "10.00"), "startRecurring", true), deposit("too fine", "10.001"),
			with(deposit("no card of this method", "10.00"), "paymentMethod", "PIX"),
			with(deposit("no such currency", "10.00"), "currency", "ZZZ"), deposit("error", "6600.07"),
			deposit("garbage", "6600.10"), deposit("rejected", "6600.22"), deposit("dropped", "6600.05"),
			withdrawal("out", "10.00"), withdrawal("out, garbage", "6600.10"), deposit("never executed", "5.00"),
		}
		for _, body := range bodies {
			name, _ := body["referenceId"].(string)
			key := strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")
			for range 2 { // the second time is a repetition
				r, err := shop.do(t.Context(), request{method: "POST", path: payments, key: key, body: body})
				if err != nil || r.status != http.StatusOK && r.status != http.StatusBadRequest {
					t.Fatalf("%s: %v %v", name, r, err)
				}
				if r.payment.State == "CHECKOUT" && name != "never executed" {
					r = shop.must(t, request{method: "PATCH", path: pathOf(r.payment.ID), body: browser})
				}
				if r.status == http.StatusOK {
					shop.must(t, request{method: "GET", path: pathOf(r.payment.ID) + "/operations"})
				}
			}
		}
		broken := `{"paymentType":"DEPOSIT","card":{"cardNumber":"` + cardNumber + `","cardSecurityCode":"` + securityCode + `"},,}`
		res, err := http.Post(s.base+payments, "application/json", strings.NewReader(broken))
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("a broken request without a key: status %d, %v", res.StatusCode, err)
		}
		s.kill() // the log and the write-ahead log stay as they are
		searchSecrets(t, dir, url)
	})
}
