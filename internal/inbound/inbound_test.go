package inbound_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// desk is an application with one payment that is open here and decided at the provider.
type desk struct {
	*testkit.App
	t    *testing.T
	shop *shop.Shop
	open payment.Payment
	body []byte // of the true notice about it
}

// onBoth runs fn on both databases. The clock as good as stands: notices are signed seconds from the edge of what is
// taken, and a machine may need longer than that to post them.
func onBoth(t *testing.T, fn func(d *desk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, database *storetest.Database) {
		clock := testkit.SlowClock(1000)
		db := database.Open(func(o *store.Options) { o.Now = clock.Now })
		d := &desk{App: testkit.New(t, db, testkit.Options{Clock: clock}), t: t}
		d.shop = d.NewShop(t, nil).Shop
		d.begin()
		fn(d)
	})
}

func (d *desk) begin() {
	d.t.Helper()
	if _, err := d.Simulator.AddScenario(simulator.Scenario{
		Match: simulator.Match{Operation: "payout"}, Effect: simulator.Effect{AsyncAfterMs: -1, Notice: simulator.NoticeLost},
	}); err != nil {
		d.t.Fatal(err)
	}
	pan, err := instrument.ParsePAN("4000000000000408")
	if err != nil {
		d.t.Fatal(err)
	}
	o, err := d.Engine.Create(d.t.Context(), engine.Create{
		Shop: d.shop, Type: payment.Withdrawal, Amount: money.MustParse("12.00"), Currency: "EUR",
		Means: &instrument.Card{Number: pan, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: strconv.Itoa(time.Now().Year() + 3)},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.open = o.Payment
	key := d.open.LiveAttempt().Key
	if err := d.Simulator.Decide(key, "00"); err != nil {
		d.t.Fatal(err)
	}
	sums, _ := d.Simulator.Totals(key)
	d.body, err = json.Marshal(map[string]any{"id": "evt_true", "type": "transaction.updated", "transaction": map[string]any{
		"id": sums.TransactionID, "reference": key, "kind": "payout", "status": "approved", "responseCode": "00",
		"amount": "12.00", "currency": "EUR",
	}})
	if err != nil {
		d.t.Fatal(err)
	}
}

// signed are the headers of a post of the body that is signed at that instant.
func (d *desk) signed(body []byte, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return http.Header{
		"Content-Type": {"application/json"}, "Sandbox-Timestamp": {stamp},
		"Sandbox-Signature": {simulator.Sign(d.Simulator.NoticeSecret(), stamp, body)},
	}
}

// post posts to the terminal and returns the status.
func (d *desk) post(terminal string, header http.Header, body io.Reader) int {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.URL+"/notices/"+terminal, body)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header = header
	res, err := d.Client.Do(req)
	if err != nil {
		d.t.Errorf("post: %v", err)
		return 0
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	for _, leak := range []string{string(d.shop.ID), string(d.open.ID), "sql", "secret"} {
		if leak != "" && strings.Contains(string(text), leak) {
			d.t.Errorf("the answer %q tells too much", text)
		}
	}
	return res.StatusCode
}

// untouched checks that the payment is as it was and that no notice with the key is kept.
func (d *desk) untouched(what, key string) {
	d.t.Helper()
	err := d.DB.View(d.t.Context(), func(tx *store.Tx) error {
		p, err := tx.Payments().Get(d.shop.ID, d.open.ID)
		if err != nil {
			return err
		}
		if p.Version != d.open.Version+1 && p.Version != d.open.Version || p.State() != payment.Pending || p.Told != 0 {
			d.t.Errorf("%s: version %d is now %d, %s", what, d.open.Version, p.Version, p.State())
		}
		if _, err = tx.Notices().Get(d.shop.ID, d.terminal(), key); !errors.Is(err, store.ErrNotFound) {
			d.t.Errorf("%s: something is kept (%v)", what, err)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) terminal() string { return d.shop.Terminals[0].ID }

func TestForgedNoticesChangeNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		now := d.Clock.Now()
		good := d.signed(d.body, now)
		edit := func(name, value string) http.Header {
			h := good.Clone()
			if value == "" {
				h.Del(name)
			} else {
				h.Set(name, value)
			}
			return h
		}
		signature := good.Get("Sandbox-Signature")
		type forgery struct {
			name   string
			header http.Header
			body   []byte
		}
		forgeries := []forgery{
			{"unsigned", edit("Sandbox-Signature", ""), d.body},
			{"without time", edit("Sandbox-Timestamp", ""), d.body},
			{"another time", edit("Sandbox-Timestamp", strconv.FormatInt(now.Unix()+1, 10)), d.body},
			{"time is no number", edit("Sandbox-Timestamp", "soon"), d.body},
			{"time beyond all calendars", edit("Sandbox-Timestamp", "9223372036854775807"), d.body},
			{"short signature", edit("Sandbox-Signature", signature[:len(signature)-1]), d.body},
			{"long signature", edit("Sandbox-Signature", signature+"0"), d.body},
			{"half a signature", edit("Sandbox-Signature", signature[:35]), d.body},
			{"only the version", edit("Sandbox-Signature", "v1="), d.body},
			{"no version", edit("Sandbox-Signature", strings.TrimPrefix(signature, "v1=")), d.body},
			{"capital letters", edit("Sandbox-Signature", "v1="+strings.ToUpper(signature[3:])), d.body},
			{"another's key", edit("Sandbox-Signature", simulator.Sign("guess", good.Get("Sandbox-Timestamp"), d.body)), d.body},
			{"no key", edit("Sandbox-Signature", simulator.Sign("", good.Get("Sandbox-Timestamp"), d.body)), d.body},
			{"a byte more", good, append(bytes.Clone(d.body), ' ')},
			{"a byte less", good, d.body[:len(d.body)-1]},
			{"nothing", good, nil},
			{"five minutes and a second old", d.signed(d.body, now.Add(-301*time.Second)), d.body},
			{"five minutes and two seconds ahead", d.signed(d.body, now.Add(302*time.Second)), d.body},
		}
		for i := 0; i < len(d.body); i += 7 {
			flipped := bytes.Clone(d.body)
			flipped[i] ^= 1 << (i % 8)
			forgeries = append(forgeries, forgery{fmt.Sprintf("bit %d of byte %d", i%8, i), good, flipped})
		}
		for i := range len(signature) {
			flipped := []byte(signature)
			flipped[i] ^= 1
			forgeries = append(forgeries, forgery{fmt.Sprintf("byte %d of the signature", i), edit("Sandbox-Signature", string(flipped)), d.body})
		}
		for _, f := range forgeries {
			if status := d.post(d.terminal(), f.header, bytes.NewReader(f.body)); status != http.StatusUnauthorized {
				t.Errorf("%s: %d, want 401", f.name, status)
			}
		}
		d.untouched("forgeries", "evt_true")
		if status := d.post(d.terminal(), good, bytes.NewReader(d.body)); status != http.StatusNoContent {
			t.Errorf("the true one: %d, want 204", status)
		}
		if p, err := d.Engine.Get(t.Context(), d.shop.ID, d.open.ID); err != nil || p.State() != payment.Completed {
			t.Errorf("after the true one: %s %v", p.State(), err)
		}
		t.Logf("%d forgeries refused", len(forgeries))
	})
}

func TestNoticesAreTakenWithinFiveMinutes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		for _, ago := range []time.Duration{298 * time.Second, -298 * time.Second} {
			if status := d.post(d.terminal(), d.signed(d.body, d.Clock.Now().Add(-ago)), bytes.NewReader(d.body)); status != http.StatusNoContent {
				t.Errorf("signed %s ago: %d", ago, status)
			}
		}
	})
}

func TestReplayedNoticeChangesNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		header := d.signed(d.body, d.Clock.Now())
		for range 3 {
			if status := d.post(d.terminal(), header, bytes.NewReader(d.body)); status != http.StatusNoContent {
				t.Errorf("status %d, want 204", status)
			}
		}
		before, err := d.Engine.Operations(t.Context(), d.shop.ID, d.open.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.Clock.Advance(6 * time.Minute)
		if status := d.post(d.terminal(), header, bytes.NewReader(d.body)); status != http.StatusUnauthorized {
			t.Errorf("an old one: %d, want 401", status)
		}
		d.Clock.Advance(30 * 24 * time.Hour) // the provider signs an old event anew
		if status := d.post(d.terminal(), d.signed(d.body, d.Clock.Now()), bytes.NewReader(d.body)); status != http.StatusNoContent {
			t.Errorf("an old event: %d, want 204", status)
		}
		after, err := d.Engine.Operations(t.Context(), d.shop.ID, d.open.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(before) != len(after) {
			t.Errorf("%d operations became %d", len(before), len(after))
		}
	})
}

func TestWhatIsTooBigOrPackedIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		now := d.Clock.Now()
		huge := bytes.Repeat([]byte(" "), 64<<10+1)
		if status := d.post(d.terminal(), d.signed(huge, now), bytes.NewReader(huge)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("64 KiB and one byte: %d, want 413", status)
		}
		if status := d.post(d.terminal(), d.signed(huge, now), io.MultiReader(bytes.NewReader(huge))); status != http.StatusRequestEntityTooLarge {
			t.Errorf("the same without a length: %d, want 413", status)
		}
		full := append(bytes.Clone(d.body), bytes.Repeat([]byte(" "), 64<<10-len(d.body))...)
		if status := d.post(d.terminal(), d.signed(full, now), bytes.NewReader(full)); status != http.StatusNoContent {
			t.Errorf("64 KiB: %d, want 204", status)
		}
		packed := bomb(t)
		for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "x"} {
			header := d.signed(packed, now)
			header.Set("Content-Encoding", encoding)
			if status := d.post(d.terminal(), header, bytes.NewReader(packed)); status != http.StatusUnsupportedMediaType {
				t.Errorf("%s: %d, want 415", encoding, status)
			}
		}
	})
}

// bomb is 100 MiB in 100 KiB: a stream of gzip goes on with the next one, so one is packed and repeated.
func bomb(t *testing.T) []byte {
	t.Helper()
	var one bytes.Buffer
	w := gzip.NewWriter(&one)
	if _, err := w.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(one.Bytes(), 100)
}

func TestSignedNonsenseIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		kept := map[string]bool{}
		for name, body := range map[string]string{
			"no JSON":        "hello",
			"two objects":    string(d.body) + string(d.body),
			"a list":         "[" + string(d.body) + "]",
			"no id":          strings.Replace(string(d.body), "evt_true", "", 1),
			"id with a NUL":  strings.Replace(string(d.body), "evt_true", `evt\u0000`, 1),
			"NUL":            strings.Replace(string(d.body), d.open.LiveAttempt().Key, `a\u0000b`, 1),
			"long reference": strings.Replace(string(d.body), d.open.LiveAttempt().Key, strings.Repeat("a", 5000), 1),
			"no reference":   strings.Replace(string(d.body), d.open.LiveAttempt().Key, "", 1),
			"another event":  strings.Replace(string(d.body), "transaction.updated", "customer.deleted", 1),
			"id twice":       strings.Replace(string(d.body), `"id":`, `"id":"evt_2","id":`, 1),
			"bad UTF-8":      strings.Replace(string(d.body), "evt_true", "evt_\xff", 1),
			"very deep":      strings.Repeat(`{"id":`, 9000) + "1" + strings.Repeat("}", 9000),
		} {
			forged := d.signed([]byte(body+"x"), d.Clock.Now())
			if status := d.post(d.terminal(), forged, strings.NewReader(body)); status != http.StatusUnauthorized {
				t.Errorf("%s, forged: %d, want 401", name, status)
			}
			kept[body] = false
			for range 2 { // the provider tries again
				if status := d.post(d.terminal(), d.signed([]byte(body), d.Clock.Now()), strings.NewReader(body)); status != http.StatusBadRequest {
					t.Errorf("%s: %d, want 400", name, status)
				}
			}
		}
		d.untouched("nonsense", "evt_true")
		for _, n := range d.parked() {
			again, known := kept[string(n.Body)]
			if !known || again || !strings.Contains(n.Headers, "Sandbox-Signature") || n.Terminal != d.terminal() {
				t.Errorf("kept: %+v", n)
			}
			kept[string(n.Body)] = true
		}
		for body, found := range kept {
			if !found {
				t.Errorf("not kept: %.80q", body)
			}
		}
	})
}

// parked are the notices that wait for a human.
func (d *desk) parked() (list []store.Notice) {
	d.t.Helper()
	err := d.DB.View(d.t.Context(), func(tx *store.Tx) (err error) {
		list, err = tx.Notices().Parked(100)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

func TestUnknownTerminals(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		header := d.signed(d.body, d.Clock.Now())
		for _, terminal := range []string{
			strings.Repeat("0", 32), "x", "%00", "%ff%fe", "%27%20OR%201=1--", "..%2f..", strings.Repeat("a", 4000), string(d.shop.ID),
		} {
			if status := d.post(terminal, header, bytes.NewReader(d.body)); status != http.StatusNotFound {
				t.Errorf("%.20s: %d, want 404", terminal, status)
			}
		}
		// The right secret, but the address of another shop's terminal: the payment is not found from there.
		other := d.NewShop(t, nil)
		if status := d.post(other.Terminals[0].ID, header, bytes.NewReader(d.body)); status != http.StatusNoContent {
			t.Errorf("another shop's terminal: %d, want 204", status)
		}
		d.untouched("another shop's notice", "evt_true")
		// Without a secret nothing can be verified, so nothing is taken.
		bare := d.NewShop(t, func(s *shop.Shop) {
			s.Terminals[0].Config = []byte(`{"url":"` + d.SimulatorURL + `","apiKey":"k"}`)
		})
		if status := d.post(bare.Terminals[0].ID, header, bytes.NewReader(d.body)); status != http.StatusUnauthorized {
			t.Errorf("terminal without a secret: %d, want 401", status)
		}
		res, err := d.Client.Get(d.URL + "/notices/" + d.terminal())
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed && res.StatusCode != http.StatusNotFound {
			t.Errorf("GET: %d", res.StatusCode)
		}
	})
}

func TestPostThatBreaksOff(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		header := d.signed(d.body, d.Clock.Now())
		var head bytes.Buffer
		fmt.Fprintf(&head, "POST /notices/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", d.terminal(), len(d.body))
		if err := header.Write(&head); err != nil {
			t.Fatal(err)
		}
		head.WriteString("\r\n")
		head.Write(d.body[:len(d.body)/2])
		if _, err := conn.Write(head.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn)
		if strings.HasPrefix(string(answer), "HTTP/1.1 2") {
			t.Errorf("half a notice is taken: %q", answer)
		}
		d.untouched("half a notice", "evt_true")
	})
}

// TestStrangersAreNotRead: a post to no terminal is answered by its head alone. What there is for reading bodies is for those
// who know a terminal's id.
func TestStrangersAreNotRead(t *testing.T) {
	t.Parallel()
	onBoth(t, func(d *desk) {
		for _, terminal := range []string{"x", strings.Repeat("1", 32)} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /notices/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{", terminal)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if answer, _ := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 404") {
				t.Errorf("%s: %q", terminal, answer)
			}
		}
	})
}
