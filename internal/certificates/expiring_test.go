package certificates_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/alarm"
	"github.com/sluicepay/sluice/internal/certificates"
	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/job"
	"github.com/sluicepay/sluice/internal/provider"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/telemetry"
	"github.com/sluicepay/sluice/internal/testkit/purse"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
)

var start = time.Date(2030, 12, 25, 10, 0, 0, 0, time.UTC)

// certified is a certificate that ends so many days from the start, and its key.
func certified(t *testing.T, days int) accounts.Certified {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "merchant.test.one"}, NotBefore: start.AddDate(-1, 0, 0), NotAfter: start.AddDate(0, 0, days),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return accounts.Certified{Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), Key: purse.PEM(t, key)}
}

// TestAHumanIsToldOfCertificatesThatEnd: at thirty days, at seven and at the end, once each; a newer one ends that, and a shop that is
// not active is nobody's trouble.
func TestAHumanIsToldOfCertificatesThatEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		now := start
		clock := func() time.Time { return now }
		db := d.Open(func(o *store.Options) { o.Now = clock })
		insert := func(sid, name string, active bool, k accounts.Keys) {
			t.Helper()
			s := &shop.Shop{ID: shop.ID(sid), Merchant: "m", Name: name, Active: active, Created: start, Settings: shop.Defaults(false)}
			s.Settings.Wallets = shop.Wallets{Apple: &shop.ApplePay{MerchantID: "merchant.test.one"}, Keys: k.Text()}
			if err := db.Update(t.Context(), func(tx *store.Tx) error { tx.Shops().Insert(s); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		const watched, renewed, idle = "0193f0c2a7b17c9e8d4f5a6b7c8d9e01", "0193f0c2a7b17c9e8d4f5a6b7c8d9e02", "0193f0c2a7b17c9e8d4f5a6b7c8d9e03"
		insert(watched, "watched", true, accounts.Keys{Apple: []accounts.Certified{certified(t, 40)}, Identity: []accounts.Certified{certified(t, 400)}})
		insert(renewed, "renewed", true, accounts.Keys{Apple: []accounts.Certified{certified(t, 400), certified(t, 1)}})
		insert(idle, "idle", false, accounts.Keys{Apple: []accounts.Certified{certified(t, 1)}})
		bell := &alarm.Notifier{DB: db, IDs: id.NewSource(clock, rand.Reader), Now: clock, Log: slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics()}
		w := &certificates.Watch{DB: db, Bell: bell, Now: clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
		var want []string
		for _, c := range []struct {
			day int
			why string // that is told for the first time
		}{
			{0, ""}, {9, ""}, {10, "the processing certificate of Apple Pay ends within thirty days"}, {11, ""}, {32, ""},
			{33, "the processing certificate of Apple Pay ends within seven days"}, {34, ""},
			{40, "the processing certificate of Apple Pay has ended: customers cannot pay by it any more"}, {41, ""},
		} {
			if now = start.AddDate(0, 0, c.day); c.why != "" {
				want = append(want, c.why)
			}
			if err := w.Work(t.Context(), job.Item{}); err != nil {
				t.Fatal(err)
			}
			var got []string
			err := db.View(t.Context(), func(tx *store.Tx) error {
				found, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 10})
				for _, a := range found {
					if a.Shop != watched || a.Subject != watched || a.About != string(alarm.Shop) || a.Times != 1 || a.Detail != `"merchant.test.one" ends 2031-02-03T10:00:00Z` {
						t.Errorf("%+v", a)
					}
					got = append(got, a.Why)
				}
				return err
			})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("day %d: %v, told of %q, want %q", c.day, err, got, want)
			}
		}
	})
}

// TestCertificatesOfTerminalsEndToo: those in the settings of terminals of live shops that may have some.
func TestCertificatesOfTerminalsEndToo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		clock := func() time.Time { return start }
		db := d.Open(func(o *store.Options) { o.Now = clock })
		const sid = "0193f0c2a7b17c9e8d4f5a6b7c8d9e01"
		terminal := func(n int, name string, days int) shop.Terminal {
			raw, err := json.Marshal(map[string]string{"certificate": certified(t, days).Certificate, "apiKey": "x"})
			if err != nil {
				t.Fatal(err)
			}
			return shop.Terminal{ID: fmt.Sprintf("0193f0c2a7b17c9e8d4f5a6b7c8d9f%02d", n), Name: name, Connector: name, Config: raw, Enabled: true, Priority: n}
		}
		s := &shop.Shop{ID: sid, Merchant: "m", Name: "s", Live: true, Active: true, Created: start, Settings: shop.Defaults(true)}
		s.Terminals = []shop.Terminal{terminal(1, "certified", 6), terminal(2, "plain", 6)}
		long := terminal(3, "long", 400)
		long.Connector = "certified"
		s.Terminals = append(s.Terminals, long)
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			tx.Shops().Insert(s)
			for i := range s.Terminals {
				tx.Terminals().Insert(sid, &s.Terminals[i])
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		expires := func(raw json.RawMessage) []connector.Expiry {
			var in struct{ Certificate string }
			if json.Unmarshal(raw, &in) != nil {
				return nil
			}
			return provider.Ends("certificate", in.Certificate)
		}
		bell := &alarm.Notifier{DB: db, IDs: id.NewSource(clock, rand.Reader), Now: clock, Log: slog.New(slog.DiscardHandler), Metrics: telemetry.NewMetrics()}
		w := &certificates.Watch{
			DB: db, Bell: bell, Now: clock, Log: slog.New(slog.DiscardHandler), Types: []connector.Type{{Name: "certified", Expires: expires}, {Name: "plain"}},
		}
		for range 2 {
			if err := w.Work(t.Context(), job.Item{}); err != nil {
				t.Fatal(err)
			}
		}
		err := db.View(t.Context(), func(tx *store.Tx) error {
			found, _, err := tx.Alarms().List(store.AlarmFilter{Limit: 10})
			if len(found) != 1 || found[0].Subject != s.Terminals[0].ID || found[0].About != string(alarm.Terminal) || found[0].Times != 1 ||
				found[0].Why != "a certificate in the terminal's setting certificate ends within seven days" || !strings.Contains(found[0].Detail, "CN=merchant.test.one") {
				t.Errorf("%+v", found)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
