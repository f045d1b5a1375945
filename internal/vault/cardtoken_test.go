package vault_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/vault"
)

// TestCardTokens: the same for the same card of the same customer of the same shop, also after a restore; any other thing changes it.
func TestCardTokens(t *testing.T) {
	t.Parallel()
	keys := func(fill byte) vault.Keyring {
		k, err := vault.NewKeyring(bytes.NewReader(bytes.Repeat([]byte{fill}, 200)))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	card := func(text string) instrument.PAN {
		n, err := instrument.ParsePAN(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, visa := keys(1), card("4000 0000 0000 0408")
	token := a.CardToken("s1", "anna", visa)
	if !regexp.MustCompile(`^[a-z2-7]{32}$`).MatchString(token) {
		t.Errorf("token %q", token)
	}
	restored, err := a.Renewed(bytes.NewReader(bytes.Repeat([]byte{9}, 8)))
	if err != nil || restored.CardToken("s1", "anna", card("4000000000000408")) != token {
		t.Error("another token after a restore")
	}
	alias := a.Alias("s1", "anna")
	if restored.Alias("s1", "anna") != alias || len(alias) != 32 {
		t.Errorf("alias %q, after a restore %q", alias, restored.Alias("s1", "anna"))
	}
	for name, other := range map[string]string{"keys": keys(2).Alias("s1", "anna"), "shop": a.Alias("s2", "anna"), "customer": a.Alias("s1", "ann"), "where one ends": a.Alias("s1a", "nna")} {
		if other == alias {
			t.Errorf("another %s: the same alias", name)
		}
	}
	for name, other := range map[string]string{
		"keys": keys(2).CardToken("s1", "anna", visa), "shop": a.CardToken("s2", "anna", visa), "customer": a.CardToken("s1", "ann", visa),
		"where one ends": a.CardToken("s1a", "nna", visa), "number": a.CardToken("s1", "anna", card("4000000000000416")),
	} {
		if other == token {
			t.Errorf("another %s: the same token", name)
		}
	}
}
