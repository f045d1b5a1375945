package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/simulator"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

// TestScenesSayWhatTheySaid plays the scenes on a new installation and compares with golden files what is said of them in all
// ways but the plain answers, which have transcripts of their own: the log of each payment, its page, the events as they are
// posted, the feed, and what operators are shown. What differs from run to run is replaced.
func TestScenesSayWhatTheySaid(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		p := fresh(t, d)
		p.settled()
		p.orders()
		p.world.open()
		p.openOrders()
		names := &spelling{names: map[string]string{}}
		p.check("operations.http", names, p.logs())
		p.check("pages.http", names, p.pages())
		p.check("feed.http", names, p.feed())
		p.check("posts.http", names, p.allPosts())
		p.check("desk.http", names, p.shownAtTheDesk())
	})
}

// fresh is a new installation with the shops of the scenes, at addresses that are always the same.
func fresh(t *testing.T, d *storetest.Database) *present {
	t.Helper()
	p := &present{
		world: &world{t: t, Server: "http://pay.example", Simulator: "http://provider.example", Receiver: "http://hooks.example", Shops: map[string]*member{}},
		clock: testkit.SlowClock(200), receiver: &receiver{willing: true},
	}
	db := d.Open(func(o *store.Options) { o.Now = p.clock.Now })
	hooks := httptest.NewServer(p.receiver)
	t.Cleanup(hooks.Close)
	var ways addresses
	transport := &http.Transport{DialContext: ways.dial, MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	p.http = newHTTP(transport)
	p.app = testkit.New(t, db, testkit.Options{
		Clock: p.clock, PublicURL: p.Server, Transport: transport,
		Simulate: func(c *simulator.Config) {
			c.PublicURL = func() string { return p.Simulator }
			c.APIKey, c.NoticeSecret = simulatorKey, noticeSecret
		},
	})
	ways.lead(p.Receiver+":80", hooks.URL)
	ways.lead(p.Server+":80", p.app.URL)
	ways.lead(p.Simulator+":80", p.app.SimulatorURL)
	p.desk = p.app.Desk
	p.member("till", func(s *shop.Settings) {
		s.WebhookURL, s.FourEyes, s.TellAuthorized = p.Receiver+"/till/up", true, true
	})
	p.member("market", func(s *shop.Settings) { s.YandexPay.CallbackURL = p.Receiver + "/market/up" })
	p.member("stages", func(s *shop.Settings) {
		s.YandexPay.CallbackURL, s.YandexPay.TwoStage = p.Receiver+"/stages/down", true
	})
	return p
}

func (p *present) member(name string, set func(*shop.Settings)) {
	p.t.Helper()
	made := p.app.NewShop(p.t, func(s *shop.Shop) {
		s.Name = "Shop " + name
		s.Settings.Required = shop.RequiredRelaxed
		set(&s.Settings)
		at, err := json.Marshal(object{"url": p.Simulator, "apiKey": simulatorKey}) // no notice comes before or after the answer
		if err != nil {
			p.t.Fatal(err)
		}
		s.Terminals[0].Config = at
	})
	p.Shops[name] = &member{ID: string(made.ID), APIKey: made.APIKey, Signing: []string{made.SigningKey}, Yandex: name != "till", TerminalID: made.Terminals[0].ID}
}

// check compares with a golden file.
func (p *present) check(name string, names *spelling, said []exchange) {
	p.t.Helper()
	golden.Check(p.t, filepath.Join("testdata", "scenes", name), []byte(strings.TrimSpace(names.spell(string(write(said))))+"\n"))
}

// logs are the operations of each scene's payment.
func (p *present) logs() (said []exchange) {
	for _, s := range p.Scenes {
		id := s.Payment
		if s.Order != "" {
			id = p.paymentOf(s)
		}
		a := p.must(call{shop: s.Shop, method: "GET", path: payments + "/" + id + "/operations"})
		said = append(said, exchange{call{shop: s.Name}, a.text()})
	}
	return said
}

// paymentOf finds an order's payment, which the gateway API shows beside others.
func (p *present) paymentOf(s *scene) string {
	p.t.Helper()
	var list struct {
		Result []struct{ ID, ReferenceID string }
	}
	readJSON(p.t, p.must(call{shop: s.Shop, method: "GET", path: payments + "?limit=1000"}).body, &list)
	for _, of := range list.Result {
		if of.ReferenceID == s.Order {
			return of.ID
		}
	}
	p.t.Fatalf("order %s has no payment", s.Order)
	return ""
}

// pages are what customers see who open the page of a payment, whatever became of it.
func (p *present) pages() (said []exchange) {
	for _, s := range p.Scenes {
		if s.Page != "" {
			a := p.form(s.Page, nil)
			said = append(said, exchange{call{shop: s.Name}, fmt.Sprintf("%s\nContent-Security-Policy: %s\nRefresh: %s\nLocation: %s\n\n%s",
				http.StatusText(a.status), a.header.Get("Content-Security-Policy"), a.header.Get("Refresh"), a.header.Get("Location"), main(a.body))})
		}
	}
	return said
}

// main is the part of a page that differs from others.
func main(page []byte) string {
	_, body, found := bytes.Cut(page, []byte("<body>"))
	if !found {
		return string(page)
	}
	text := pixCode.ReplaceAllString(strings.TrimSpace(string(body)), "${1}ID${2}CRC")
	return pixPicture.ReplaceAllString(text, `$1 of the code"/></svg>`)
}

// A code of Pix has the provider's id of the payment, and a checksum over it; its picture is another each time.
var (
	pixCode    = regexp.MustCompile(`(pix\.sandbox\.example/v2/)[0-9a-f]+([0-9A-Z .*]*6304)[0-9A-F]{4}`)
	pixPicture = regexp.MustCompile(`(<path d="M)[0-9a-zMh ]*[-0-9a-zMhvz ]*"/></svg>`)
)

func (p *present) feed() (said []exchange) {
	for _, name := range []string{"till", "market"} {
		a := p.must(call{shop: name, method: "GET", path: "/api/v1/events?limit=1000"})
		said = append(said, exchange{call{shop: name}, strings.ReplaceAll(a.text(), `{"id":"evt_`, "\n"+`{"id":"evt_`)})
	}
	return said
}

// allPosts are the events in the order in which they were made, tokens as their parts.
func (p *present) allPosts() (said []exchange) {
	p.t.Helper()
	p.deliver(time.Minute)
	told := p.receiver.told()
	events := make([]string, 0, len(told))
	for event := range told {
		events = append(events, event)
	}
	sort.Slice(events, func(i, j int) bool {
		_, a, _ := strings.Cut(events[i], " ")
		_, b, _ := strings.Cut(events[j], " ")
		return a < b
	})
	for _, event := range events {
		post := told[event]
		body := post.Body
		if parts := strings.Split(body, "."); len(parts) == 3 && post.Header.Get("Webhook-Id") == "" {
			body = decoded(p.t, parts[0]) + "\n." + decoded(p.t, parts[1]) + "\n.<signature>"
		}
		said = append(said, exchange{call{shop: post.Path}, heads(post.Header) + "\n" + body + "\n"})
	}
	return said
}

// heads are headers in the order of their names.
func heads(h http.Header) string {
	lines := make([]string, 0, len(h))
	for name, values := range h {
		lines = append(lines, name+": "+strings.Join(values, ", ")+"\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

// shownAtTheDesk is what commands print with --json.
func (p *present) shownAtTheDesk() (said []exchange) {
	show := func(name string, arguments object) {
		said = append(said, exchange{call{shop: name}, string(p.act(name, arguments)) + "\n"})
	}
	till := p.Shops["till"].ID
	for _, name := range []string{"paid-all", "threeds", "captured-part", "refunded-part", "unknown-booked"} {
		show("payment.show", object{"shop": till, "payment": p.scene(name).Payment, "limit": 100})
	}
	show("webhook.list", object{"shop": till, "payment": p.scene("captured-part").Payment, "limit": 100})
	show("terminal.show", object{"shop": till, "terminal": "sandbox"})
	show("terminal.list", object{"shop": till})
	show("key.list", object{"shop": till})
	return said
}

// spelling replaces what differs from run to run; ids by the order in which they are met.
type spelling struct{ names map[string]string }

var changing = []struct {
	form *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`/payment/[A-Za-z0-9_-]{64}`), "/payment/<token>"},
	{regexp.MustCompile(`/pay/[A-Za-z0-9_-]+`), "/pay/<token>"},
	{regexp.MustCompile(`"(recurringToken|kid|prefix|cursor|next|nextCursor)":"[^"]+"`), `"$1":"<$1>"`},
	{regexp.MustCompile(`"sk_test_[A-Za-z0-9]{8}"`), `"sk_test_<key>"`},
	{regexp.MustCompile(`(?m)^Accept-Encoding: .*\n`), ""}, // the transport's of these tests
	{regexp.MustCompile(`name="nonce" value="[^"]*"`), `name="nonce" value="<nonce>"`},
	{regexp.MustCompile(`data-left="[0-9]+"`), `data-left="<seconds>"`},
	{regexp.MustCompile(`(?s)<script>.*?</script>`), "<script>"}, // which the page's policy names by its hash
	{regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC`), "<time>"},
	{regexp.MustCompile(`20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|\+00:00)?`), "<time>"},
	{regexp.MustCompile(`(\\*"durationMs\\*":)[0-9]+`), "$1<ms>"},
	{regexp.MustCompile(`"(exp|iat)":[0-9]+`), `"$1":<time>`},
	{regexp.MustCompile(`(?m)^(Webhook-Timestamp|Signature|Webhook-Signature|Content-Length): .*$`), "$1: <of this try>"},
	{regexp.MustCompile(`(?m)^(X-Request-Id: [0-9a-f]{32})_[0-9a-f]{32}$`), "$1 _<try>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-([0-9a-f]{32})`), "<epoch>-$1"},
	{regexp.MustCompile(`/static/checkout/[a-z]+\.[0-9a-f]{16}`), "/static/checkout/<asset>"},
}

var anyID = regexp.MustCompile(`\b([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})\b`)

func (n *spelling) spell(text string) string {
	for _, c := range changing {
		text = c.form.ReplaceAllString(text, c.as)
	}
	text = strings.ReplaceAll(text, "evt_", "evt_ ")
	text = anyID.ReplaceAllStringFunc(text, func(id string) string {
		bare := strings.ReplaceAll(id, "-", "")
		bare = bare[:12] + "x" + bare[13:] // in both spellings
		if n.names[bare] == "" {
			n.names[bare] = fmt.Sprintf("<id-%d>", len(n.names)+1)
		}
		return n.names[bare]
	})
	return strings.ReplaceAll(text, "evt_ ", "evt_")
}
