package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/purse"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// notRun says of programs in the documents why the test does not run them as they stand; what can be checked of their
// lines is: that commands of ours in them parse, and that variables and metrics of ours exist.
var notRun = map[string]string{
	"systemctl":      "it changes the machine",
	"journalctl":     "it needs systemd",
	"useradd":        "it changes the machine",
	"install":        "it changes the machine",
	"chown":          "it needs root",
	"docker":         "it needs a daemon",
	"podman":         "it needs images of others",
	"nginx":          "it needs a server of its own",
	"caddy":          "it needs a server of its own",
	"psql":           "the roles of that page are made by a test of its own",
	"createdb":       "it changes a database server",
	"createuser":     "it changes a database server",
	"pg_dump":        "it needs a database server",
	"pg_restore":     "it needs a database server",
	"pg_basebackup":  "it needs a database server",
	"promtool":       "it is not ours",
	"kubectl":        "it needs a cluster",
	"openssl":        "it is not ours",
	"exit":           "it ends the shell",
	"rsync":          "it needs another machine",
	"scp":            "it needs another machine",
	"ssh":            "it needs another machine",
	"crontab":        "it changes the machine",
	"sysctl":         "it changes the machine",
	"ulimit":         "it changes the shell",
	"coredumpctl":    "it needs systemd",
	"systemd-run":    "it needs systemd",
	"apt-get":        "it changes the machine",
	"git":            "it needs a repository elsewhere",
	"update-rc.d":    "it changes the machine",
	"systemd-creds":  "it needs systemd",
	"restorecon":     "it needs root",
	"setfacl":        "it needs root",
	"certbot":        "it asks a server elsewhere",
	"ufw":            "it needs root",
	"iptables":       "it needs root",
	"nft":            "it needs root",
	"logrotate":      "it needs root",
	"systemd-notify": "it needs systemd",
}

// shown lists blocks that are no commands, by page and first line, with what is checked of them. A block that is neither
// a session, nor here, nor of a kind that docKinds knows, fails the test.
var shown = map[string]func(*reader, *snippet){
	"docs/ARCHITECTURE.md: cmd/sluice/": (*reader).tree,
	"docs/events.md: POST /sluice":      (*reader).webhookExample,
	"docs/events.md: POST /v1/webhook":  (*reader).message, // verified by TestSignedEventsByJose, of the program's own posts
	"docs/events.md: GET /api/v1/events": func(r *reader, s *snippet) {
		r.request(s, strings.NewReplacer("AAAAAAAAAAAOqPVX", "", "wait=20", "wait=0", "<API key>", r.facts.APIKey))
	},
	// It takes a provider that is not here and turns the simulator's terminal off; newcomers have walked it, and the tests of declared connectors pay and refund by such files.
	"docs/connectors.md: bin/sluice connector check acme.json": func(*reader, *snippet) {}, // two blocks, the second about answers of that provider
	`docs/connectors.md: {"on": "status"`:                      (*reader).scan,             // two rules, each a line of a file
	"docs/simulator.md: POST <noticeUrl>":                      (*reader).message,          // compared with real ones by the tests of the simulator
}

// docKinds are the checks of blocks by the word after their fence.
var docKinds = map[string]func(*reader, *snippet){
	"json":       (*reader).json,
	"mermaid":    func(*reader, *snippet) {}, // printed from the code, see internal/payment
	"python":     (*reader).python,
	"js":         (*reader).javascript,
	"ini":        (*reader).scan,
	"systemd":    (*reader).scan,
	"nginx":      (*reader).scan,
	"caddy":      (*reader).scan,
	"caddyfile":  (*reader).scan,
	"sql":        (*reader).scan,
	"yaml":       (*reader).scan,
	"dockerfile": (*reader).scan,
	"conf":       (*reader).scan,
}

// fails lists commands that have to fail here, by how they begin, with what they have to say.
var fails = map[string]string{
	"sluice payment review --shop":                       `has no payment "PAYMENT"`,  // the demo screens nothing, so that none waits
	"sluice link cancel --shop":                          "it is being paid, or over", // the payment of this test is paid
	"sluice alarms ack 01a2244bdf19718799ed03a68e25ee03": "no alarm",                  // it is the reader's own that is meant
}

// reader does what the documents say, against a demo.
type reader struct {
	*testing.T
	dir       string
	server    *server
	facts     readyFacts
	sim       *simulator
	dev       *receiver // a developer's machine
	elsewhere *receiver // of the shop's events in the other API
	shop      *client
	payment   string            // completed
	other     string            // a shop whose settings nobody minds
	terminals map[string]string // by page, a shop that has none yet
	env       []string
	simKey    string
	examples  string // of a webhook: the block, for the code that checks it
	ran       int
	held      int // blocks and commands that were checked otherwise
}

// TestEveryCommandOfTheDocuments runs each command and snippet of README and docs, or checks of it what can be.
func TestEveryCommandOfTheDocuments(t *testing.T) {
	t.Parallel()
	r := newDocReader(t)
	used := map[string]bool{}
	for _, page := range docPages(t) {
		for _, s := range snippets(t, page) {
			r.read(&s, used)
		}
	}
	for key := range shown {
		if !used[key] {
			t.Errorf("%q is in no page: take it out of the table", key)
		}
	}
	t.Logf("%d commands run, %d snippets checked otherwise", r.ran, r.held)
	if r.ran < 20 {
		t.Error("hardly anything was found to be run")
	}
}

func newDocReader(t *testing.T) *reader {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		setting.Missing(t, setting.Programs, "the commands of the documents are not run: there is no curl")
	}
	dir := shortDir(t)
	s := newServer(t, dir, "", "--demo")
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	r := &reader{T: t, dir: dir, server: s, facts: s.facts, sim: startSimulator(t, dir), shop: newClient(s.base, s.facts.APIKey), terminals: map[string]string{}}
	r.dev, r.elsewhere = newReceiver(t, map[string]string{"": s.facts.SigningKey}, nil), newReceiver(t, nil, nil)
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sluice(t), filepath.Join(bin, "sluice")); err != nil {
		t.Fatal(err)
	}
	var demo struct{ SimulatorKey string }
	if err := json.Unmarshal(tail(filepath.Join(s.data, "demo.json")), &demo); err != nil {
		t.Fatal(err)
	}
	r.simKey = demo.SimulatorKey
	settings, err := json.Marshal(object{"url": r.facts.SimulatorURL, "apiKey": r.simKey})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "sandbox.json"), settings, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ranges.csv"), []byte("bin,country,type\n45391488,GB,debit\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	walletFiles(t, dir)
	r.env = environment("SLUICE_DATA="+s.data, "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+dir)
	if _, fault, code := runOnce(t, nil, "shop", "update", "--shop", s.facts.ShopID, "--data", s.data, "--settings", `{"hostToHost":true}`); code != 0 {
		t.Fatal(fault)
	}
	r.payment = r.shop.pay(t, deposit("docs", "20.00")).ID
	var other struct{ ShopID string }
	s.admin(t, &other, "shop", "create", "--name", "Other")
	r.other = other.ShopID
	return r
}

// walletFiles are what a merchant has of the wallets: private keys, and a certificate for the merchant whom the documents name.
func walletFiles(t *testing.T, dir string) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	google, processing := key(), key()
	certificate, err := purse.NewMakers(t, time.Now()).Apple.Processing("merchant.com.example.shop", &processing.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"google.pem": purse.PEM(t, google), "processing.pem": certificate, "processing.key": purse.PEM(t, processing),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *reader) read(s *snippet, used map[string]bool) {
	r.Helper()
	r.secrets(s)
	if s.inline {
		r.inline(s)
		return
	}
	for key, check := range shown {
		page, first, _ := strings.Cut(key, ": ")
		if s.page == page && strings.HasPrefix(s.first(), first) {
			used[key] = true
			r.held++
			check(r, s)
			return
		}
	}
	if check := docKinds[s.kind]; check != nil {
		r.held++
		check(r, s)
		return
	}
	if !s.isSession() || !slices.Contains([]string{"", "sh", "bash", "console", "shell"}, s.kind) {
		r.Errorf("%s:%d: a block that this test does not know: run it, or say in its table why not\n%s", s.page, s.line, s.text)
		return
	}
	var before []string // variables that the session has set
	for _, command := range s.commands() {
		name, args := program(command)
		switch {
		case name == "export":
			before = append(before, command)
		case name == "make":
			r.target(s, args)
		case notRun[name] != "":
			r.held++
			r.scan(&snippet{s.page, s.line, "", command, false})
		default:
			r.run(s, strings.Join(append(before, command), "\n"), strings.TrimPrefix(strings.TrimPrefix(name, "./"), "bin/"), args)
		}
	}
}

// secretArgument is a secret where every list of processes shows it.
var secretArgument = regexp.MustCompile(`--(?:api-key|signing-key|notice-secret)[ =][^@e-]|"apiKey" *:|--database[ =]\S+:\S+@`)

// secrets: no command of ours is shown with a secret among its arguments.
func (r *reader) secrets(s *snippet) {
	r.Helper()
	for line := range strings.SplitSeq(s.text, "\n") {
		line, _, _ = strings.Cut(line, " # ")
		if strings.Contains(line, "sluice ") && secretArgument.MatchString(line) {
			r.Errorf("%s:%d: a secret among the arguments: %s", s.page, s.line, line)
		}
	}
}

// filled is a command of the documents with this server's values in the place of those that the reader has to fill in.
func (r *reader) filled(command string) string {
	command = strings.NewReplacer(
		"http://127.0.0.1:8080", r.server.base,
		"sk_test_…", r.facts.APIKey, "SLUICE_API_KEY=…", "SLUICE_API_KEY="+r.facts.APIKey,
		"SLUICE_SIGNING_KEY=…", "SLUICE_SIGNING_KEY="+r.facts.SigningKey,
		"http://127.0.0.1:3000", r.dev.URL, "http://localhost:3000", r.dev.URL, "https://shop.example", r.elsewhere.URL,
		"--shop ID", "--shop "+r.facts.ShopID, "--shop 01a2244bdf16728180472341999c8f5b", "--shop "+r.facts.ShopID,
		"--settings JSON", "--settings @sandbox.json", "NAME", "ann", "TEXT", "why",
	).Replace(command)
	command = strings.ReplaceAll(regexp.MustCompile(`(--\S+) …`).ReplaceAllString(command, "$1 x"), " …", "")
	return regexp.MustCompile(`\bID\b`).ReplaceAllString(command, r.payment)
}

var (
	dataFolder  = regexp.MustCompile(`--data \S+`)
	anotherUser = regexp.MustCompile(`\bsudo -u \S+ `)
)

// run has a shell run the command, which has to succeed.
func (r *reader) run(s *snippet, command, name string, args []string) {
	r.Helper()
	r.ran++
	if name == "sluice" && len(args) > 0 && args[0] == "terminal" && len(args) > 1 {
		command = strings.ReplaceAll(command, "--shop ID", "--shop "+r.forTerminals(s.page, args[1] == "create"))
	}
	command = r.filled(anotherUser.ReplaceAllString(command, ""))
	switch {
	case name == "sluice" && len(args) > 0 && args[0] == "serve":
		r.serve(s, command)
		return
	case name == "sluice" && len(args) > 0 && args[0] == "listen":
		r.listen(s, command)
		return
	case name == "sluice" && strings.Contains(command, "--database @/etc/"): // a server elsewhere
		r.parses(s, command)
		return
	case name == "sluice" && len(args) > 0 && args[0] == "migrate": // the server of this test has not stopped for it
		command = dataFolder.ReplaceAllString(command, "--data "+filepath.Join(r.dir, "migrated"))
	case name == "curl":
		command = strings.Replace(command, "curl ", "curl --fail-with-body --max-time 30 ", 1)
		if strings.Contains(command, "/pay/<token>") {
			command = r.customer(command)
		}
	case name != "sluice" && name != "source":
		r.Errorf("%s:%d: a command that this test does not know: %s", s.page, s.line, command)
		return
	}
	said, code := r.bash(command)
	for begins, want := range fails {
		if strings.Contains(s.text, begins) && strings.Contains(command, begins) {
			if code == 0 || !strings.Contains(said, want) {
				r.Errorf("%s:%d: %s\nexit code %d, does not say %q: %s", s.page, s.line, command, code, want, said)
			}
			return
		}
	}
	if code != 0 {
		r.Errorf("%s:%d: %s\nexit code %d: %s", s.page, s.line, command, code, said)
	}
}

// forTerminals is the page's shop for its terminals. It has the one called main, unless the page makes that first.
func (r *reader) forTerminals(page string, creates bool) string {
	r.Helper()
	if r.terminals[page] == "" {
		var made struct{ ShopID string }
		r.server.admin(r, &made, "shop", "create", "--name", "For "+page)
		r.terminals[page] = made.ShopID
		if !creates {
			var terminal struct{ TerminalID string }
			settings, err := json.Marshal(object{"url": r.facts.SimulatorURL, "apiKey": r.simKey})
			if err != nil {
				r.Fatal(err)
			}
			r.server.admin(r, &terminal, "terminal", "create", "--shop", made.ShopID, "--name", "main", "--connector", "sandbox", "--settings", string(settings))
		}
	}
	return r.terminals[page]
}

func (r *reader) bash(command string) (said string, code int) {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), "bash", "-c", command)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, r.env, &out, &out
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		r.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// serve starts a server as it says, on a folder and a port of its own, until it answers.
func (r *reader) serve(s *snippet, command string) {
	r.Helper()
	if strings.Contains(command, "postgres://") {
		r.parses(s, command) // TestMain's neighbours start servers on PostgreSQL
		return
	}
	dir := shortDir(r)
	ready, log := filepath.Join(dir, "ready.json"), filepath.Join(dir, "log")
	command = dataFolder.ReplaceAllString(command, "--data "+dir+"/data")
	command = regexp.MustCompile(`--listen \S+`).ReplaceAllString(command, "--listen 127.0.0.1:0")
	words := strings.Fields(command + " --ready-file " + ready)
	p := launch(r, log, words[1:]...)
	var facts readyFacts
	p.awaitReady(r, ready, log, &facts)
	p.stop(r)
}

// listen follows the events as it says, until one has been forwarded.
func (r *reader) listen(s *snippet, command string) {
	r.Helper()
	log := filepath.Join(r.dir, "listen.log")
	_ = os.Remove(log) // of an earlier one
	lines := strings.Split(command, "\n")
	lines[len(lines)-1] = regexp.MustCompile(`((?:\S+=\S+ )*)(\S*sluice listen)`).ReplaceAllString(lines[len(lines)-1], "exec env ${1}${2} --server "+r.server.base)
	out, err := os.Create(log)
	if err != nil {
		r.Fatal(err)
	}
	defer out.Close()
	cmd := exec.CommandContext(r.Context(), "bash", "-c", strings.Join(lines, "\n"))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, r.env, out, out
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	r.Cleanup(p.kill)
	await(r, "sluice listen begins", patience, func() bool { return bytes.Contains(tail(log), []byte("Beginning now")) })
	before := len(r.dev.all())
	r.shop.pay(r, deposit("", "3.00"))
	await(r, "an event that is forwarded", patience, func() bool { return len(r.dev.all()) > before })
	p.stop(r)
	if !bytes.Contains(tail(log), []byte("Signed like webhooks")) {
		r.Errorf("%s:%d: the events are not signed:\n%s", s.page, s.line, tail(log))
	}
	r.dev.check(r)
}

// customer stands at the page of a payment at the simulator that asks for it.
func (r *reader) customer(command string) string {
	r.Helper()
	answer := r.provider("/v1/payments", `{"reference":"customer","amount":"1.00","currency":"EUR","card":{"number":"4000000000000002","expiryMonth":"12","expiryYear":"2039"}}`)
	var made struct{ ActionURL string }
	if err := json.Unmarshal(answer, &made); err != nil || made.ActionURL == "" {
		r.Fatalf("%s, %v", answer, err)
	}
	return regexp.MustCompile(`http\S+<token>`).ReplaceAllString(command, made.ActionURL)
}

// provider posts to the simulator and returns its answer, which has to be a success.
func (r *reader) provider(path, body string) []byte {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.sim.URL+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.sim.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(res.Body); err != nil || res.StatusCode > 201 {
		r.Errorf("the simulator answers %d to %s: %s, %v", res.StatusCode, path, answer.Bytes(), err)
	}
	return answer.Bytes()
}
