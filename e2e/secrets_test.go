package e2e

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// leaks finds the card number of these tests in several spellings, and its security code where it stands alone: four
// digits within a longer word are chance.
var leaks = []struct {
	what string
	text *regexp.Regexp
}{
	{"card number", regexp.MustCompile(cardNumber)},
	{"card number in groups", regexp.MustCompile(`3714[ -]?496353[ -]?98431|3714[ -]4963[ -]5398[ -]431`)},
	{"card number in hexadecimal", regexp.MustCompile(`(?i)` + hex.EncodeToString([]byte(cardNumber)))},
	{"card number in base64", regexp.MustCompile(regexp.QuoteMeta(base64.RawStdEncoding.EncodeToString([]byte(cardNumber))))},
	{"card number percent-encoded", regexp.MustCompile(`(?i)` + each("%%%02x"))},
	{"card number in full width", regexp.MustCompile(fullWidth)},
	{"card number escaped for JSON", regexp.MustCompile(`(?i)` + regexp.QuoteMeta(each(`\u%04x`)))},
	{"all but the first six", regexp.MustCompile(cardNumber[6:])},
	{"security code", regexp.MustCompile(`(^|[^0-9A-Za-z.:])` + securityCode + `([^0-9A-Za-z.:-]|$)`)},
}

// searchSecrets looks through every file below dir, which holds data, logs and ledgers, and through every row of the
// PostgreSQL database at url, if there is one. The column took is left out: it holds microseconds, and of some thousand
// posts one takes as many as the code says.
func searchSecrets(t testing.TB, dir, url string) {
	t.Helper()
	searched := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched++
		report(t, path, raw)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if searched < 3 {
		t.Errorf("only %d files searched", searched)
	}
	if url != "" {
		searchDatabase(t, url)
	}
}

func report(t testing.TB, where string, raw []byte) {
	t.Helper()
	for _, leak := range leaks {
		for _, at := range leak.text.FindAllIndex(raw, 3) {
			t.Errorf("%s in %s: …%q…", leak.what, where, raw[max(0, at[0]-60):min(len(raw), at[1]+20)])
		}
	}
}

func searchDatabase(t testing.TB, url string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	searched := 0
	for _, table := range tables {
		rows, err := conn.Query(ctx, fmt.Sprintf("SELECT CAST(to_jsonb(r) - 'took' AS TEXT) FROM %s r", table))
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		searched += len(texts)
		for _, text := range texts {
			report(t, "table "+table, []byte(text))
		}
	}
	if searched < 3 {
		t.Errorf("only %d rows searched", searched)
	}
}

func TestSearchForSecretsFindsThem(t *testing.T) {
	t.Parallel()
	for name, text := range spelledNumbers {
		found := false
		for _, leak := range leaks {
			found = found || leak.text.MatchString("x"+text+"x")
		}
		if !found {
			t.Errorf("the number %s would not be found", name)
		}
	}
	for _, planted := range []string{
		"x" + cardNumber + "x", "3714 496353 98431", `{"cardSecurityCode":"9173"}`, "code=9173&", "9173",
		base64.StdEncoding.EncodeToString([]byte(cardNumber)), hex.EncodeToString([]byte(cardNumber)),
	} {
		found := false
		for _, leak := range leaks {
			found = found || leak.text.Match([]byte(planted))
		}
		if !found {
			t.Errorf("%q would not be found", planted)
		}
	}
	for _, harmless := range []string{"371449******8431", "0197a9173b", "12:00:00.9173Z"} {
		for _, leak := range leaks {
			if leak.text.MatchString(harmless) {
				t.Errorf("%q is taken for a %s", harmless, leak.what)
			}
		}
	}
	if strings.Contains(cardNumber, securityCode) {
		t.Error("the code must not be part of the number")
	}
}
