package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestAProviderIsAskedFirst: settings that it does not take make no terminal and change none, and the error says what it
// answered, without the credentials.
func TestAProviderIsAskedFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Shop"})
		of := admin.OfShop{Shop: string(s.Shop)}
		create := admin.CreateTerminal{OfShop: of, Name: "main", Connector: "sandbox", Settings: o.settings(map[string]string{"apiKey": "sandbox_wrong"})}
		refused(o, admin.OpCreateTerminal, create, "401")
		closed := create
		closed.Settings = o.settings(map[string]string{"url": "http://127.0.0.1:1"})
		refused(o, admin.OpCreateTerminal, closed, "--no-trial")
		if l := done(o, admin.OpListTerminals, of); len(l.Items) != 0 {
			t.Errorf("made all the same: %+v", l)
		}
		create.NoTrial = true
		done(o, admin.OpCreateTerminal, create)
		create.Name, create.NoTrial, create.Settings = "good", false, o.settings(nil)
		good := done(o, admin.OpCreateTerminal, create)
		update := admin.UpdateTerminal{OfTerminal: admin.OfTerminal{OfShop: of, Terminal: good.ID}, Settings: `{"apiKey":"sandbox_wrong"}`}
		before := o.terminal(s.Shop, good.ID)
		refused(o, admin.OpUpdateTerminal, update, "401")
		if diff := cmp.Diff(before, o.terminal(s.Shop, good.ID)); diff != "" {
			t.Errorf("changed all the same: %s", diff)
		}
		if tested := done(o, admin.OpTestTerminal, update.OfTerminal); !tested.Asked || tested.Terminal != good.ID {
			t.Errorf("%+v", tested)
		}
		update.NoTrial = true
		done(o, admin.OpUpdateTerminal, update)
		refused(o, admin.OpTestTerminal, update.OfTerminal, "401")
		if strings.Contains(o.log.String(), "sandbox_wrong") || strings.Contains(o.log.String(), o.Simulator.APIKey()) {
			t.Errorf("the log has credentials:\n%s", o.log)
		}
	})
}

// TestATerminalIsShownAndChanged: what is not named stays, and no secret is shown.
func TestATerminalIsShownAndChanged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Shop"})
		of := admin.OfShop{Shop: string(s.Shop)}
		made := done(o, admin.OpCreateTerminal, admin.CreateTerminal{
			OfShop: of, Name: "main", Connector: "sandbox", Settings: o.settings(nil), Currencies: []string{"EUR"}, Priority: 3,
		})
		done(o, admin.OpCreateTerminal, admin.CreateTerminal{OfShop: of, Name: "taken", Connector: "sandbox", Settings: o.settings(nil)})
		it := admin.OfTerminal{OfShop: of, Terminal: "main"}
		shown := done(o, admin.OpShowTerminal, it)
		if shown.ID != made.ID || shown.Priority != 3 || string(shown.Settings["url"]) != `"`+o.SimulatorURL+`"` || len(shown.OldUntil) != 0 {
			t.Errorf("%+v", shown)
		}
		for _, secret := range []string{"apiKey", "noticeSecret"} {
			if string(shown.Settings[secret]) != `"***"` {
				t.Errorf("%s is shown as %s", secret, shown.Settings[secret])
			}
		}
		five, zero := 5, 0
		for _, c := range []struct {
			change admin.UpdateTerminal
			words  string
		}{
			{admin.UpdateTerminal{OfTerminal: it}, "nothing to change"},
			{admin.UpdateTerminal{OfTerminal: it, Name: "taken"}, `named "taken" already`},
			{admin.UpdateTerminal{OfTerminal: it, Name: " "}, "blank"},
			{admin.UpdateTerminal{OfTerminal: it, Settings: `{"urll":"x"}`}, "urll"},
			{admin.UpdateTerminal{OfTerminal: it, Settings: `[]`}, "one JSON object"},
			{admin.UpdateTerminal{OfTerminal: it, Settings: `{"apiKey":null}`}, "apiKey"},
			{admin.UpdateTerminal{OfTerminal: it, Methods: []string{"BARTER"}}, "BARTER"},
			{admin.UpdateTerminal{OfTerminal: it, Currencies: []string{"euro"}}, "euro"},
			{admin.UpdateTerminal{OfTerminal: it, Priority: &five, KeepOld: -1}, "less than nothing"},
			{admin.UpdateTerminal{OfTerminal: admin.OfTerminal{OfShop: of, Terminal: "none"}, Priority: &five}, `no terminal "none"`},
			{admin.UpdateTerminal{OfTerminal: admin.OfTerminal{OfShop: admin.OfShop{Shop: "none"}, Terminal: "main"}, Priority: &five}, `no shop "none"`},
		} {
			refused(o, admin.OpUpdateTerminal, c.change, c.words)
		}
		if diff := cmp.Diff(shown, done(o, admin.OpShowTerminal, it)); diff != "" {
			t.Errorf("refused changes changed something: %s", diff)
		}
		done(o, admin.OpUpdateTerminal, admin.UpdateTerminal{OfTerminal: it, Priority: &zero, Methods: []string{"BASIC_CARD"}, Currencies: []string{"any"}})
		done(o, admin.OpUpdateTerminal, admin.UpdateTerminal{OfTerminal: it, Name: "renamed"})
		it.Terminal = made.ID
		changed := done(o, admin.OpUpdateTerminal, admin.UpdateTerminal{OfTerminal: it, Settings: `{"noticeSecret":"second","timeoutMs":2000}`, KeepOld: time.Hour})
		want := admin.Terminal{ID: made.ID, Name: "renamed", Connector: "sandbox", Enabled: true, Types: shown.Types, Methods: []payment.Method{payment.BasicCard}}
		if diff := cmp.Diff(want, changed.Terminal); diff != "" || len(changed.OldUntil) != 1 || string(changed.Settings["timeoutMs"]) != "2000" {
			t.Errorf("%+v\n%s", changed, diff)
		}
		var stored map[string]any
		if err := json.Unmarshal(o.terminal(s.Shop, made.ID).Config, &stored); err != nil || stored["apiKey"] != o.Simulator.APIKey() || stored["noticeSecret"] != "second" {
			t.Errorf("stored %v, %v", stored, err)
		}
	})
}

// TestRemoveATerminal: only one that is disabled and was never used.
func TestRemoveATerminal(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o *office) {
		s := done(o, admin.OpCreateShop, admin.CreateShop{Name: "Shop"})
		of := admin.OfShop{Shop: string(s.Shop)}
		for _, name := range []string{"used", "unused"} {
			done(o, admin.OpCreateTerminal, admin.CreateTerminal{OfShop: of, Name: name, Connector: "sandbox", Settings: o.settings(nil)})
		}
		pay := func() payment.State {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.URL+"/api/v1/payments", strings.NewReader(
				`{"paymentType":"WITHDRAWAL","amount":6.00,"currency":"EUR","card":{"cardNumber":"4000000000000408","cardholderName":"J D","expiryMonth":"12","expiryYear":"2099"}}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+s.APIKey)
			req.Header.Set("Content-Type", "application/json")
			res, err := o.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var answer struct{ Result struct{ State payment.State } }
			if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
				t.Fatal(err)
			}
			return answer.Result.State
		}
		if got := pay(); got != payment.Completed {
			t.Fatalf("paid: %s", got)
		}
		for _, name := range []string{"used", "unused"} {
			it := admin.OfTerminal{OfShop: of, Terminal: name}
			refused(o, admin.OpRemoveTerminal, it, "disable it first")
			if off := done(o, admin.OpSwitchTerminal, admin.SwitchTerminal{OfTerminal: it}); off.Enabled {
				t.Errorf("%+v", off)
			}
		}
		o.Clock.Advance(time.Second) // for whoever shares the database
		if got := pay(); got != payment.Declined {
			t.Errorf("a payment without a terminal is %s", got)
		}
		refused(o, admin.OpRemoveTerminal, admin.OfTerminal{OfShop: of, Terminal: "used"}, "has had payments")
		done(o, admin.OpRemoveTerminal, admin.OfTerminal{OfShop: of, Terminal: "unused"})
		refused(o, admin.OpRemoveTerminal, admin.OfTerminal{OfShop: of, Terminal: "unused"}, "no terminal")
		used := admin.SwitchTerminal{OfTerminal: admin.OfTerminal{OfShop: of, Terminal: "used"}, Enabled: true}
		done(o, admin.OpSwitchTerminal, used)
		o.Clock.Advance(time.Second)
		if got := pay(); got != payment.Completed {
			t.Errorf("when it is enabled again: %s", got)
		}
	})
}
