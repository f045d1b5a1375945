package e2e

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/sluicepay/sluice/internal/testkit/loopback"
	"github.com/sluicepay/sluice/internal/testkit/purse"
)

// TestWhatIsInTokensIsNowhereInClear: tokens of both wallets pay by API and on the page, against a provider that answers, errs and
// dawdles, some wait with their deposits, and the keys are rotated. A backup is taken of all that. Neither the card, its cryptogram nor
// the token is anywhere, the backup included.
func TestWhatIsInTokensIsNowhereInClear(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, database string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, database, "--metrics-listen", loopback.Address(t))
		s.start(t)
		shop := s.newHookShop(t, sim, object{"hostToHost": true})
		p, accounts := walletAccounts(t, t.TempDir())
		s.giveWallets(t, shop.id, accounts)
		c := &canary{client: shop.client, t: t, server: s}
		pieces := map[string][]byte{"the cryptogram": []byte(purse.Cryptogram), "the cryptogram in bytes": []byte("cryptogram of a test")}
		card := purse.Card(cardNumber, true)
		token := func(method string, cents uint64) string {
			made := p.FromGoogle(t, card, nil)
			if method == "APPLEPAY" {
				made = p.FromApple(t, card, cents, nil)
			}
			middle := len(made) / 2
			pieces["a token "+strconv.Itoa(len(pieces))] = bytes.Clone(made[middle : middle+40])
			return string(made)
		}
		for i, cents := range []uint64{1000, 660005, 660007, 660008, 660010, 660011, 660022, 1100} {
			amount := purse.Minor(cents)
			for method, field := range map[string]string{"GOOGLEPAY": "googlePay", "APPLEPAY": "applePay"} {
				by := func(name string) object {
					return with(order("DEPOSIT", name+" "+method+" "+amount, amount), "paymentMethod", method)
				}
				made := c.must(t, request{method: "POST", path: payments, body: with(by("api"), field, object{"token": token(method, cents)})})
				c.must(t, request{method: "PATCH", path: pathOf(made.payment.ID), body: browser})
				c.raw("GET", pathOf(made.payment.ID)+"/operations", "text/plain", "")
				page := c.must(t, request{method: "POST", path: payments, body: by("page")}).payment.RedirectURL
				c.pay(page, url.Values{"nonce": {nonceOf(t, page)}, "method": {method}, "wallet": {"x" + token(method, cents)}})
				c.pay(page, url.Values{"nonce": {nonceOf(t, page)}, "method": {method}, "wallet": {token(method, cents)}})
				c.answers.WriteString(pageOf(t, page))
				c.must(t, request{method: "POST", path: payments, body: with(by("waits"), field, object{"token": token(method, cents)})})
			}
			if i == 2 {
				var rotated struct{ KeyID string }
				s.admin(t, &rotated, "vault", "rotate", "--json")
			}
		}
		c.raw("GET", payments+"?limit=1000", "text/plain", "")
		report(t, "answers", c.answers.Bytes())
		folder := takeBackup(t, s, dir)
		s.kill() // the log and the write-ahead log stay as they are
		searchSecrets(t, dir, database)
		searched := 0
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			for what, piece := range pieces {
				if bytes.Contains(raw, piece) {
					t.Errorf("%s is in %s", what, path)
				}
			}
			if filepath.Dir(path) == folder {
				searched++
			}
			return err
		})
		if err != nil || searched == 0 {
			t.Errorf("%d files of the backup were searched: %v", searched, err)
		}
	})
}
