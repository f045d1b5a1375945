package main

import (
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// refusedFor expects a command to fail for that reason.
func refusedFor(t *testing.T, got outcome, reasons ...string) {
	t.Helper()
	for _, reason := range reasons {
		if got.code != exitFailed || !strings.Contains(got.err, reason) {
			t.Errorf("code %d, no %q in %q", got.code, reason, got.err)
		}
	}
}

// TestALiveShopRefusesHTTP: with a server and without, for each address of its own; loopback, test shops and operators who
// say so aside. What is refused changes nothing.
func TestALiveShopRefusesHTTP(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	const why = "must be an https address: this is a live shop (a server with --insecure-http takes http)"
	live, test := f.shop("live", "--live")["shopId"], f.shop("test")["shopId"]
	for name, settings := range map[string]string{
		"webhookUrl":            `{"webhookUrl":"http://shop.example/hook","checkoutTimeout":7}`,
		"yandexPay.callbackUrl": `{"yandexPay":{"callbackUrl":"http://10.0.0.1/pay"},"checkoutTimeout":7}`,
	} {
		refusedFor(t, f.run("shop", "update", "--shop", live, "--settings", settings), name+": "+why)
		refusedFor(t, f.run("shop", "create", "--name", "other", "--live", "--settings", settings), name+": "+why)
		f.done("shop", "update", "--shop", test, "--settings", settings)
	}
	if list := f.done("shop", "list"); strings.Contains(list, "other") {
		t.Errorf("a shop that was refused is there:\n%s", list)
	}
	if shown := f.done("shop", "update", "--shop", live); strings.Contains(shown, "http") || strings.Contains(shown, `"checkoutTimeout": 7`) {
		t.Errorf("what was refused is stored: %s", shown)
	}
	f.done("shop", "update", "--shop", live, "--settings", `{"webhookUrl":"http://127.0.0.1:9/hook","returnUrl":"http://shop.example/"}`)
	f.done("shop", "update", "--shop", live, "--settings", `{"webhookUrl":"shop.example/hook"}`)

	terminal := func(of, url string) []string {
		return []string{"terminal", "create", "--shop", of, "--name", url, "--connector", "sandbox", "--settings", `{"url":"` + url + `","apiKey":"k"}`, "--no-trial"}
	}
	refusedFor(t, f.run(terminal(live, "http://provider.example/api")...), "provider's address "+why)
	if list := f.done("terminal", "list", "--shop", live); strings.Contains(list, "provider.example") {
		t.Errorf("the terminal that was refused is there:\n%s", list)
	}
	f.done(terminal(live, "https://provider.example/api")...)
	f.done(terminal(live, "http://127.0.0.1:9")...)
	f.done(terminal(test, "http://provider.example/api")...)
	move := func(of, name, to string) []string {
		return []string{"terminal", "update", "--shop", of, name, "--settings", to, "--no-trial"}
	}
	refusedFor(t, f.run(move(live, "http://127.0.0.1:9", `{"url":"http://provider.example/api"}`)...), "provider's address "+why)
	f.done(move(test, "http://provider.example/api", `{"url":"http://provider.example/other"}`)...)

	waiver := []string{"SLUICE_INSECURE_HTTP=true"}
	for _, args := range [][]string{
		terminal(live, "http://provider.example/api"), {"shop", "update", "--shop", live, "--settings", `{"webhookUrl":"http://shop.example/hook"}`},
		{"shop", "create", "--name", "allowed", "--live", "--settings", `{"webhookUrl":"http://shop.example/hook"}`},
	} {
		if got := command(t.Context(), waiver, append(args, "--data", f.dir)...); got.code != 0 {
			t.Errorf("%v, allowed: %s", args, got.err)
		}
	}
	// It is stored now: what else there is can be changed, and it can be given again as it is.
	f.done(move(live, "http://provider.example/api", `{"apiKey":"another"}`)...)
	f.done("shop", "update", "--shop", live, "--settings", `{"checkoutTimeout":9}`)
	f.done("shop", "update", "--shop", live, "--settings", `{"webhookUrl":"http://shop.example/hook"}`)
	refusedFor(t, f.run("shop", "update", "--shop", live, "--settings", `{"webhookUrl":"http://shop.example/other"}`), why)
}

// TestAddressesThatNothingIsSentTo are refused when they are given, however they are spelled and whoever is asked; what is stored
// already does not stand in the way of other changes.
func TestAddressesThatNothingIsSentTo(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	of := f.shop("Shop")["shopId"]
	const why = "nothing is ever sent to"
	terminal := func(name, url string) []string {
		return []string{"terminal", "create", "--shop", of, "--name", name, "--connector", "sandbox", "--settings", `{"url":"` + url + `","apiKey":"k"}`, "--no-trial"}
	}
	f.done(terminal("good", "http://127.0.0.1:9")...)
	f.done("shop", "update", "--shop", of, "--settings", `{"webhookUrl":"http://127.0.0.1:9/hook","returnUrl":"myapp://169.254.169.254"}`)
	for _, host := range []string{
		"169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "2852039166", "0xa9fea9fe", "0.0.0.0", "[::]", "[fe80::1]", "224.0.0.1",
		"100.100.100.200", "[64:ff9b::a9fe:a9fe]",
	} {
		url := "http://" + host + "/x"
		for _, settings := range []string{`{"webhookUrl":"` + url + `"}`, `{"returnUrl":"` + url + `"}`, `{"yandexPay":{"callbackUrl":"` + url + `"}}`} {
			for _, args := range [][]string{{"shop", "update", "--shop", of, "--settings", settings}, {"shop", "create", "--name", "other", "--settings", settings}} {
				refusedFor(t, f.run(args...), why)
			}
		}
		refusedFor(t, f.run(terminal("bad", url)...), why)
		refusedFor(t, f.run("terminal", "update", "--shop", of, "good", "--no-trial", "--settings", `{"url":"`+url+`"}`), why)
		got := command(t.Context(), nil, "listen", "--forward-to", url, "--api-key", "k", "--state", filepath.Join(f.dir, "state"))
		if got.code != exitUsage || !strings.Contains(got.err, why) {
			t.Errorf("listen: %+v", got)
		}
	}
	if shown := f.done("shop", "update", "--shop", of); !strings.Contains(shown, "127.0.0.1:9/hook") || !strings.Contains(shown, "myapp://") {
		t.Errorf("something was changed: %s", shown)
	}
	if list := f.done("terminal", "list", "--shop", of) + f.done("shop", "list"); strings.Contains(list, "bad") || strings.Contains(list, "other") {
		t.Errorf("something was made: %s", list)
	}
}

// TestAServerThatIsReachedByHTTP makes no live shop, and says at its start which of those that it has are served so.
func TestAServerThatIsReachedByHTTP(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	quiet := f.shop("quiet", "--live")["shopId"]
	old := command(t.Context(), []string{"SLUICE_INSECURE_HTTP=true"}, "shop", "create", "--data", f.dir, "--name", "old", "--live",
		"--settings", `{"webhookUrl":"http://shop.example/hook?token=hidden"}`)
	var made struct{ ShopID, APIKey string }
	if err := json.Unmarshal([]byte(old.out), &made); err != nil {
		t.Fatal(err, old.err)
	}
	for _, url := range []string{"http://provider.example", "https://provider.example"} {
		got := command(t.Context(), []string{"SLUICE_INSECURE_HTTP=true"}, "terminal", "create", "--data", f.dir, "--shop", made.ShopID,
			"--name", url, "--connector", "sandbox", "--settings", `{"url":"`+url+`","apiKey":"k"}`, "--no-trial")
		if got.code != 0 {
			t.Fatal(got.err)
		}
	}
	serve := []string{"serve", "--listen", "127.0.0.1:0", "--data", f.dir, "--log-format", "text"}
	stored := []string{made.ShopID + " setting=webhookUrl", "setting=\"settings of sandbox\""}
	for _, c := range []struct {
		name     string
		flags    []string
		warnings []string
		refused  bool
	}{
		{"http", []string{"--public-url", "http://pay.example"}, append([]string{
			quiet + " setting=--public-url", made.ShopID + " setting=--public-url",
		}, stored...), true},
		{"loopback", nil, stored, false},
		{"https", []string{"--public-url", "https://pay.example"}, stored, false},
		{"a waiver", []string{"--public-url", "http://pay.example", "--insecure-http"}, nil, false},
	} {
		name := c.name
		r := start(t, append(serve, c.flags...)...)
		got := f.run("shop", "create", "--name", "new "+name, "--live")
		if c.refused {
			refusedFor(t, got, "the public address of this server, http://pay.example, must be an https address", "--insecure-http")
		} else if got.code != 0 {
			t.Errorf("%s: %s", name, got.err)
		}
		f.done("shop", "create", "--name", "new test "+name)
		log := r.stop().err
		if n := strings.Count(log, warnClear); n != len(c.warnings) || strings.Contains(log, "hidden") {
			t.Errorf("%s: %d warnings, want %d, or an address is shown:\n%s", name, n, len(c.warnings), log)
		}
		for _, w := range c.warnings {
			if !strings.Contains(log, w) {
				t.Errorf("%s: no warning %q in\n%s", name, w, log)
			}
		}
	}
}

// TestServingOnAllAddressesIsRefused before anything is made.
func TestServingOnAllAddressesIsRefused(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		dir := filepath.Join(t.TempDir(), "data")
		got := command(t.Context(), nil, "serve", "--demo", "--listen", listen, "--data", dir)
		if got.code != exitUsage || !strings.Contains(got.err, "public-url has to name") {
			t.Errorf("%s: code %d, %q", listen, got.code, got.err)
		}
		if found, _ := filepath.Glob(dir + "*"); len(found) > 0 {
			t.Errorf("%s: %s was made", listen, found)
		}
	}
	r := start(t, "serve", "--demo", "--listen", "0.0.0.0:0", "--simulator-listen", ":0", "--public-url", "https://pay.example", "--data", t.TempDir())
	if base, sim := r.text("baseUrl"), r.text("simulatorUrl"); !strings.HasPrefix(base, "http://127.0.0.1:") || !strings.HasPrefix(sim, "http://127.0.0.1:") {
		t.Errorf("it is said to answer at %s, the simulator at %s", base, sim)
	}
	if got := r.stop(); got.code != 0 {
		t.Error(got.err)
	}
}

func TestURLOfAListener(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0.0.0.0:80": "http://127.0.0.1:80", "[::]:80": "http://127.0.0.1:80", "127.0.0.2:80": "http://127.0.0.2:80", "[::1]:80": "http://[::1]:80",
	} {
		a, err := net.ResolveTCPAddr("tcp", text)
		if err != nil {
			t.Fatal(err)
		}
		if got := urlOf(a); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
