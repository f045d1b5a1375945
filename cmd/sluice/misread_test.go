package main

import (
	"strings"
	"testing"
)

// TestNoSecretIsRepeated: whatever is pasted where something else belongs, no message and no line of the log has it.
func TestNoSecretIsRepeated(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	made := f.shop("Shop")
	other := f.shop("Other")
	of, key, signing := made["shopId"], made["apiKey"], made["signingKey"]
	secrets := []string{key, signing, key[len(key)-20:], "pa55w0rd"}
	const database = "postgres://sluice:pa55w0rd@db.example/sluice"
	for _, args := range [][]string{
		{"key", "revoke", "--shop", other["shopId"], key},
		{"key", "revoke", "--shop", of, key[:len(key)-1]},
		{"key", "revoke", "--shop", of, signing},
		{"key", "revoke", "--shop", key, "x"},
		{"key", "revoke", "--shop", of, "x", key},
		{"key", "list", "--shop", key}, {"key", "list", "--shop", signing}, {"key", "list", "--shop", of, signing},
		{"payment", "show", "--shop", of, signing}, {"payment", "check", "--shop", of, key},
		{"payment", "approve", "--shop", of, "--by", "ann", signing},
		{"terminal", "show", "--shop", of, signing}, {"terminal", "create", "--shop", of, "--name", "x", "--connector", signing, "--settings", "{}"},
		{"terminal", "create", "--shop", of, "--name", "x", "--connector", "sandbox", "--settings", "{apiKey:", "pa55w0rd}"},
		{"terminal", "create", "--shop", of, "--name", "x", "--connector", "sandbox", "--settings", `{"apiKey":"pa55w0rd","x":1}`},
		{"terminal", "create", "--shop", of, "--name", "x", "--connector", "sandbox", "--settings", `{"apiKey":pa55w0rd}`},
		{"alarms", "ack", "--by", "ann", "--note", "n", signing}, {"webhook", "enable", "--shop", of, signing},
		{"webhook", "rotate-key", "--shop", of, "--overlap", signing}, {"webhook", "list", "--shop", of, "--limit", key},
		{"notice", "show", "--shop", of, "--terminal", key, signing},
		{"shop", "list", database}, {"serve", "--public-url", "https://u:pa55w0rd@pay.example"},
		{"serve", "--listen", database}, {"shop", "list", "--" + signing + "=1"},
		{"listen", "--forward-to", "http://127.0.0.1:1", "--api-key", key, "--since", "pa55w0rd1", "--state", f.dir + "/state"},
	} {
		got := command(t.Context(), nil, append(args, "--data", f.dir)...)
		if got.code == 0 {
			t.Errorf("%q is taken", args)
		}
		for _, secret := range secrets {
			if strings.Contains(got.err+got.out, secret) {
				t.Errorf("%q: %s", args, got.err)
			}
		}
	}
}

// TestTheWholeKeyIsRevoked as well as by its id, and nowhere repeated.
func TestTheWholeKeyIsRevoked(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	made := f.shop("Shop")
	got := command(t.Context(), nil, "key", "revoke", "--shop", made["shopId"], made["apiKey"], "--data", f.dir)
	if got.code != 0 || strings.Contains(got.err+got.out, made["apiKey"]) || !strings.Contains(got.err, "administered") || !strings.Contains(got.err, "the whole key") {
		t.Errorf("%+v", got)
	}
	id := strings.TrimSpace(strings.TrimPrefix(got.out, "revoked "))
	listed := f.says(0, id, "key", "list", "--shop", made["shopId"])
	if !strings.Contains(listed, made["apiKey"][:16]+"…") || strings.HasSuffix(strings.TrimSpace(listed), "–") {
		t.Errorf("%s", listed)
	}
	again := command(t.Context(), nil, "key", "revoke", "--shop", made["shopId"], id, "--data", f.dir)
	if again.code != 0 || strings.Contains(again.err, "the whole key") {
		t.Errorf("%+v", again)
	}
}
