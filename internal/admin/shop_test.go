package admin_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

// terminal is a terminal as the database has it.
func (o *office) terminal(sid shop.ID, tid string) shop.Terminal {
	o.t.Helper()
	var s shop.Shop
	err := o.DB.View(o.t.Context(), func(tx *store.Tx) (err error) {
		s, err = tx.Shops().Get(sid)
		return err
	})
	if err != nil || s.Terminal(tid) == nil {
		o.t.Fatalf("terminal %s: %v", tid, err)
	}
	return *s.Terminal(tid)
}

// TestNamesThatNobodyCanRead are refused wherever a name is given.
func TestNamesThatNobodyCanRead(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Кофе & Co"})
		of := admin.OfShop{Shop: string(s.Shop)}
		for _, name := range []string{" ", "\t\n", "\u00a0", " x", "x ", "a\nb", "a\x00b", "a\u202eb", "\u200b", strings.Repeat("ü", 101), "\xff"} {
			for _, err := range []error{
				failed(o, admin.OpCreateShop, admin.CreateShop{Name: name}),
				failed(o, admin.OpCreateShop, admin.CreateShop{Name: "fine", Merchant: name}),
				failed(o, admin.OpRenameShop, admin.RenameShop{OfShop: of, Name: name}),
				failed(o, admin.OpRenameShop, admin.RenameShop{OfShop: of, Name: "fine", Merchant: name}),
				failed(o, admin.OpCreateKey, admin.CreateKey{OfShop: of, Label: name}),
				failed(o, admin.OpCreateTerminal, admin.CreateTerminal{OfShop: of, Name: name, Connector: "sandbox", Settings: o.settings(nil)}),
			} {
				if err == nil {
					t.Errorf("%q is taken", name)
				}
			}
		}
		if err := failed(o, admin.OpCreateShop, admin.CreateShop{}); err == nil {
			t.Error("no name is taken")
		}
		done(o, admin.OpCreateShop, admin.CreateShop{Name: "taken"})
		refused(o, admin.OpRenameShop, admin.RenameShop{OfShop: of, Name: "taken"}, `"taken" already`)
		refused(o, admin.OpRenameShop, admin.RenameShop{OfShop: admin.OfShop{Shop: "none"}, Name: "x"}, `no shop "none"`)
		if r := done(o, admin.OpRenameShop, admin.RenameShop{OfShop: of, Name: strings.Repeat("ü", 100)}); r.Merchant != "Кофе & Co" {
			t.Errorf("%+v", r)
		}
		l := done(o, admin.OpListShops, admin.Nothing{})
		if len(l.Items) != 2 || l.Items[0].Name != strings.Repeat("ü", 100) {
			t.Errorf("%+v", l)
		}
	})
}

func failed[A, R any](o *office, op admin.Operation[A, R], arguments A) error {
	_, err := op.Do(o.t.Context(), o.desk, arguments)
	return err
}

// TestWhatIsSaidToBeInForceIs: at once in this process, and in every other from the instant that the result names.
func TestWhatIsSaidToBeInForceIs(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Shop"})
		of := admin.OfShop{Shop: string(s.Shop)}
		key := done(o, admin.OpCreateKey, admin.CreateKey{OfShop: of})
		here, there := api.NewAuth(o.Engine), api.NewAuth(o.Beside(t, o.DB).Engine)
		if o.DB.Kind() == store.SQLite {
			there = here // no other process can have the database
		}
		may := func(a *api.Auth) error {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+key.APIKey)
			_, err := a.Shop(r)
			return err
		}
		check := func(from admin.Effect, want bool) {
			t.Helper()
			if err := may(here); (err == nil) != want {
				t.Errorf("here: %v, want %t", err, want)
			}
			if wait := from.InForce.Sub(o.Clock.Now()); wait > 0 {
				o.Clock.Advance(wait)
			}
			if err := may(there); (err == nil) != want {
				t.Errorf("there: %v, want %t", err, want)
			}
		}
		if may(here) != nil || may(there) != nil {
			t.Fatal("the key is not good")
		}
		off, on := false, true
		check(done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Active: &off}).Effect, false)
		check(done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: of, Active: &on}).Effect, true)
		check(done(o, admin.OpRevokeKey, admin.RevokeKey{OfShop: of, Key: admin.KeyName(key.Key)}).Effect, false)
	})
}

// TestWhatWasDoneIsLogged: one line an act that changes something, with who, and without secrets; none for a look.
func TestWhatWasDoneIsLogged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Shop", Settings: `{"checkoutTimeout":7}`})
		of := admin.OfShop{Shop: string(s.Shop)}
		made := done(o, admin.OpCreateTerminal, admin.CreateTerminal{OfShop: of, Name: "main", Connector: "sandbox", Settings: o.settings(nil)})
		done(o, admin.OpListShops, admin.Nothing{})
		done(o, admin.OpShowTerminal, admin.OfTerminal{OfShop: of, Terminal: made.ID})
		refused(o, admin.OpRevokeKey, admin.RevokeKey{OfShop: of, Key: "none"}, "none")
		rotated := done(o, admin.OpRotateKey, admin.RotateKey{Shop: of.Shop})
		key := done(o, admin.OpCreateKey, admin.CreateKey{OfShop: of})
		done(o, admin.OpRevokeKey, admin.RevokeKey{OfShop: of, Key: admin.KeyName(key.Key)})
		done(o, admin.OpSwitchTerminal, admin.SwitchTerminal{OfTerminal: admin.OfTerminal{OfShop: of, Terminal: "main"}})
		var told []string
		for line := range strings.Lines(o.log.String()) {
			var entry struct {
				Level, Msg, Operation, Account, Claims, Made string
				Arguments                                    map[string]string
			}
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatal(err)
			}
			if entry.Msg != "administered" {
				continue
			}
			told = append(told, entry.Operation)
			if entry.Level != "INFO" || entry.Account != "root(0)" || entry.Claims != "ann" {
				t.Errorf("%+v", entry)
			}
			switch entry.Operation {
			case "shop.create":
				if entry.Made != of.Shop || entry.Arguments["name"] != "Shop" || entry.Arguments["settings"] != `{"checkoutTimeout":7}` {
					t.Errorf("%+v", entry)
				}
			case "terminal.create":
				if entry.Made != made.ID || entry.Arguments["shop"] != of.Shop || entry.Arguments["settings"] != "***" {
					t.Errorf("%+v", entry)
				}
			case "key.revoke":
				if entry.Arguments["keyId"] != key.Key {
					t.Errorf("does not say which key: %+v", entry)
				}
			case "terminal.switch":
				if entry.Arguments["terminal"] != "main" || entry.Arguments["enabled"] != "false" {
					t.Errorf("does not say which way: %+v", entry)
				}
			}
		}
		if got := strings.Join(told, " "); got != "shop.create terminal.create webhook.rotate-key key.create key.revoke terminal.switch" {
			t.Errorf("told of %s", got)
		}
		for _, secret := range []string{s.APIKey, key.APIKey, s.SigningKey, rotated.SigningKey, o.Simulator.APIKey()} {
			if strings.Contains(o.log.String(), secret) {
				t.Errorf("the log has a secret:\n%s", o.log)
			}
		}
	})
}

// TestAServerThatNeverKeepsCardsRefusesTokens, and says why; a shop that had them before can change something else.
func TestAServerThatNeverKeepsCardsRefusesTokens(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		const keeping = `{"cardTokens":true}`
		had := admin.OfShop{Shop: string(done(o, admin.OpCreateShop, admin.CreateShop{Name: "had", Settings: keeping}).Shop)}
		has := admin.OfShop{Shop: string(done(o, admin.OpCreateShop, admin.CreateShop{Name: "has none"}).Shop)}
		o.desk = admin.New(admin.Config{DB: o.DB, Engine: o.Engine, IDs: o.IDs, Now: o.Clock.Now, Log: slog.New(slog.DiscardHandler), NeverKeepCards: true})
		const why = "keeps no card numbers (--never-keep-cards)"
		refused(o, admin.OpCreateShop, admin.CreateShop{Name: "new", Settings: keeping}, why)
		refused(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: has, Settings: keeping}, why)
		done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: has, Settings: `{"checkoutTimeout":5}`})
		done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: had, Settings: `{"checkoutTimeout":5}`})
		if s := done(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: had, Settings: `{"cardTokens":false}`}); s.Settings.CardTokens {
			t.Error("it cannot be switched off")
		}
		refused(o, admin.OpUpdateShop, admin.UpdateShop{OfShop: had, Settings: keeping}, why)
	})
}
