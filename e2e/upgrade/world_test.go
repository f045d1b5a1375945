package upgrade

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Secrets of the installations that are kept. They open nothing but these.
const (
	simulatorKey = "sandbox_kept_for_upgrade_tests_only"
	noticeSecret = "notice_kept_for_upgrade_tests_only"
)

// world is an installation as its merchants, customers and operators know it. It is what about.json keeps.
type world struct {
	Commit     string             `json:"commit"`
	At         time.Time          `json:"at"` // when the program was killed
	Server     string             `json:"server"`
	Simulator  string             `json:"simulator"`
	Receiver   string             `json:"receiver"` // of webhooks
	Shops      map[string]*member `json:"shops"`
	Scenes     []*scene           `json:"scenes"`
	Update     string             `json:"update"` // by hand, which waits for a second person
	Commands   [][]string         `json:"commands,omitempty"`
	LeftOut    []string           `json:"leftOut,omitempty"` // scenes that the program could not play
	WasRevoked string             `json:"revokedKey"`

	http *http.Client
	t    testing.TB
}

// member is a shop with what its merchant holds.
type member struct {
	ID         string   `json:"id"`
	APIKey     string   `json:"apiKey"`
	Signing    []string `json:"signingKeys"` // the present one first
	Yandex     bool     `json:"yandex,omitempty"`
	TerminalID string   `json:"terminalId"`
}

// scene is a payment whose part is written.
type scene struct {
	Name    string `json:"name"`
	Shop    string `json:"shop"`
	Payment string `json:"payment,omitempty"`
	Order   string `json:"order,omitempty"`
	State   string `json:"state"`   // as the APIs showed it
	Open    bool   `json:"open"`    // its outcome was not known to the program: a call under way, or one that nobody can tell of
	Calling bool   `json:"calling"` // its call was under way
	Ends    string `json:"ends"`    // the state that it comes to by itself
	Page    string `json:"page,omitempty"`
	Parent  string `json:"parent,omitempty"`
	Token   string `json:"token,omitempty"`
	Kept    string `json:"kept,omitempty"`   // the token of its card, where the shop keeps them
	Wallet  string `json:"wallet,omitempty"` // the token of Google Pay that it was made with
}

func (w *world) scene(name string) *scene {
	for _, s := range w.Scenes {
		if s.Name == name {
			return s
		}
	}
	w.t.Helper()
	w.t.Fatalf("there is no scene %q", name)
	return nil
}

// has tells scenes that an older program could not play.
func (w *world) has(name string) bool {
	for _, s := range w.Scenes {
		if s.Name == name {
			return true
		}
	}
	return false
}

type object = map[string]any

// call is a request of a merchant.
type call struct {
	shop, method, path string
	header             map[string]string
	body               any
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) String() string { return fmt.Sprintf("status %d: %.600s", a.status, a.body) }

// send sends a request; where the shop is empty, without a key.
func (w *world) send(q call) (*answer, error) {
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), q.method, w.Server+q.path, body)
	if err != nil {
		return nil, err
	}
	if s := w.Shops[q.shop]; s != nil {
		scheme := "Bearer "
		if s.Yandex && strings.HasPrefix(q.path, "/api/merchant") {
			scheme = "Api-Key "
		}
		r.Header.Set("Authorization", scheme+s.APIKey)
	}
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	return w.do(r)
}

func (w *world) do(r *http.Request) (*answer, error) {
	res, err := w.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

// must sends a request that is to be answered 200.
func (w *world) must(q call) *answer {
	w.t.Helper()
	a, err := w.send(q)
	if err != nil {
		w.t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	if a.status != http.StatusOK {
		w.t.Fatalf("%s %s: %s", q.method, q.path, a)
	}
	return a
}

// field reads a text of an answer by its path, such as result.id; empty where it is not there.
func (a *answer) field(path string) string {
	var at any
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if d.Decode(&at) != nil {
		return ""
	}
	for step := range strings.SplitSeq(path, ".") {
		in, _ := at.(map[string]any)
		at = in[step]
	}
	if at == nil {
		return ""
	}
	return fmt.Sprint(at)
}

// folder is where what is kept of a version and a database stands.
func folder(version, kind string) string { return filepath.Join("testdata", version, kind) }

func pack(t testing.TB, path string, raw []byte) {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func unpack(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writeJSON(t testing.TB, path string, v any) {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t testing.TB, raw []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatal(err)
	}
}

// patience is how long something may take before a test gives up.
const patience = time.Minute

// await looks until it is so.
func await(t testing.TB, what string, so func() bool, tell ...func()) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			for _, f := range tell {
				f()
			}
			t.Fatalf("not so: %s", what)
		}
	}
}
