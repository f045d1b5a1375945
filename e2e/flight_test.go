package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/vault"
)

// inFlight is how many cards the test sends on their way, each with a number and a code of its own. What one code of four digits
// has in common with a file is chance; what all of them have, and codes that nobody used have not, is none.
const inFlight = 10

// flown are the cards, and codes that nobody uses.
func flown() (numbers, codes, unused []string) {
	for i := range inFlight {
		body := fmt.Sprintf("37828%09d", 410_083_057+i*7_654_321)
		for check := range 10 {
			if number := body + fmt.Sprint(check); luhn(number) {
				numbers = append(numbers, number)
			}
		}
	}
	for n := 1009; len(unused) < inFlight; n += 613 {
		code := fmt.Sprintf("%04d", n%10_000)
		if strings.Contains(strings.Join(numbers, " ")+fmt.Sprint(time.Now().Year()+3), code) || code == reversed(code) {
			continue
		}
		if len(codes) < inFlight {
			codes = append(codes, code)
		} else {
			unused = append(unused, code)
		}
	}
	return numbers, codes, unused
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// forms are ways to write digits, each with what is always the same of it wherever it stands.
var forms = map[string]func(string) []string{
	"plain":                  func(s string) []string { return []string{s} },
	"backwards":              func(s string) []string { return []string{reversed(s)} },
	"hexadecimal":            func(s string) []string { return []string{hex.EncodeToString([]byte(s))} },
	"backwards, hexadecimal": func(s string) []string { return []string{hex.EncodeToString([]byte(reversed(s)))} },
	"base64":                 inBase64,
	"backwards, base64":      func(s string) []string { return inBase64(reversed(s)) },
	"with a byte between": func(s string) []string {
		return []string{strings.Join(strings.Split(s, ""), "\x00"), strings.Join(strings.Split(s, ""), " ")}
	},
}

// inBase64 is what stands in base64 of a longer text that holds s at each of the three places in a group.
func inBase64(s string) (all []string) {
	for at := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", at) + s))
		all = append(all, text[(8*at+5)/6:(8*(at+len(s)))/6])
	}
	return all
}

// haystack is everything that could be found.
type haystack struct {
	names []string
	files [][]byte
}

func (h *haystack) add(name string, raw []byte) {
	h.names, h.files = append(h.names, name), append(h.files, raw)
}

// search says of each of the patterns that stands somewhere where that is. Each has four bytes at least.
func (h *haystack) search(patterns []string) map[string]string {
	begins := map[[4]byte][]string{}
	var likely [1 << 16]bool
	for _, p := range patterns {
		begins[[4]byte([]byte(p))] = append(begins[[4]byte([]byte(p))], p)
		likely[int(p[0])<<8|int(p[1])] = true
	}
	found := map[string]string{}
	for f, raw := range h.files {
		for i := 0; i+4 <= len(raw); i++ {
			if !likely[int(raw[i])<<8|int(raw[i+1])] {
				continue
			}
			for _, p := range begins[[4]byte(raw[i:])] {
				if bytes.HasPrefix(raw[i:], []byte(p)) {
					found[p] = h.names[f]
				}
			}
		}
	}
	return found
}

// spelled are all texts in one of the ways.
func spelled(texts []string, form func(string) []string) (all []string) {
	for _, text := range texts {
		all = append(all, form(text)...)
	}
	return all
}

// standing says how many of the texts were found in one of the ways, and where one of them.
func standing(found map[string]string, texts []string, form func(string) []string) (n int, where string) {
	for _, text := range texts {
		for _, p := range form(text) {
			if at, ok := found[p]; ok {
				n, where = n+1, at
				break
			}
		}
	}
	return n, where
}

// alone counts the texts, each of four digits, that stand somewhere by themselves.
func (h *haystack) alone(texts []string) (n int) {
	part := func(b byte) bool {
		return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || strings.IndexByte(".:_-", b) >= 0
	}
	words := map[string]bool{}
	for _, raw := range h.files {
		for i := 0; i+4 <= len(raw); i++ {
			if digits(raw[i:i+4]) && (i == 0 || !part(raw[i-1])) && (i+4 == len(raw) || !part(raw[i+4])) {
				words[string(raw[i:i+4])] = true
			}
		}
	}
	for _, text := range texts {
		if words[text] {
			n++
		}
	}
	return n
}

func digits(raw []byte) bool {
	for _, b := range raw {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// leaks says in which way numbers or codes stand somewhere.
func (h *haystack) leaks(numbers, codes, unused []string) (found []string) {
	var patterns []string
	for _, form := range forms {
		patterns = append(patterns, spelled(slices.Concat(numbers, codes, unused), form)...)
	}
	stands := h.search(patterns)
	for name, form := range forms {
		if n, where := standing(stands, numbers, form); n > 0 {
			found = append(found, fmt.Sprintf("%d card numbers, %s, for one in %s", n, name, where))
		}
		n, where := standing(stands, codes, form)
		if chance, _ := standing(stands, unused, form); n == len(codes) && chance <= 2 {
			found = append(found, fmt.Sprintf("all codes, %s, and %d that nobody used, for one in %s", name, chance, where))
		}
	}
	if n, chance := h.alone(codes), h.alone(unused); n == len(codes) && chance <= 2 {
		found = append(found, "all codes, by themselves")
	}
	return found
}

// folder adds every file below dir that was written since.
func (h *haystack) folder(t *testing.T, dir string, since time.Time) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err != nil || info.ModTime().Before(since) {
			return err
		}
		raw, err := os.ReadFile(path)
		h.add(path, raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// postgres adds the files of the database and of the server's log of changes, after a checkpoint, where the test may read them.
func (h *haystack) postgres(t *testing.T, url string, since time.Time) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var dir string
	var oid uint32
	if _, err = conn.Exec(ctx, "CHECKPOINT"); err == nil {
		err = conn.QueryRow(ctx, "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()").Scan(&dir, &oid)
	}
	if _, failed := os.ReadDir(dir); err != nil || failed != nil {
		t.Logf("the files of PostgreSQL cannot be read, only its rows: %v, %v", err, failed)
		return
	}
	h.folder(t, filepath.Join(dir, "base", fmt.Sprint(oid)), time.Time{})
	h.folder(t, filepath.Join(dir, "pg_wal"), since)
}

// TestCardsAreExecutedAtAnotherNodeAndLeaveNoTrace: cards come to one server, which is killed; another one, or the same anew,
// executes them, but for some. Whoever has all files of both, of the database and of a backup, and all keys, finds no card
// number in clear, and no security code in any form, inside of what is sealed neither.
func TestCardsAreExecutedAtAnotherNodeAndLeaveNoTrace(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, database string) {
		began := time.Now().Add(-time.Second)
		numbers, codes, unused := flown()
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		var first, second *server
		if database != "" {
			nodes := startNodes(t, dir, database, database)
			first, second = nodes[0], nodes[1]
		} else {
			first = newServer(t, dir, "")
			first.start(t)
			second = first
		}
		c := first.newShop(t, sim)
		made := make([]paid, inFlight)
		for i := range made {
			body := with(order("DEPOSIT", fmt.Sprintf("flight %d", i), "10.00"), "card", card(numbers[i], codes[i]))
			made[i] = c.must(t, request{method: "POST", path: payments, body: body}).payment
		}
		spread(t, takeBackup(t, first, dir))
		first.kill()
		if second == first {
			second.start(t)
		}
		elsewhere := newClient(second.base, c.key)
		for _, p := range made[:inFlight/2] {
			if got := elsewhere.must(t, request{method: "PATCH", path: pathOf(p.ID), body: browser}).payment; got.State != "COMPLETED" {
				t.Errorf("executed elsewhere: %+v", got)
			}
		}
		second.kill() // logs and write-ahead logs stay as they are
		var all haystack
		all.folder(t, dir, time.Time{})
		if database != "" {
			all.postgres(t, database, began)
			searchDatabase(t, database)
		}
		for _, leak := range all.leaks(numbers, codes, unused) {
			t.Error(leak)
		}
		openAll(t, second, database, onlyShop(t, second), made, numbers, codes)
	})
}

// spread writes what is compressed in a backup beside it.
func spread(t *testing.T, backup string) {
	t.Helper()
	dump := filepath.Join(backup, "database.dump")
	if _, err := os.Stat(dump); err != nil {
		return
	}
	if out, err := exec.Command("pg_restore", "--file", filepath.Join(backup, "database.sql"), dump).CombinedOutput(); err != nil {
		t.Errorf("pg_restore: %v: %s", err, out)
	}
}

// onlyShop is the shop of a server.
func onlyShop(t *testing.T, s *server) payment.ShopID {
	t.Helper()
	var only struct{ ShopID string } // it would not decode if there were more
	s.admin(t, &only, "shop", "list", "--json")
	return payment.ShopID(only.ShopID)
}

// openAll opens with the keys of the installation all that is sealed: the cards that wait are there, and no code is.
func openAll(t *testing.T, s *server, database string, sid payment.ShopID, made []paid, numbers, codes []string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: database, Dir: s.data, Established: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	safe, err := vault.NewSafe(func() (vault.Masters, error) { return vault.ReadMasters(s.data) }, time.Now)
	if err == nil {
		err = db.UseSafe(t.Context(), safe, nil, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	var opened haystack
	err = db.View(t.Context(), func(tx *store.Tx) error {
		found, err := tx.Shops().Get(sid)
		if err != nil {
			return err
		}
		opened.add("shop", []byte(found.SigningKey+string(found.Terminals[0].Config)))
		for i := range made {
			p, err := tx.Payments().Get(sid, payment.ID(made[i].ID))
			if err != nil {
				return err
			}
			if (p.Means == "") != (i < inFlight/2) {
				t.Errorf("payment %d is %s, and keeps %q", i, p.State(), p.Means)
			}
			if p.Means == "" {
				continue
			}
			plain, err := tx.Payments().OpenMeans(&p)
			if err != nil {
				return err
			}
			if !bytes.Contains(plain, []byte(numbers[i])) {
				t.Errorf("payment %d does not keep its own card", i)
			}
			for name, form := range forms {
				for _, spelled := range form(codes[i]) {
					if bytes.Contains(plain, []byte(spelled)) {
						t.Errorf("payment %d keeps its code, %s", i, name)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := opened.search(codes); len(found) > 0 {
		t.Errorf("%d codes among the secrets of the shop", len(found))
	}
}

// TestTracesOfCardsWouldBeFound in every form, and chance is not taken for one.
func TestTracesOfCardsWouldBeFound(t *testing.T) {
	t.Parallel()
	numbers, codes, unused := flown()
	if len(numbers) != inFlight || len(codes) != inFlight || len(unused) != inFlight {
		t.Fatalf("%d numbers, %d codes, %d unused ones", len(numbers), len(codes), len(unused))
	}
	for name, form := range forms {
		for at := range form(codes[0]) {
			var h haystack
			for _, code := range codes {
				h.add("planted", []byte("x"+form(code)[at]+"y"))
			}
			if len(h.leaks(numbers, codes, unused)) == 0 {
				t.Errorf("codes, %s, would not be found", name)
			}
			h = haystack{}
			h.add("planted", []byte("x"+form(numbers[3])[at]+"y"))
			if len(h.leaks(numbers, codes, unused)) == 0 {
				t.Errorf("a number, %s, would not be found", name)
			}
		}
	}
	for at := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte("abc"[:at] + `"code":"` + codes[0] + `"}`))
		if !slices.ContainsFunc(inBase64(codes[0]), func(s string) bool { return strings.Contains(text, s) }) {
			t.Errorf("%s holds none of %q", text, inBase64(codes[0]))
		}
	}
	var everything, some haystack
	for n := range 10_000 {
		everything.add("all numbers", fmt.Appendf(nil, " %04d ", n))
	}
	some.add("half of them", []byte(strings.Join(codes[:5], " ")))
	for _, h := range []*haystack{&everything, &some} {
		if found := h.leaks(numbers, codes, unused); len(found) != 0 {
			t.Errorf("chance is taken for a leak: %q", found)
		}
	}
}
