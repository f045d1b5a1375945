package upgrade

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/loopback"
	"github.com/sluicepay/sluice/internal/testkit/purse"
	"github.com/sluicepay/sluice/internal/vault"
)

// maker drives the program of another time by its commands and interfaces.
type maker struct {
	*world
	binary, dir, data, database string
	server, simulator           *exec.Cmd
	receiver                    *receiver
	json                        bool // commands print JSON when asked to
}

// TestMake makes what is kept of a version when it is asked to: see scripts/upgrade-fixture.sh.
func TestMake(t *testing.T) {
	binary, version := os.Getenv("SLUICE_UPGRADE_BINARY"), os.Getenv("SLUICE_UPGRADE_VERSION")
	if binary == "" || version == "" {
		return
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		dir, err := os.MkdirTemp("", "up-") // the path of a socket in it may not be long
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		m := &maker{
			world:  &world{Commit: os.Getenv("SLUICE_UPGRADE_COMMIT"), Shops: map[string]*member{}, t: t, http: newHTTP(&http.Transport{})},
			binary: binary, dir: dir, data: filepath.Join(dir, "data"), receiver: &receiver{},
		}
		if d.Kind == store.Postgres {
			m.database = d.Options(func(o *store.Options) { o.Migrate = false }).URL
		}
		help, _ := exec.Command(binary, "shop", "list", "--help").CombinedOutput()
		m.json = bytes.Contains(help, []byte("--json"))
		m.start()
		m.play()
		m.keep(folder(version, string(d.Kind)))
	})
}

func newHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// start starts receiver, simulator and server.
func (m *maker) start() {
	hooks := httptest.NewServer(m.receiver)
	m.t.Cleanup(hooks.Close)
	m.Receiver = hooks.URL
	m.startSimulator()
	m.startServer()
}

func (m *maker) startSimulator() {
	if m.Simulator == "" {
		m.Simulator = "http://" + loopback.Address(m.t)
	}
	ready := filepath.Join(m.dir, "simulator.json")
	m.simulator = m.launch(ready, "simulator", "--listen", strings.TrimPrefix(m.Simulator, "http://"), "--ledger", filepath.Join(m.dir, "ledger.ndjson"),
		"--api-key", simulatorKey, "--notice-secret", noticeSecret, "--ready-file", ready)
}

func (m *maker) startServer() {
	if m.Server == "" {
		m.Server = "http://" + loopback.Address(m.t)
	}
	ready := filepath.Join(m.dir, "ready.json")
	m.server = m.launch(ready, m.arguments("serve", "--listen", strings.TrimPrefix(m.Server, "http://"), "--ready-file", ready, "--private-webhooks")...)
}

// arguments adds where the installation is.
func (m *maker) arguments(args ...string) []string {
	args = append(args, "--data", m.data)
	if m.database != "" {
		args = append(args, "--database", m.database)
	}
	return args
}

func (m *maker) launch(ready string, args ...string) *exec.Cmd {
	m.t.Helper()
	_ = os.Remove(ready)
	var log bytes.Buffer
	c := exec.Command(m.binary, args...)
	c.Env, c.Stdout, c.Stderr = environment(), io.Discard, &log
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() {
		m.kill(c)
		if m.t.Failed() {
			m.t.Logf("%v:\n%.4000s", args, log.String())
		}
	})
	await(m.t, args[0]+" is ready", func() bool { _, err := os.Stat(ready); return err == nil })
	return c
}

func (m *maker) kill(c *exec.Cmd) {
	if c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	}
}

// environment is ours without settings of the program.
func environment() (env []string) {
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "SLUICE_") {
			env = append(env, entry)
		}
	}
	return env
}

// command runs a command and returns what it printed.
func (m *maker) command(args ...string) []byte {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("sluice %v: %v", args, err)
	}
	return out
}

func (m *maker) try(args ...string) ([]byte, error) {
	return run(m.binary, nil, m.json, m.arguments(args...)...)
}

// run runs a command, which prints JSON where it has to be asked for that.
func run(binary string, env []string, asked bool, args ...string) ([]byte, error) {
	if asked {
		args = append(args, "--json")
	}
	c := exec.Command(binary, args...)
	var out, fault bytes.Buffer
	c.Env, c.Stdout, c.Stderr = append(environment(), env...), &out, &fault
	if err := c.Run(); err != nil {
		return nil, &failed{err, fault.String()}
	}
	return out.Bytes(), nil
}

type failed struct {
	error
	said string
}

func (f *failed) Error() string { return f.error.Error() + ": " + f.said }

// shop makes a shop with a terminal at the simulator.
func (m *maker) shop(name string, yandex bool, settings object) {
	m.t.Helper()
	var made struct{ ShopID, APIKey, SigningKey string }
	readJSON(m.t, m.command("shop", "create", "--name", "Shop "+name), &made)
	at, err := json.Marshal(object{"url": m.Simulator, "apiKey": simulatorKey, "noticeSecret": noticeSecret, "timeoutMs": 30_000})
	if err != nil {
		m.t.Fatal(err)
	}
	var terminal struct{ TerminalID string }
	readJSON(m.t, m.command("terminal", "create", "--shop", made.ShopID, "--name", "sandbox", "--connector", "sandbox", "--settings", string(at)), &terminal)
	raw, err := json.Marshal(settings)
	if err != nil {
		m.t.Fatal(err)
	}
	m.command("shop", "update", "--shop", made.ShopID, "--settings", string(raw))
	m.Shops[name] = &member{ID: made.ShopID, APIKey: made.APIKey, Signing: []string{made.SigningKey}, Yandex: yandex, TerminalID: terminal.TerminalID}
}

// play plays all scenes.
func (m *maker) play() {
	m.shop("till", false, object{"requiredParameters": "relaxed", "webhookUrl": m.Receiver + "/till/up", "fourEyes": true, "webhookOnAuthorized": true})
	m.shop("market", true, object{"yandexPay": object{"callbackUrl": m.Receiver + "/market/up"}})
	m.shop("stages", true, object{"yandexPay": object{"callbackUrl": m.Receiver + "/stages/down", "twoStage": true}})
	m.shop("moved", false, object{"requiredParameters": "relaxed", "referenceIdMode": "strict"})
	m.optional("keys of the shop", func() error {
		var rotated struct{ SigningKey string }
		out, err := m.try("webhook", "rotate-key", "--shop", m.Shops["till"].ID)
		if err != nil {
			return err
		}
		readJSON(m.t, out, &rotated)
		m.Shops["till"].Signing = append([]string{rotated.SigningKey}, m.Shops["till"].Signing...)
		return nil
	})
	var other struct{ APIKey, KeyID string }
	readJSON(m.t, m.command("key", "create", "--shop", m.Shops["till"].ID), &other)
	m.WasRevoked = other.APIKey
	m.command("key", "revoke", "--shop", m.Shops["till"].ID, other.KeyID)
	m.settled()
	m.orders()
	m.optional("kept cards", m.keptCards)
	m.optional("tokens of wallets", m.walletTokens)
	m.optional("corrections", m.corrections)
	m.operator()
	m.optional("token keys", func() error { _, err := m.try("webhook", "rotate-token-key"); return err })
	m.must(call{shop: "till", method: "GET", path: "/api/v1/events?limit=5"}) // the first five get their places in the feed
	m.world.open()
	m.openOrders()
	m.byHand()
	m.optional("restored", m.restored)
	m.calls()
}

// restored goes on elsewhere, with what a backup of this moment has: of whatever was open then nobody knows what became of it
// after the backup, and nobody can ask yet.
func (m *maker) restored() error {
	backup := filepath.Join(m.dir, "backup")
	if _, err := m.try("backup", backup); err != nil {
		return err
	}
	m.kill(m.server)
	m.data = filepath.Join(m.dir, "restored")
	if m.database != "" {
		m.database = emptyDatabase(m.t, m.database)
	}
	m.command("restore", backup)
	m.startServer()
	return nil
}

// emptyDatabase makes one beside another.
func emptyDatabase(t testing.TB, beside string) string {
	t.Helper()
	u, err := url.Parse(beside)
	if err != nil {
		t.Fatal(err)
	}
	do := func(statement string) {
		t.Helper()
		conn, err := pgx.Connect(context.Background(), beside)
		if err == nil {
			_, err = conn.Exec(context.Background(), statement)
			_ = conn.Close(context.Background()) // its end is no part of the test
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	name := strings.TrimPrefix(u.Path, "/") + "_restored"
	do("CREATE DATABASE " + name + " TEMPLATE template0")
	t.Cleanup(func() { do("DROP DATABASE " + name + " WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}

// keptCards are those of a shop that keeps its customers' cards, each under a token.
func (m *maker) keptCards() error {
	m.shop("keeper", false, object{"requiredParameters": "relaxed"})
	if _, err := m.try("shop", "update", "--shop", m.Shops["keeper"].ID, "--settings", `{"cardTokens":true}`); err != nil {
		return err
	}
	m.tell("keeper", "COMPLETED", byCustomer(deposit("card-kept", "11.12")), true)
	return nil
}

// walletTokens are of a shop with an account at Google: one has paid, and one waits with its deposit.
func (m *maker) walletTokens() error {
	m.shop("purse", false, object{"requiredParameters": "relaxed"})
	p := purse.New(m.t, purse.NewMakers(m.t, time.Now().Add(-time.Hour)), "kept", time.Now)
	key, _, _ := p.Files(m.t)
	at := map[string]string{"google.pem": key, "google.json": string(p.Makers.Google.Roots())}
	for name, text := range at {
		at[name] = filepath.Join(m.dir, name)
		if err := os.WriteFile(at[name], []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	if _, err := m.try("shop", "wallet", "set", "--shop", m.Shops["purse"].ID, "google", "--recipient", p.Recipient(), "--roots", at["google.json"], at["google.pem"]); err != nil {
		return err
	}
	for name, state := range map[string]string{"token-spent": "COMPLETED", "token-waits": "CHECKOUT"} {
		token := string(p.FromGoogle(m.t, purse.Card("4000000000000408", true), nil))
		m.tell("purse", state, byGoogle(deposit(name, "11.12"), token), state == "COMPLETED").Wallet = token
	}
	return nil
}

// corrections are a provider's changes of mind, of which notices tell. What follows from them takes a moment.
func (m *maker) corrections() error {
	if a := m.form(m.Simulator+"/control/correct", url.Values{}); a.status == http.StatusNotFound {
		return fmt.Errorf("the provider never changed its mind: %s", a)
	}
	before := map[string]string{}
	for name, amount := range map[string]string{"late-success": "6600.42", "undone": "6600.41", "taken": "6600.43", "released": "6600.44"} {
		body := deposit(name, amount)
		if name == "taken" || name == "released" {
			body["preAuth"] = true
		}
		s := m.world.play(scene{Name: name, Shop: "till", Payment: m.make("till", body, true).field("result.id")})
		before[name] = m.operations("till", s.Payment)
	}
	for name, was := range before {
		s := m.scene(name)
		await(m.t, "the provider has changed its mind about "+name, func() bool { return m.operations("till", s.Payment) != was })
	}
	time.Sleep(8 * time.Second) // for what is asked about them
	for name := range before {
		s := m.scene(name)
		s.State = m.stateOf(s)
		s.Ends = s.State
		m.t.Logf("%s is %s", name, s.State)
	}
	return nil
}

func (m *maker) operations(shop, id string) string {
	a := m.must(call{shop: shop, method: "GET", path: payments + "/" + id + "/operations"})
	return a.text()
}

// operator is what is done by hand.
func (m *maker) operator() {
	till := m.Shops["till"].ID
	m.command("payment", "stop-recurring", "--shop", till, m.scene("chain-to-stop").Payment)
	forged := `{"id":"evt_unknown","type":"transaction.updated","transaction":{"id":"0199aaaa","reference":"nobodys","kind":"sale","status":"approved","amount":"1","currency":"EUR","responseCode":"00"}}`
	if a := m.notice(m.Shops["till"].TerminalID, "evt_unknown", forged); a.status >= 300 {
		m.t.Errorf("notice: %s", a)
	}
	m.notice(m.Shops["till"].TerminalID, "evt_unreadable", `{"id":"evt_unreadable","type":"something.new"}`)
	m.tell("moved", "COMPLETED", deposit("moved", "11.12"), true)
	m.tell("moved", "AUTHORIZED", deposit("moved-held", "11.13", "preAuth", true), true)
	m.optional("terminals", func() error {
		if _, err := m.try("terminal", "update", "--shop", m.Shops["moved"].ID, "--settings", `{"timeoutMs":20000,"noticeSecret":"`+noticeSecret+`_2"}`, "sandbox"); err != nil {
			return err
		}
		_, err := m.try("terminal", "disable", "--shop", m.Shops["moved"].ID, "sandbox")
		return err
	})
}

// byHand asks for updates that a second person has to approve; one has done so.
func (m *maker) byHand() {
	done := m.make("till", deposit("done-by-hand", "6600.23"), true).field("result.id")
	m.command("payment", "approve", "--shop", m.Shops["till"].ID, "--by", "joe", m.ask(done))
	m.world.play(scene{Name: "done-by-hand", Shop: "till", Payment: done, Ends: "DECLINED"})
	m.Update = m.ask(m.scene("by-hand").Payment)
	m.optional("alarms", func() error {
		out, err := m.try("alarms", "list")
		if err != nil {
			return err
		}
		for _, id := range ids(out) { // of alarms, and of what they are about
			if _, err = m.try("alarms", "ack", id, "--by", "jane", "--note", "the shop knows"); err == nil {
				break
			}
		}
		return err
	})
}

// ask returns the id of an update that was asked for.
func (m *maker) ask(payment string) (update string) {
	m.t.Helper()
	out := m.command("payment", "update", "--shop", m.Shops["till"].ID, "--state", "DECLINED", "--code", "3.00", "--reason", "the provider's desk says so",
		"--by", "jane", payment)
	for _, id := range ids(out) {
		if id != payment {
			update = id
		}
	}
	return update
}

// ids are all that stand in what a command printed, be that JSON or not.
func ids(out []byte) []string { return paymentID.FindAllString(string(out), -1) }

// keep records what the program answers, kills it, and keeps what it leaves.
func (m *maker) keep(into string) {
	await(m.t, "events are on their way", func() bool { return len(m.receiver.told()) > 50 })
	var all []exchange
	m.At = time.Now()
	await(m.t, "answers stay as they are", func() bool {
		reads := m.reads()
		all = m.record(reads)
		return bytes.Equal(write(all), write(m.record(reads)))
	})
	m.kill(m.server)
	m.At = time.Now()
	m.kill(m.simulator)
	if err := os.MkdirAll(into, 0o755); err != nil {
		m.t.Fatal(err)
	}
	pack(m.t, filepath.Join(into, "answers.gz"), write(all))
	m.pack(filepath.Join(m.dir, "ledger.ndjson"), filepath.Join(into, "ledger.gz"))
	m.copy(filepath.Join(m.data, "keys.json"), filepath.Join(into, "keys.json"))
	if has(m.t, m.data, vault.MasterFile) {
		m.copy(filepath.Join(m.data, vault.MasterFile), filepath.Join(into, vault.MasterFile))
	}
	m.keepDatabase(into)
	m.keepCommands(into)
	m.keepPosts(into)
	writeJSON(m.t, filepath.Join(into, "about.json"), m.world)
}

// keepDatabase keeps the database as the kill left it.
func (m *maker) keepDatabase(into string) {
	if m.database != "" {
		out, err := exec.Command("pg_dump", "--inserts", "--rows-per-insert=50", "--no-owner", "--no-privileges", "--no-comments", m.database).Output()
		if err != nil {
			m.t.Fatalf("pg_dump: %v", err)
		}
		pack(m.t, filepath.Join(into, "database.gz"), withoutComments(out))
		return
	}
	m.command("shop", "list") // the program itself folds its write-ahead log, which is long, into the file
	if _, err := os.Stat(filepath.Join(m.data, "sluice.db-wal")); err == nil {
		m.t.Fatal("the write-ahead log is still there")
	}
	m.pack(filepath.Join(m.data, "sluice.db"), filepath.Join(into, "database.gz"))
}

// keepCommands keeps what commands print of what is there, where they print JSON on demand.
func (m *maker) keepCommands(into string) {
	if !m.json {
		return
	}
	m.Commands = m.looks()
	var all bytes.Buffer
	for _, c := range m.Commands {
		all.WriteString(between + strings.Join(c, " ") + "\n")
		all.Write(m.command(c...))
	}
	pack(m.t, filepath.Join(into, "commands.gz"), all.Bytes())
}

// looks are commands that only look.
func (w *world) looks() (all [][]string) {
	all = [][]string{{"shop", "list"}, {"alarms", "list", "--all"}, {"notice", "parked"}, {"payment", "parked"}, {"webhook", "token-keys"}, {"webhook", "untold"}}
	for _, name := range []string{"till", "market", "stages", "moved"} {
		shop := w.Shops[name].ID
		for _, c := range [][]string{{"key", "list"}, {"terminal", "list"}, {"payment", "list", "--limit", "1000"}, {"payment", "updates", "--all"},
			{"webhook", "endpoints"}, {"webhook", "list", "--limit", "1000"}} {
			all = append(all, append(c, "--shop", shop))
		}
		all = append(all, []string{"terminal", "show", "sandbox", "--shop", shop})
	}
	for _, name := range []string{"paid-all", "refunded-part", "unknown-refund", "by-hand", "late-success", "call-booked"} {
		if w.has(name) {
			all = append(all, []string{"payment", "show", "--messages", w.scene(name).Payment, "--shop", w.Shops["till"].ID})
		}
	}
	return all
}

// withoutComments leaves out what only tells who made the dump, and commands of psql.
func withoutComments(dump []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(dump) {
		if !bytes.HasPrefix(line, []byte("--")) && !bytes.HasPrefix(line, []byte(`\`)) && len(line) > 1 {
			out.Write(line)
		}
	}
	return out.Bytes()
}

// keepPosts has the program itself post what is undelivered, to receivers that are willing now.
func (m *maker) keepPosts(into string) {
	m.startSimulator()
	before := len(m.receiver.told())
	m.receiver.accept()
	m.startServer()
	for _, shop := range m.Shops {
		for _, id := range ids(m.command("webhook", "endpoints", "--shop", shop.ID)) {
			_, _ = m.try("webhook", "enable", "--shop", shop.ID, id) // where it is an endpoint's
		}
		for _, state := range []string{"WAITING", "FAILED", "DELIVERED"} {
			m.command("webhook", "resend", "--shop", shop.ID, "--state", state)
		}
	}
	last := -1
	await(m.t, "nothing more comes", func() bool {
		time.Sleep(3 * time.Second)
		n := len(m.receiver.told())
		still := n == last && n >= before
		last = n
		return still
	})
	raw, err := json.Marshal(m.receiver.told())
	if err != nil {
		m.t.Fatal(err)
	}
	pack(m.t, filepath.Join(into, "posts.gz"), raw)
	m.t.Logf("%d scenes, %d events posted, left out: %v", len(m.Scenes), last, m.LeftOut)
	m.ended()
}

// ended checks that payments come by themselves to what their scenes say, before the present program is judged by it.
func (m *maker) ended() {
	var wrong []string
	await(m.t, "all has ended as it should", func() bool {
		wrong = nil
		for _, s := range m.Scenes {
			if is := m.stateOf(s); is != s.Ends {
				wrong = append(wrong, s.Name+" is "+is+", not "+s.Ends)
			}
		}
		time.Sleep(time.Second)
		return len(wrong) == 0
	}, func() { m.t.Log(wrong) })
}

func (m *maker) pack(from, to string) {
	m.t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		m.t.Fatal(err)
	}
	pack(m.t, to, raw)
}

func (m *maker) copy(from, to string) {
	m.t.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}
