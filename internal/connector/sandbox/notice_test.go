package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/simulator"
)

const noticeKey = "notice_k7Qm2VtR9xLcB4nWz8HsD3fJ6yPaE5uG"

var noticeTime = time.Unix(1924423872, 400_000_000)

// listener is a terminal with the secret, at noticeTime.
func listener(t testing.TB, secret string) connector.Notifier {
	t.Helper()
	settings, err := json.Marshal(map[string]string{"url": "http://127.0.0.1:1", "apiKey": "k", "noticeSecret": secret})
	if err != nil {
		t.Fatal(err)
	}
	c, err := sandbox.Type().Parse(settings)
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return noticeTime }
	opened, err := c.Open(connector.Deps{Client: outbound.New(outbound.Options{Now: now}), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return opened.(connector.Notifier)
}

func signedAt(at time.Time, body string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return http.Header{"Sandbox-Timestamp": {stamp}, "Sandbox-Signature": {simulator.Sign(noticeKey, stamp, []byte(body))}}
}

// event is the body of a notice about a transaction with these fields.
func event(id string, fields ...string) string {
	transaction := map[string]string{}
	for i := 0; i < len(fields); i += 2 {
		transaction[fields[i]] = fields[i+1]
	}
	body, err := json.Marshal(map[string]any{"id": id, "type": "transaction.updated", "transaction": transaction})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(body)
}

func TestNotices(t *testing.T) {
	t.Parallel()
	base := []string{"id", "tx1", "reference", "e-p-1", "amount", "11.12", "currency", "EUR"}
	with := func(more ...string) []string { return append(append([]string(nil), base...), more...) }
	eur := func(f payment.Fact) payment.Fact {
		f.ProviderRef, f.Echoed.Amount, f.Echoed.Currency = "tx1", money.MustParse("11.12"), "EUR"
		return f
	}
	for name, c := range map[string]struct {
		body string
		want payment.Fact
	}{
		"pending":  {event("evt_1", with("kind", "sale", "status", "pending")...), eur(payment.Fact{Class: payment.ClassWaiting})},
		"approved": {event("evt_1", with("kind", "sale", "status", "approved", "responseCode", "00")...), eur(payment.Fact{Class: payment.ClassApproved, RawCode: "00"})},
		"held": {event("evt_1", with("kind", "authorization", "status", "authorized", "responseCode", "00")...),
			eur(payment.Fact{Class: payment.ClassAuthorized, RawCode: "00"})},
		"hold gone": {event("evt_1", with("kind", "authorization", "status", "expired", "responseCode", "C05")...),
			eur(payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, RawCode: "C05"})},
		"payout": {event("evt_1", with("kind", "payout", "status", "approved", "responseCode", "00")...), eur(payment.Fact{Class: payment.ClassApproved, RawCode: "00"})},
		"refund": {event("evt_1", with("kind", "refund", "status", "approved", "responseCode", "00")...), eur(payment.Fact{Class: payment.ClassApproved, RawCode: "00"})},
		"verified": {event("evt_1", "id", "tx1", "reference", "e-p-1", "kind", "verification", "status", "approved", "responseCode", "00",
			"amount", "0", "currency", "EUR", "credential", "cred_1"),
			payment.Fact{Class: payment.ClassApproved, ProviderRef: "tx1", Echoed: money.Sum{Currency: "EUR"}, RawCode: "00", Credential: "cred_1"}},
		"a status that nobody knows":  {event("evt_1", with("kind", "sale", "status", "odd")...), payment.Fact{Class: payment.ClassUnknown}},
		"a kind that nobody knows":    {event("evt_1", with("kind", "loan", "status", "approved", "responseCode", "00")...), payment.Fact{Class: payment.ClassUnknown}},
		"approved with a refusal":     {event("evt_1", with("kind", "sale", "status", "approved", "responseCode", "05")...), payment.Fact{Class: payment.ClassUnknown}},
		"approved without a currency": {event("evt_1", "id", "tx1", "reference", "e-p-1", "kind", "sale", "status", "approved", "responseCode", "00", "amount", "1"), payment.Fact{Class: payment.ClassUnknown}},
	} {
		got, err := listener(t, noticeKey).ParseNotice(signedAt(noticeTime, c.body), []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []connector.Notice{{EventKey: "evt_1", Key: "e-p-1", Fact: c.want}}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b money.Amount) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		again, err := listener(t, noticeKey).ReadNotice([]byte(c.body), "evt_1")
		if err != nil || again.Fact != c.want {
			t.Errorf("%s, read again: %+v, %v", name, again, err)
		}
	}
}

// TestNoticeVector holds the signature against one that was computed elsewhere (printf '%s' … | openssl dgst -sha256 -hmac …).
func TestNoticeVector(t *testing.T) {
	t.Parallel()
	body := `{"id":"evt_1","type":"transaction.updated","transaction":{"id":"tx1","reference":"e-p-1","kind":"sale","status":"pending","amount":"11.12","currency":"EUR"}}`
	header := http.Header{
		"Sandbox-Timestamp": {"1924423872"},
		"Sandbox-Signature": {"v1=94434de3c525c964eae33dab2ea12c5338ac225df8f330f17ed32cf5ff7f47b8"},
	}
	if _, err := listener(t, noticeKey).ParseNotice(header, []byte(body)); err != nil {
		t.Error(err)
	}
	for i := range len(body) * 8 {
		flipped := []byte(body)
		flipped[i/8] ^= 1 << (i % 8)
		if n, err := listener(t, noticeKey).ParseNotice(header, flipped); err == nil {
			t.Fatalf("bit %d flipped and believed: %+v", i, n)
		}
	}
	for i := range len(header.Get("Sandbox-Signature")) * 8 {
		flipped := []byte(header.Get("Sandbox-Signature"))
		flipped[i/8] ^= 1 << (i % 8)
		wrong := header.Clone()
		wrong.Set("Sandbox-Signature", string(flipped))
		if _, err := listener(t, noticeKey).ParseNotice(wrong, []byte(body)); err == nil {
			t.Fatalf("bit %d of the signature flipped and believed", i)
		}
	}
}

func TestNoticesOutOfTimeOrWithoutSecret(t *testing.T) {
	t.Parallel()
	body := event("evt_1", "id", "tx1", "reference", "e-p-1", "kind", "sale", "status", "pending", "amount", "1", "currency", "EUR")
	for _, c := range []struct {
		off  time.Duration
		good bool
	}{{0, true}, {-299 * time.Second, true}, {300 * time.Second, true}, {-301 * time.Second, false}, {301 * time.Second, false}, {-24 * time.Hour, false}} {
		_, err := listener(t, noticeKey).ParseNotice(signedAt(noticeTime.Add(c.off), body), []byte(body))
		if (err == nil) != c.good {
			t.Errorf("signed %s from now: %v", c.off, err)
		}
	}
	if _, err := listener(t, "").ParseNotice(signedAt(noticeTime, body), []byte(body)); err == nil {
		t.Error("a terminal without a secret believes a notice")
	}
	stamp := strconv.FormatInt(noticeTime.Unix(), 10)
	unkeyed := http.Header{"Sandbox-Timestamp": {stamp}, "Sandbox-Signature": {simulator.Sign("", stamp, []byte(body))}}
	if _, err := listener(t, "").ParseNotice(unkeyed, []byte(body)); err == nil {
		t.Error("a terminal without a secret believes a notice that is signed with none")
	}
	if _, err := listener(t, noticeKey).ReadNotice([]byte(body), "evt_2"); err == nil {
		t.Error("read as another event")
	}
}

// FuzzNotice looks for bodies and headers that are believed without the secret, and for signed bodies that make more
// of a transaction than it says.
func FuzzNotice(f *testing.F) {
	f.Add(event("evt_1", "id", "tx1", "reference", "e-p-1", "kind", "sale", "status", "approved", "responseCode", "00", "amount", "1", "currency", "EUR"), "1924423872", "v1=00")
	f.Add(`{"id":"evt_1","type":"transaction.updated","transaction":null}`, "", "")
	f.Add("[]", "-1", "v1=")
	f.Fuzz(func(t *testing.T, body, stamp, signature string) {
		l := listener(t, noticeKey)
		forged := http.Header{"Sandbox-Timestamp": {stamp}, "Sandbox-Signature": {signature}}
		if n, err := l.ParseNotice(forged, []byte(body)); err == nil && signature != simulator.Sign(noticeKey, stamp, []byte(body)) {
			t.Fatalf("believed: %+v", n)
		}
		notices, err := l.ParseNotice(signedAt(noticeTime, body), []byte(body))
		if err != nil {
			return
		}
		for _, n := range notices {
			if n.EventKey == "" || len(n.EventKey) > 64 || n.Key == "" || strings.ContainsRune(n.Key, 0) || n.Fact.Class == "" {
				t.Fatalf("%+v", n)
			}
			if n.Fact.Class == payment.ClassApproved && (n.Fact.Echoed.Amount.IsZero() || n.Fact.Echoed.Currency == "") {
				t.Fatalf("a success without money: %+v", n)
			}
		}
	})
}
