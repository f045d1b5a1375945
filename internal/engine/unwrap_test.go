package engine_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/kept"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/purse"
	"github.com/sluicepay/sluice/internal/wallet"
	"github.com/sluicepay/sluice/internal/wallet/mint"
)

// payer is a house whose shop has accounts at the wallets, and a customer of it.
type payer struct {
	*house
	*purse.Purse
}

// onBothWallets is onBoth with a shop that has accounts at the wallets.
func onBothWallets(t *testing.T, fn func(t *testing.T, h payer)) {
	t.Helper()
	makers := purse.NewMakers(t, time.Now().Add(-time.Hour))
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		var p *purse.Purse
		h := newHouse(t, d, nil)
		p = purse.New(t, makers, "1", h.Clock.Now)
		h.shop = h.NewShop(t, func(s *shop.Shop) { p.Open(t, s) }).Shop
		fn(t, payer{h, p})
	})
}

// open is a deposit that waits on its page.
func (h payer) open(value string) payment.Payment {
	h.t.Helper()
	c := h.newDeposit(value, cardApproved)
	c.Means = nil
	return h.create(c)
}

// pay has the customer of a page pay by a wallet.
func (h payer) pay(by *engine.Engine, p payment.ID, m payment.Method, token []byte) (payment.Payment, error) {
	o, err := by.Execute(h.t.Context(), engine.Execute{
		Target: h.target(p), Hosted: true, Method: m, Means: &instrument.Wallet{Method: string(m), Token: append([]byte(nil), token...)},
	})
	return o.Payment, err
}

// tokenFault demands that a token is refused for one reason.
func tokenFault(t testing.TB, what string, err error, want wallet.Fault) {
	t.Helper()
	var r *engine.TokenRefused
	if !errors.As(err, &r) || r.Fault != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

// spentRows counts the tokens that are remembered.
func (h *house) spentRows() (n int) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.SpentTokens().Due(h.Clock.Now().Add(100*365*24*time.Hour), 1000)
		n = len(rows)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func TestWalletsPay(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		for _, m := range []payment.Method{payment.GooglePay, payment.ApplePay} {
			paid, err := h.pay(h.Engine, h.open("10.00").ID, m, h.Token(t, m, purse.Card(cardApproved, true), 1000))
			if err != nil || paid.State() != payment.Completed || paid.Method != m || paid.Instrument.CustomerAccountNumber != "400000***0408" ||
				paid.Instrument.CardBrand != instrument.BrandVisa || paid.Instrument.CardToken != "" {
				t.Errorf("%s: %v, %s %q by %s with %+v", m, err, paid.State(), paid.ErrorCode, paid.Method, paid.Instrument)
			}
			refused, err := h.pay(h.Engine, h.open("10.00").ID, m, h.Token(t, m, purse.Card(cardDeclined, true), 1000))
			if err != nil || refused.State() != payment.Declined {
				t.Errorf("%s: %v, %s %q", m, err, refused.State(), refused.ErrorCode)
			}
			proved, err := h.pay(h.Engine, h.open("10.00").ID, m, h.Token(t, m, purse.Card(cardChallenge, true), 1000))
			if err != nil || proved.State() != payment.Completed {
				t.Errorf("%s: a device's number needs no bank: %v, %s", m, err, proved.State())
			}
		}
		onFile, err := h.pay(h.Engine, h.open("10.00").ID, payment.GooglePay, h.FromGoogle(t, purse.Card(cardChallenge, false), nil))
		if a := onFile.LiveAttempt(); err != nil || a == nil || a.Next.URL == "" {
			t.Errorf("a card on file is to be authenticated: %v, %s", err, onFile.State())
		}
		if n := h.spentRows(); n != 4 {
			t.Errorf("%d tokens of Google's are remembered for a time, want 4", n)
		}
		h.Clock.Advance(3 * time.Hour)
		if err := (&kept.Forgetter{DB: h.DB, Now: h.Clock.Now}).Work(t.Context(), job.Item{}); err != nil || h.spentRows() != 0 {
			t.Errorf("%v, %d are remembered after their time", err, h.spentRows())
		}
	})
}

// TestTokensThatAreNotTaken change nothing: another may be brought.
func TestTokensThatAreNotTaken(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		other := purse.New(t, h.Makers, "2", h.Clock.Now)
		card := purse.Card(cardApproved, true)
		h.Clock.Advance(24 * time.Hour)
		day := h.FromApple(t, card, 1000, nil)
		h.Clock.Advance(24 * time.Hour)
		p := h.get(h.open("10.00").ID)
		for what, c := range map[string]struct {
			m     payment.Method
			token []byte
			want  wallet.Fault
		}{
			"no token":           {payment.GooglePay, []byte("{}"), wallet.FaultFormat},
			"expired":            {payment.GooglePay, h.FromGoogle(t, card, func(g *mint.GoogleToken) { g.Expires = h.Clock.Now().Add(-time.Second) }), wallet.FaultMessageExpired},
			"of another shop":    {payment.GooglePay, other.FromGoogle(t, card, nil), wallet.FaultMessageSignature},
			"forged":             {payment.GooglePay, h.FromGoogle(t, card, func(g *mint.GoogleToken) { g.Flaw = mint.FlawForeignRoot }), wallet.FaultIntermediate},
			"of another wallet":  {payment.GooglePay, h.FromApple(t, card, 1000, nil), wallet.FaultFormat},
			"wrong amount":       {payment.ApplePay, h.FromApple(t, card, 999, nil), wallet.FaultPaymentMismatch},
			"wrong currency":     {payment.ApplePay, h.FromApple(t, card, 1000, func(a *mint.AppleToken) { a.CurrencyNumeric = "840" }), wallet.FaultPaymentMismatch},
			"wrong merchant":     {payment.ApplePay, h.FromApple(t, card, 1000, func(a *mint.AppleToken) { a.Flaw = mint.FlawOtherMerchant }), wallet.FaultDecrypt},
			"another shop's":     {payment.ApplePay, other.FromApple(t, card, 1000, nil), wallet.FaultPublicKeyHash},
			"of yesterday":       {payment.ApplePay, day, wallet.FaultSigningTime},
			"altered on its way": {payment.ApplePay, h.FromApple(t, card, 1000, func(a *mint.AppleToken) { a.Flaw = mint.FlawAltered }), wallet.FaultSignature},
		} {
			_, err := h.pay(h.Engine, p.ID, c.m, c.token)
			tokenFault(t, what, err, c.want)
			created := h.newDeposit("10.00", cardApproved)
			created.Method, created.Means = c.m, &instrument.Wallet{Method: string(c.m), Token: append([]byte(nil), c.token...)}
			_, err = h.Engine.Create(t.Context(), created)
			tokenFault(t, what+", at the creation", err, c.want)
		}
		if now := h.get(p.ID); now.Version != p.Version || now.State() != payment.Checkout || h.spentRows() != 0 {
			t.Errorf("%s, version %d after %d; %d tokens are spent", now.State(), now.Version, p.Version, h.spentRows())
		}
	})
}

// TestATokenPaysOnce: by whichever node, payment and instant it comes again.
func TestATokenPaysOnce(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		nodes := []*engine.Engine{h.Engine, h.other(nil)}
		for _, m := range []payment.Method{payment.GooglePay, payment.ApplePay} {
			token := h.Token(t, m, purse.Card(cardApproved, true), 1000)
			var paid, refused int
			var mu sync.Mutex
			var all sync.WaitGroup
			for i := range 6 {
				p := h.open("10.00")
				all.Go(func() {
					now, err := h.pay(nodes[i%2], p.ID, m, token)
					mu.Lock()
					defer mu.Unlock()
					switch r := new(engine.TokenRefused); {
					case err == nil && now.State() == payment.Completed:
						paid++
					case errors.As(err, &r) && r.Fault == wallet.FaultReplay:
						refused++
					default:
						t.Errorf("%s: %v, %s", m, err, now.State())
					}
				})
			}
			all.Wait()
			if paid != 1 || refused != 5 {
				t.Errorf("%s: paid %d times, refused %d times", m, paid, refused)
			}
			restarted := h.other(nil)
			_, err := h.pay(restarted, h.open("10.00").ID, m, token)
			tokenFault(t, "after a restart", err, wallet.FaultReplay)
		}
		h.agree()
	})
}

// TestATokenThatCameWithTheDeposit waits for the order to pay as what was in it, sealed, also at another node.
func TestATokenThatCameWithTheDeposit(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		token := h.FromApple(t, purse.Card(cardApproved, true), 1000, nil)
		born := func(reference string) (engine.Outcome, error) {
			c := h.newDeposit("10.00", cardApproved)
			c.Method, c.Means = payment.ApplePay, &instrument.Wallet{Method: string(payment.ApplePay), Token: append([]byte(nil), token...)}
			c.Idem = key("POST", reference, reference)
			return h.Engine.Create(t.Context(), c)
		}
		first, err := born("a")
		if err != nil || first.Payment.Method != payment.ApplePay || first.Payment.Instrument.CustomerAccountNumber != "400000***0408" ||
			strings.Contains(first.Payment.Means, cardApproved) || first.Payment.Means == "" {
			t.Fatalf("%v: %s with %+v", err, first.Payment.Method, first.Payment.Instrument)
		}
		second, err := born("b")
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(10 * time.Minute) // the token is too old by now, and is not asked
		if again, err := born("a"); err != nil || !again.Replayed || again.Payment.ID != first.Payment.ID {
			t.Errorf("asked twice: %v, %+v", err, again.Replayed)
		}
		o, err := h.other(nil).Execute(t.Context(), engine.Execute{Target: h.target(first.Payment.ID)})
		if err != nil || o.Payment.State() != payment.Completed {
			t.Errorf("%v, %s %q", err, o.Payment.State(), o.Payment.ErrorCode)
		}
		_, err = h.Engine.Execute(t.Context(), engine.Execute{Target: h.target(second.Payment.ID)})
		tokenFault(t, "the second deposit with it", err, wallet.FaultReplay)
		_, err = born("c")
		tokenFault(t, "a third", err, wallet.FaultSigningTime)
		h.agree()
	})
}

// TestATokenOutlivesACallThatNeverLeft: the payment that it was spent on can go on with it, and no other.
func TestATokenOutlivesACallThatNeverLeft(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		p := h.open("10.00")
		token := h.FromGoogle(t, purse.Card(cardApproved, true), nil)
		out := &wayOut{}
		out.shut.Store(true)
		if now, err := h.pay(h.byWay(out), p.ID, payment.GooglePay, token); err != nil || !now.BetweenTries() {
			t.Fatalf("%v, %s", err, now.State())
		}
		_, err := h.pay(h.Engine, h.open("10.00").ID, payment.GooglePay, token)
		tokenFault(t, "another payment", err, wallet.FaultReplay)
		if now, err := h.pay(h.Engine, p.ID, payment.GooglePay, token); err != nil || now.State() != payment.Completed {
			t.Errorf("%v, %s", err, now.State())
		}
		h.agree()
	})
}

// TestALateSuccessOfAWallet: an answer that was lost is found by asking.
func TestALateSuccessOfAWallet(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		h.scenario("payment", "10.00", simulator.Effect{Fault: simulator.FaultDrop})
		p := h.open("10.00")
		now, err := h.pay(h.Engine, p.ID, payment.GooglePay, h.FromGoogle(t, purse.Card(cardApproved, true), nil))
		if err != nil {
			t.Fatal(err)
		}
		h.reach(now, payment.Completed)
		h.agree()
	})
}

// TestCardsInWalletsAreGuarded: a number is the same number, on file or in a token, and one that is not tried spends no token.
func TestCardsInWalletsAreGuarded(t *testing.T) {
	t.Parallel()
	onBothWallets(t, func(t *testing.T, h payer) {
		h.shop = h.NewShop(t, func(s *shop.Shop) {
			h.Open(t, s)
			s.Settings.CardTesting = shop.Defaults(true).CardTesting
		}).Shop
		for n := range 5 {
			m, device := payment.GooglePay, n%2 == 0
			if n == 4 {
				m, device = payment.ApplePay, true
			}
			p, err := h.pay(h.Engine, h.open("10.00").ID, m, h.Token(t, m, purse.Card(cardDeclined, device), 1000))
			if err != nil || p.State() != payment.Declined {
				t.Fatalf("%v, %s", err, p.State())
			}
		}
		spent, p := h.spentRows(), h.get(h.open("10.00").ID)
		_, err := h.pay(h.Engine, p.ID, payment.GooglePay, h.Token(t, payment.GooglePay, purse.Card(cardDeclined, true), 1000))
		isSlowed(t, err)
		_, err = h.pays(cardDeclined, "")
		isSlowed(t, err)
		if now := h.get(p.ID); now.Version != p.Version || h.spentRows() != spent || h.slowedBy("card") != 2 {
			t.Errorf("version %d after %d, %d tokens after %d, %d times slowed", now.Version, p.Version, h.spentRows(), spent, h.slowedBy("card"))
		}
		other, err := h.pay(h.Engine, p.ID, payment.ApplePay, h.Token(t, payment.ApplePay, purse.Card(cardApproved, true), 1000))
		if err != nil || other.State() != payment.Completed {
			t.Errorf("another card: %v, %s", err, other.State())
		}
		h.agree()
	})
}
