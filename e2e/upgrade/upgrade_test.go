package upgrade

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/built"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

func allShards() []int64 {
	shards := make([]int64, store.Shards)
	for i := range shards {
		shards[i] = int64(i)
	}
	return shards
}

// each runs fn on what is kept of each version, in both kinds of database.
func each(t *testing.T, fn func(t *testing.T, d *storetest.Database, from string)) {
	t.Helper()
	versions, err := filepath.Glob(filepath.Join("testdata", "2*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(versions) < 2 {
		t.Fatal("what older programs left is not here")
	}
	for _, v := range versions {
		v = filepath.Base(v)
		t.Run(v, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, d *storetest.Database) {
				fn(t, d, folder(v, string(d.Kind)))
			})
		})
	}
}

// TestWhatIsLeftGoesOn opens what older programs left. The answers are theirs to the byte, merchants and customers go on,
// events are told as they would have been, and what was under way ends right.
func TestWhatIsLeftGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *storetest.Database, from string) {
		p := open(t, d, from)
		p.answersAsBefore()
		p.repeat()
		p.customersGoOn()
		p.merchantsGoOn()
		p.ordersGoOn()
		p.operatorsGoOn()
		p.toldAsBefore()
		p.endsRight()
		p.audit()
		p.paidOnce()
	})
}

// TestCommandsShowWhatIsLeft has the built program bring a copy up to date by its command, and print what the older one printed.
func TestCommandsShowWhatIsLeft(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *storetest.Database, from string) {
		w := &world{t: t}
		about, err := os.ReadFile(filepath.Join(from, "about.json"))
		if err != nil {
			t.Fatal(err)
		}
		readJSON(t, about, w)
		dir := t.TempDir()
		restoreFiles(t, from, dir)
		url := restoreDatabase(t, d, from, dir)
		where := []string{"--data", dir}
		if url != "" {
			where = append(where, "--database", url)
		}
		// The commands show what there was as it stood a minute after the kill, whatever day it is now: keys that sign for a day still
		// do, and the node that was killed does not count as alive any more.
		clock := []string{"TEST_CLOCK=" + w.At.Add(time.Minute).Format(time.RFC3339Nano)}
		if _, err := run(built.Clocked(t), clock, false, append([]string{"migrate"}, where...)...); err != nil {
			t.Fatal(err)
		}
		if len(w.Commands) == 0 { // its commands had no --json; that they work is all that can be asked for
			w.Commands = w.looks()[:8]
		}
		var was map[string]string
		if kept := filepath.Join(from, "commands.gz"); exists(kept) {
			was, _ = read(unpack(t, kept))
		}
		for _, c := range w.Commands {
			if slices.Contains(c, w.Shops["stages"].ID) {
				continue // as in the other shop of its kind
			}
			out, err := run(built.Clocked(t), clock, true, slices.Concat(c, where)...)
			if err != nil {
				t.Errorf("sluice %v: %v", c, err)
				continue
			}
			if was != nil {
				compare(t, strings.Join(c, " "), was[strings.Join(c, " ")], string(out))
			}
		}
	})
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func TestMain(m *testing.M) { built.Main(m) }

// answersAsBefore asks for all that the older program was asked for. Where an answer is meant to be another since, changed.http
// beside the rest has it as it is now; that is a golden file, whose changes are to be reviewed like code.
func (p *present) answersAsBefore() {
	p.t.Helper()
	was, heads := read(unpack(p.t, filepath.Join(p.folder, "answers.gz")))
	if len(heads) < 200 {
		p.t.Fatalf("only %d answers are kept", len(heads))
	}
	file := filepath.Join(p.folder, "changed.http")
	kept := map[string]string{}
	if raw, err := os.ReadFile(file); err == nil {
		kept, _ = read(raw)
	}
	var changed []exchange
	for _, head := range heads {
		q := request(head)
		now := p.record([]call{q})
		text := p.same(now[0].text)
		if text != p.same(was[head]) {
			changed = append(changed, exchange{q, text})
		}
		want, ok := kept[head]
		if !ok {
			want = p.same(was[head])
		}
		if !golden.Updating() {
			compare(p.t, head, want, text)
		}
	}
	if golden.Updating() {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.t.Fatal(err)
		}
		if len(changed) > 0 {
			golden.Check(p.t, file, write(changed))
		}
		return
	}
	if len(changed) != len(kept) {
		p.t.Errorf("%d answers are others than they were, %s has %d", len(changed), file, len(kept))
	}
}

// repeat sends again what was sent before: nothing is done twice.
func (p *present) repeat() {
	p.t.Helper()
	for _, name := range []string{"paid", "declined", "held", "payout", "unknown-booked", "call-booked"} {
		s := p.scene(name)
		body := deposit(name, map[string]string{"held": "20.00", "payout": "50.00", "unknown-booked": "6600.05", "call-booked": "6600.02"}[name])
		switch name {
		case "paid":
			body["amount"] = json.Number("11.12")
		case "declined":
			body["amount"], body["card"] = json.Number("11.12"), card(declined)
		case "held":
			body["preAuth"] = true
		case "payout":
			body["paymentType"] = "WITHDRAWAL"
		}
		a := p.must(call{shop: "till", method: "POST", path: payments, body: body, header: map[string]string{"Idempotency-Key": "key-" + name}})
		if a.field("result.id") != s.Payment || a.header.Get("Idempotency-Replayed") != "true" {
			p.t.Errorf("%s again: %s", name, a)
		}
	}
	a := p.must(call{shop: "market", method: "POST", path: merchantAPI + "/v1/orders", body: tea("open", "180.00"), header: map[string]string{"X-Request-Id": "request-open"}})
	if a.field("data.paymentUrl") != p.scene("open").Page || a.header.Get("Idempotency-Replayed") != "true" {
		p.t.Errorf("the order again: %s", a)
	}
	a, err := p.send(call{method: "GET", path: payments, header: map[string]string{"Authorization": "Bearer " + p.WasRevoked}})
	if err != nil || a.status != 401 {
		p.t.Errorf("by a revoked key: %v %v", a, err)
	}
}

// becomes demands a state of a scene's payment.
func (p *present) becomes(name, want string) {
	p.t.Helper()
	if is := p.stateOf(p.scene(name)); is != want {
		p.t.Errorf("%s is %s, want %s", name, is, want)
	}
}

// customersGoOn opens pages that the older program gave addresses of, and comes back from banks to which it sent.
func (p *present) customersGoOn() {
	p.t.Helper()
	p.pay(p.scene("checkout").Page, approved)
	p.becomes("checkout", "COMPLETED")
	p.pay(p.scene("checkout-card").Page, challenge)
	p.becomes("checkout-card", "PENDING")
	p.decide(p.scene("threeds").Page, "approve")
	p.becomes("threeds", "COMPLETED")
	p.decide(p.scene("by-blik").Page, "approve")
	p.becomes("by-blik", "COMPLETED")
	p.pixGoesOn()
	p.pay(p.scene("open").Page, approved)
	p.becomes("open", "CAPTURED")
	p.decide(p.scene("at-the-bank").Page, "approve")
	p.becomes("at-the-bank", "CAPTURED")
	p.pay(p.scene("two-open").Page, approved)
	p.becomes("two-open", "AUTHORIZED")
}

// pixGoesOn: older programs sent who pays by Pix to the provider, later ones show its code on the page.
func (p *present) pixGoesOn() {
	p.t.Helper()
	page := p.scene("by-pix").Page
	if a := p.form(page, nil); a.status == http.StatusOK && strings.Contains(a.text(), "br.gov.bcb.pix") {
		p.becomes("by-pix", "PENDING")
		return
	}
	p.decide(page, "cancel")
	p.becomes("by-pix", "CANCELLED")
}

// merchantsGoOn does by the gateway API what the payments are there for.
func (p *present) merchantsGoOn() {
	p.t.Helper()
	p.capture("till", p.scene("held").Payment, "")
	p.becomes("held", "COMPLETED")
	p.void("till", p.scene("held-to-void").Payment)
	p.becomes("held-to-void", "CANCELLED")
	p.capture("moved", p.scene("moved-held").Payment, "")
	p.becomes("moved-held", "COMPLETED")
	refunded := func(name, amount, want string) {
		p.t.Helper()
		a := p.make("till", refund(name+"-rest", p.scene(name).Payment, amount), false)
		if a.field("result.state") != want {
			p.t.Errorf("the rest of %s: %s", name, a)
		}
	}
	refunded("refunded-part", "8.00", "COMPLETED")
	refunded("captured-part", "4.00", "COMPLETED")
	refunded("chain", "9.99", "COMPLETED")
	a, err := p.send(call{shop: "till", method: "POST", path: payments, body: refund("too-much", p.scene("refunded").Payment, "0.01")})
	if err != nil || a.status != 400 {
		p.t.Errorf("refund of what was refunded: %v %v", a, err)
	}
	next := deposit("chain-now", "9.99", "card", nil, "recurringToken", p.scene("chain").Token)
	if a := p.make("till", next, false); a.field("result.state") != "COMPLETED" {
		p.t.Errorf("the chain goes on: %s", a)
	}
	next = with(next, "referenceId", "stopped-now", "recurringToken", p.scene("chain-to-stop").Token)
	if a, err := p.send(call{shop: "till", method: "POST", path: payments, body: next}); err != nil || a.status == 200 && a.field("result.state") != "DECLINED" {
		p.t.Errorf("a chain that was stopped goes on: %v %v", a, err)
	}
	p.keptCardsPay()
	p.tokensPayOnce()
}

// tokensPayOnce: a token that has paid the older program's payment pays no other, and one that waits with its deposit pays that.
func (p *present) tokensPayOnce() {
	p.t.Helper()
	if !p.has("token-spent") {
		return
	}
	spent, waits := p.scene("token-spent"), p.scene("token-waits")
	a, err := p.send(call{shop: "purse", method: "POST", path: payments, body: byGoogle(deposit("token-again", "11.12"), spent.Wallet)})
	if err != nil || a.status != http.StatusBadRequest || !strings.Contains(a.text(), "replay") {
		p.t.Errorf("a token that was spent: %v, %s", err, a)
	}
	p.must(call{shop: "purse", method: "PATCH", path: payments + "/" + waits.Payment, body: browser})
	p.becomes("token-waits", "COMPLETED")
	waits.Ends = "COMPLETED"
	a, err = p.send(call{shop: "purse", method: "POST", path: payments, body: byGoogle(deposit("token-once-more", "11.12"), waits.Wallet)})
	if err != nil || a.status != http.StatusBadRequest {
		p.t.Errorf("a token that was spent now: %v, %s", err, a)
	}
}

// keptCardsPay: a card that the older program kept is paid with by its token.
func (p *present) keptCardsPay() {
	p.t.Helper()
	if !p.has("card-kept") {
		return
	}
	token := object{"cardToken": p.scene("card-kept").Kept, "cardSecurityCode": "123"}
	if a := p.make("keeper", byCustomer(deposit("card-again", "11.13", "card", token)), true); a.field("result.state") != "COMPLETED" {
		p.t.Errorf("by a card that was kept: %s", a)
	}
}

// ordersGoOn does so by the Yandex Pay API.
func (p *present) ordersGoOn() {
	p.t.Helper()
	later := func(name, want string) {
		p.t.Helper()
		s := p.scene(name)
		p.ends(s, want)
	}
	p.operate(p.scene("two-held"), "v1", "capture", object{"externalOperationId": "c-now"})
	later("two-held", "CAPTURED")
	p.operate(p.scene("two-held-to-cancel"), "v1", "cancel", object{"reason": "no more", "externalOperationId": "v-now"})
	later("two-held-to-cancel", "VOIDED")
	p.operate(p.scene("part"), "v2", "refund", object{"refundAmount": "90", "externalOperationId": "r-now", "targetCart": object{"items": []object{}}})
	later("part", "REFUNDED")
	p.operate(p.scene("two-captured"), "v2", "refund", object{"refundAmount": "10", "targetShipping": object{"amount": "0"},
		"targetCart": object{"items": []object{{"productId": "p1"}}}})
	later("two-captured", "PARTIALLY_REFUNDED")
	p.operate(p.scene("rich/1 ё"), "v1", "rollback", nil)
	p.must(call{shop: "market", method: "POST", path: merchantAPI + "/v1/subscriptions/recur", body: object{"amount": "600.00", "parentOrderId": "s-1", "orderId": "s-1-3",
		"currencyCode": "RUB", "cart": object{"items": []object{{"productId": "box", "title": "A box", "quantity": object{"count": "1"}, "total": "600.00"}},
			"total": object{"amount": "600.00"}}}})
	p.Scenes = append(p.Scenes, &scene{Name: "s-1-3", Shop: "market", Order: "s-1-3", Ends: "CAPTURED"})
	later("s-1-3", "CAPTURED")
}

// operatorsGoOn approves by a second person what a first one asked for before.
func (p *present) operatorsGoOn() {
	p.t.Helper()
	till := p.Shops["till"].ID
	p.act("payment.approve", object{"shop": till, "update": p.Update, "by": "joe"})
	p.becomes("by-hand", "DECLINED")
	p.scene("by-hand").Ends = "DECLINED"
}

// toldAsBefore delivers what was not, and again what was: as the older program would have.
func (p *present) toldAsBefore() {
	p.t.Helper()
	var was map[string]post
	readJSON(p.t, unpack(p.t, filepath.Join(p.folder, "posts.gz")), &was)
	p.deliver(20 * time.Hour)
	alone := p.receiver.told()
	for _, s := range p.Shops {
		var endpoints struct {
			Items []struct{ EndpointID, State string }
		}
		readJSON(p.t, p.act("webhook.endpoints", object{"shop": s.ID}), &endpoints)
		for _, e := range endpoints.Items {
			if e.State == "DISABLED" {
				p.act("webhook.switch", object{"shop": s.ID, "endpoint": e.EndpointID, "to": "UP"})
			}
		}
		for _, state := range []string{"FAILED", "DELIVERED"} {
			p.act("webhook.resend", object{"shop": s.ID, "state": state})
		}
	}
	p.deliver(time.Hour)
	now := p.receiver.told()
	events := make([]string, 0, len(was))
	for event := range was {
		if !p.made(event).After(p.At) {
			events = append(events, event)
		}
	}
	sort.Strings(events)
	untold := 0
	for _, event := range events {
		before, after := was[event], now[event]
		if strings.HasPrefix(event, "/stages/down") || strings.HasPrefix(event, "/till/down") {
			untold++
			if alone[event].Path == "" {
				p.t.Errorf("%s was not delivered by itself", event)
			}
		}
		if after.Path == "" {
			p.t.Errorf("%s was never posted", event)
			continue
		}
		p.samePost(event, &before, &after)
	}
	if len(events) < 60 || untold < 5 {
		p.t.Errorf("only %d events, %d of them undelivered", len(events), untold)
	}
}

// made is when an event was, which its id begins with.
func (p *present) made(event string) time.Time {
	p.t.Helper()
	_, id, _ := strings.Cut(event, " evt_")
	ms, err := strconv.ParseInt(strings.ReplaceAll(id, "-", "")[:12], 16, 64)
	if err != nil {
		p.t.Fatalf("%s: %v", event, err)
	}
	return time.UnixMilli(ms)
}

// samePost demands what receivers see to be the same, and what changes with each try to be right.
func (p *present) samePost(event string, was, now *post) {
	p.t.Helper()
	compare(p.t, "header of "+event, shown(plainHeader(was.Header)), shown(plainHeader(now.Header)))
	if now.Header.Get("Webhook-Id") != "" {
		compare(p.t, "body of "+event, was.Body, now.Body)
		p.signed(event, now)
		return
	}
	before, after := strings.Split(was.Body, "."), strings.Split(now.Body, ".")
	if len(after) != 3 {
		p.t.Fatalf("%s: no token: %s", event, now.Body)
	}
	compare(p.t, "payload of "+event, p.same(decoded(p.t, before[1])), p.same(decoded(p.t, after[1])))
	compare(p.t, "head of the token of "+event, p.head(before[0]), p.head(after[0]))
	if !p.verified(after) {
		p.t.Errorf("%s: the keys that the older program published do not verify %s", event, now.Body)
	}
}

func shown(v any) string {
	raw, _ := json.MarshalIndent(v, "", " ") // of texts
	return string(raw)
}

// signed checks the signatures of a gateway event by the keys that the merchant has.
func (p *present) signed(event string, now *post) {
	p.t.Helper()
	var of *member
	for name, s := range p.Shops {
		if strings.HasPrefix(now.Path, "/"+name+"/") {
			of = s
		}
	}
	var all []string
	stamp := now.Header.Get("Webhook-Timestamp")
	for i, key := range of.Signing {
		mac := hmac.New(sha256.New, []byte(key))
		if i == 0 {
			mac.Write([]byte(now.Body))
			compare(p.t, "signature of "+event, hex.EncodeToString(mac.Sum(nil)), now.Header.Get("Signature"))
			mac.Reset()
		}
		mac.Write([]byte(now.Header.Get("Webhook-Id") + "." + stamp + "." + now.Body))
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	compare(p.t, "signatures of "+event, strings.Join(all, " "), now.Header.Get("Webhook-Signature"))
}

// head is a token's head without its times.
func (p *present) head(part string) string {
	p.t.Helper()
	var head object
	readJSON(p.t, []byte(decoded(p.t, part)), &head)
	issued, _ := head["iat"].(float64)
	expires, _ := head["exp"].(float64)
	if expires-issued != 300 {
		p.t.Errorf("a token of %v seconds", expires-issued)
	}
	return shown(with(head, "iat", nil, "exp", nil))
}

// verified checks a token by the keys that the older program published.
func (p *present) verified(token []string) bool {
	p.t.Helper()
	was, _ := read(unpack(p.t, filepath.Join(p.folder, "answers.gz")))
	_, body, _ := strings.Cut(was["GET /api/jwks"], "\n\n")
	var set struct{ Keys []struct{ Kid, X, Y string } }
	readJSON(p.t, []byte(body), &set)
	var head struct{ Kid string }
	readJSON(p.t, []byte(decoded(p.t, token[0])), &head)
	number := func(text string) *big.Int { return new(big.Int).SetBytes([]byte(text)) }
	signature := decoded(p.t, token[2])
	if len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(token[0] + "." + token[1]))
	for _, k := range set.Keys {
		if k.Kid != head.Kid {
			continue
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), []byte("\x04"+decoded(p.t, k.X)+decoded(p.t, k.Y)))
		return err == nil && ecdsa.Verify(key, digest[:], number(signature[:32]), number(signature[32:]))
	}
	return false
}

// endsRight lets time pass until what was open has ended.
func (p *present) endsRight() {
	p.t.Helper()
	p.app.Work(p.t)
	var wrong []string
	await(p.t, "all that was open has ended", func() bool {
		p.clock.Advance(time.Minute)
		wrong = nil
		for _, s := range p.Scenes {
			if !s.Open {
				continue
			}
			if is := p.stateOf(s); is != s.Ends {
				wrong = append(wrong, s.Name+" is "+is+", not "+s.Ends)
			}
		}
		time.Sleep(50 * time.Millisecond)
		return len(wrong) == 0
	}, func() { p.t.Log(wrong) })
}

// paymentID is in every reference by which the provider knows what was asked of it.
var paymentID = regexp.MustCompile(`[0-9a-f]{32}`)

// paidOnce holds the provider's ledger against what merchants are told: what is COMPLETED was done once, all else was not
// done or was given back.
func (p *present) paidOnce() {
	p.t.Helper()
	done, entries := map[string]int{}, 0
	for line := range strings.Lines(string(p.form(p.Simulator+"/ledger", nil).body)) {
		var e struct{ Type, Kind, Reference string }
		readJSON(p.t, []byte(line), &e)
		entries++
		id := paymentID.FindString(e.Reference)
		switch e.Type {
		case "captured", "paid_out", "refunded":
			done[id+" "+e.Type]++
		case "reversed":
			done[id+" "+map[string]string{"refund": "refunded", "payout": "paid_out"}[e.Kind]]--
			if e.Kind == "sale" {
				done[id+" captured"]--
			}
		}
	}
	for shop := range p.Shops {
		var list struct {
			Result []struct{ ID, State, PaymentType, ReferenceID string }
		}
		readJSON(p.t, p.must(call{shop: shop, method: "GET", path: payments + "?limit=1000"}).body, &list)
		for _, s := range list.Result {
			is := done[s.ID+" captured"] - done[s.ID+" refunded"]
			switch s.PaymentType {
			case "REFUND":
				is = done[s.ID+" refunded"]
			case "WITHDRAWAL":
				is = done[s.ID+" paid_out"]
			}
			want := 0
			if s.State == "COMPLETED" {
				want = 1
			}
			if is != want {
				p.t.Errorf("%s %s is %s, and was done %d times: %v", s.PaymentType, s.ReferenceID, s.State, is, done)
			}
		}
	}
	if health := p.form(p.Simulator+"/healthz", nil); health.status != 200 || entries < 100 {
		p.t.Errorf("the provider's books: %s, %d entries", health, entries)
	}
}

var versionSeven = regexp.MustCompile(`\b([0-9a-f]{8}-[0-9a-f]{4}-)7([0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\b`)

// same spells ids as they are spelled since 2026-11-28, as UUIDs of version 4.
func (p *present) same(text string) string {
	if p.version < "2026-11-28" {
		return versionSeven.ReplaceAllString(text, "${1}4$2")
	}
	return text
}

func decoded(t testing.TB, part string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
