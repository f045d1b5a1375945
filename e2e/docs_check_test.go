package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// inline checks a command in the midst of a sentence: it parses, or its target or script is there.
func (r *reader) inline(s *snippet) {
	r.Helper()
	name, args := program(s.text)
	switch {
	case name == "make":
		r.target(s, args)
	case strings.HasPrefix(name, "scripts/"):
		r.held++
		if _, err := os.Stat("../" + name); err != nil {
			r.Errorf("%s:%d: %s: %v", s.page, s.line, s.text, err)
		}
	case name == "source":
		r.run(s, s.text, name, args)
	case strings.Contains(s.text, "sluice shop update --shop ID --settings"):
		r.run(s, strings.Replace(s.text, "--shop ID", "--shop "+r.other, 1), "sluice", args)
	default:
		for _, one := range alternatives(s.text) {
			r.parses(s, r.filled(one))
		}
	}
}

var alternative = regexp.MustCompile(`\S+\|\S+`)

// alternatives spells out "sluice payment check|update".
func alternatives(text string) []string {
	choice := alternative.FindString(text)
	if choice == "" || strings.ContainsAny(text, "'\"") {
		return []string{text}
	}
	var all []string
	for word := range strings.SplitSeq(choice, "|") {
		all = append(all, strings.Replace(text, choice, word, 1))
	}
	return all
}

// parses has the program read the command line without doing anything: asked for help, it still refuses what it does not know.
func (r *reader) parses(s *snippet, command string) {
	r.Helper()
	r.held++
	for _, word := range []string{"COMMAND", "SUBSCRIPTION", "EVENT"} {
		command = strings.ReplaceAll(command, " "+word, "")
	}
	said, code := r.bash(command + " --help")
	if code != 0 || !strings.Contains(said, "Usage: sluice") {
		r.Errorf("%s:%d: %s\nis not understood: %s", s.page, s.line, command, said)
	}
}

// target checks that make knows what it is told to make.
func (r *reader) target(s *snippet, args []string) {
	r.Helper()
	r.held++
	raw, err := os.ReadFile("../Makefile")
	if err != nil {
		r.Fatal(err)
	}
	if len(args) == 0 || !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(args[0])+`:`).Match(raw) {
		r.Errorf("%s:%d: make has no target %v", s.page, s.line, args)
	}
}

var (
	ourCommand  = regexp.MustCompile(`(?:^|[ =/"'])sluice((?: +[^ #;|&"']+)+)`)
	ourVariable = regexp.MustCompile(`\bSLUICE_[A-Z_]+\b`)
	ourMetric   = regexp.MustCompile(`\bsluice_[a-z_]+\b`)
)

// scan checks what is ours in a file for another program.
func (r *reader) scan(s *snippet) {
	r.Helper()
	known := string(tailOf("../docs/config.md")) + string(tailOf("../docs/metrics.md")) + "SLUICE_API_KEY SLUICE_SIGNING_KEY"
	for _, name := range append(ourVariable.FindAllString(s.text, -1), ourMetric.FindAllString(s.text, -1)...) {
		plain := name
		for _, end := range []string{"_bucket", "_sum", "_count"} { // of histograms
			plain = strings.TrimSuffix(plain, end)
		}
		if !strings.Contains(known, plain) {
			r.Errorf("%s:%d: there is no %s", s.page, s.line, name)
		}
	}
	text := strings.ReplaceAll(s.text, "\\\n", " ")
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, found := range ourCommand.FindAllStringSubmatch(line, -1) {
			if word := strings.Fields(found[1])[0]; regexp.MustCompile(`^[a-z-]+$`).MatchString(word) && !strings.HasPrefix(word, "-") {
				r.parses(s, "sluice "+r.filled(strings.TrimSpace(found[1])))
			}
		}
	}
}

func tailOf(path string) []byte {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return raw
}

// json checks that a document can be read, and those that are for somebody to send by sending them.
func (r *reader) json(s *snippet) {
	r.Helper()
	var document json.RawMessage
	if err := json.Unmarshal([]byte(s.text), &document); err != nil {
		r.Errorf("%s:%d: no JSON: %v", s.page, s.line, err)
		return
	}
	switch {
	case s.page == "docs/config.md":
		path := filepath.Join(r.dir, "example.json")
		if err := os.WriteFile(path, document, 0o600); err != nil {
			r.Fatal(err)
		}
		if said, code := r.bash("SLUICE_DATA= sluice migrate --data " + r.dir + "/fresh --config " + path); code != 0 {
			r.Errorf("%s:%d: the file is refused: %s", s.page, s.line, said)
		}
	case s.page == "docs/simulator.md" && strings.HasPrefix(s.text, `{"reference":`):
		r.provider("/v1/payments", s.text)
	case s.page == "docs/simulator.md" && strings.HasPrefix(s.text, `{"match":`):
		r.provider("/scenarios", s.text)
	case strings.HasPrefix(s.text, `{"timestamp":`):
		r.feed(s)
	}
}

// feed compares the shown answer with a real one: it has the same members.
func (r *reader) feed(s *snippet) {
	r.Helper()
	type answer struct {
		Result []map[string]any `json:"result"`
	}
	answered := r.shop.must(r, request{method: "GET", path: "/api/v1/events?limit=1"}).body
	var got, want answer
	if err := json.Unmarshal(answered, &got); err != nil || len(got.Result) == 0 {
		r.Fatalf("%s, %v", answered, err)
	}
	if err := json.Unmarshal([]byte(s.text), &want); err != nil {
		r.Fatal(err)
	}
	for name := range got.Result[0] {
		if _, ok := want.Result[0][name]; !ok {
			r.Errorf("%s:%d: events have %q, too", s.page, s.line, name)
		}
	}
	for name := range want.Result[0] {
		if _, ok := got.Result[0][name]; !ok {
			r.Errorf("%s:%d: events have no %q", s.page, s.line, name)
		}
	}
}

// message checks the form of a shown HTTP message, and that its body, where it is JSON without gaps, can be read.
func (r *reader) message(s *snippet) {
	r.Helper()
	head, body, _ := strings.Cut(s.text, "\n\n")
	for _, line := range strings.Split(head, "\n")[1:] {
		if name, value, ok := strings.Cut(line, ": "); !ok || strings.Contains(name, " ") || value == "" {
			r.Errorf("%s:%d: %q is no header", s.page, s.line, line)
		}
	}
	if strings.HasPrefix(body, "{") && !strings.Contains(body, "…") && !json.Valid([]byte(body)) {
		r.Errorf("%s:%d: the body is no JSON", s.page, s.line)
	}
}

// request sends what the block shows, which has to be answered 200.
func (r *reader) request(s *snippet, fill *strings.Replacer) {
	r.Helper()
	_, path, _ := strings.Cut(fill.Replace(s.first()), " ")
	r.ran++
	r.shop.must(r, request{method: "GET", path: path})
}

// tree checks that what the page lists is there.
func (r *reader) tree(s *snippet) {
	r.Helper()
	parent := ""
	for line := range strings.SplitSeq(s.text, "\n") {
		name := strings.Fields(line)[0]
		if !strings.HasPrefix(line, " ") {
			parent = name
		} else {
			name = parent + name
		}
		if _, err := os.Stat(filepath.Join("..", name)); err != nil {
			r.Errorf("%s:%d: %v", s.page, s.line, err)
		}
	}
}

// exampleKey signs the shown webhook, as the page says.
const exampleKey = "k7Qm2VtR9xLcB4nWz8HsD3fJ6yPaE5uG"

// webhookExample checks that the shown webhook is right to the byte.
func (r *reader) webhookExample(s *snippet) {
	r.Helper()
	r.message(s)
	r.examples = s.text
	header, body := r.example()
	sum := func(text string) []byte {
		m := hmac.New(sha256.New, []byte(exampleKey))
		_, _ = m.Write([]byte(text)) // a hash takes everything
		return m.Sum(nil)
	}
	if got := hex.EncodeToString(sum(body)); got != header["Signature"] {
		r.Errorf("%s:%d: Signature is %s", s.page, s.line, got)
	}
	want := "v1," + base64.StdEncoding.EncodeToString(sum(header["webhook-id"]+"."+header["webhook-timestamp"]+"."+body))
	if want != header["webhook-signature"] {
		r.Errorf("%s:%d: webhook-signature is %s", s.page, s.line, want)
	}
}

// example is the shown webhook.
func (r *reader) example() (header map[string]string, body string) {
	head, body, _ := strings.Cut(r.examples, "\n\n")
	header = map[string]string{}
	for _, line := range strings.Split(head, "\n")[1:] {
		name, value, _ := strings.Cut(line, ": ")
		header[name] = value
	}
	return header, body
}

// leftOut says that a snippet is not tried, or fails the test where what it lacks is required.
func (r *reader) leftOut(s *snippet, required, why string) {
	r.Helper()
	if setting.Required(required) {
		r.Errorf("%s:%d: %s (%s=1: it is required)", s.page, s.line, why, required)
		return
	}
	r.Logf("%s:%d is not tried: %s", s.page, s.line, why)
}

// python runs the shown check over the shown webhook, at its time, and over one that was changed.
func (r *reader) python(s *snippet) {
	r.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		r.leftOut(s, setting.Programs, "there is no Python")
		return
	}
	header, body := r.example()
	facts, err := json.Marshal(object{"header": header, "body": body, "key": exampleKey})
	if err != nil {
		r.Fatal(err)
	}
	path := filepath.Join(r.dir, "check.py")
	text := s.text + "\nimport json\nfacts = json.loads('''" + strings.ReplaceAll(string(facts), `\`, `\\`) + "''')\nh, body = facts['header'], facts['body'].encode()\n" +
		"time.time = lambda: int(h['webhook-timestamp'])\nassert genuine(facts['key'], h, body)\nassert not genuine(facts['key'], h, body + b' ')\n" +
		"time.time = lambda: int(h['webhook-timestamp']) + 301\nassert not genuine(facts['key'], h, body)\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
	if said, code := r.bash("python3 " + path); code != 0 {
		r.Errorf("%s:%d: %s", s.page, s.line, said)
	}
}

// javascript has Node.js read the code; that such code verifies our events is TestSignedEvents' with the package jose.
func (r *reader) javascript(s *snippet) {
	r.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		r.leftOut(s, setting.Jose, "there is no Node.js")
		return
	}
	path := filepath.Join(r.dir, "check.mjs")
	if err := os.WriteFile(path, []byte(s.text), 0o600); err != nil {
		r.Fatal(err)
	}
	if said, code := r.bash("node --check " + path); code != 0 {
		r.Errorf("%s:%d: %s", s.page, s.line, said)
	}
}
