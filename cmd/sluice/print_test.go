package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/admin"
)

// TestTablesFoldWhereTheyAreTooWide: every row in as many lines as the heads, in columns, with nothing cut.
func TestTablesFoldWhereTheyAreTooWide(t *testing.T) {
	t.Setenv("COLUMNS", "")
	long := strings.Repeat("x", 33)
	var out bytes.Buffer
	if err := table(&out, []string{"ONE", "TWO", "THREE", "FOUR", "FIVE"}, [][]string{{long, long, long, "4", "ü"}, {"a", "b", "c", "d", "e"}}); err != nil {
		t.Fatal(err)
	}
	blank := strings.Repeat(" ", 32)
	want := "ONE" + strings.Repeat(" ", 32) + "TWO\n  THREE" + strings.Repeat(" ", 30) + "FOUR  FIVE\n" +
		long + "  " + long + "\n  " + long + "  4     ü\n" +
		"a" + blank + "  b\n  c" + blank + "  d     e\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > tableWidth {
			t.Errorf("too wide: %s", line)
		}
	}
	t.Setenv("COLUMNS", "200")
	out.Reset()
	if err := table(&out, []string{"ONE", "TWO"}, [][]string{{strings.Repeat("x", 120), "2"}}); err != nil || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("on a wide screen: %v\n%s", err, out.String())
	}
}

// TestTablesStandWhateverTheScript: names in wide characters, and with marks that take no room, leave the columns where they are.
func TestTablesStandWhateverTheScript(t *testing.T) {
	t.Setenv("COLUMNS", "")
	var rows [][]string
	blanks := []int{10} // up to the second column, which begins where the widest name and the gap end
	for _, name := range []struct {
		text    string
		columns int
	}{
		{"plain", 5}, {"カフェ・東京", 12}, {"店铺", 4}, {"가게", 4}, {"ｆｕｌｌ", 8}, {"shop 🛒", 7}, {"cafe\u0301", 4}, {"Łódź", 4}, {"Магазин", 7},
	} {
		rows = append(rows, []string{name.text, "|"})
		blanks = append(blanks, 14-name.columns)
	}
	var out bytes.Buffer
	if err := table(&out, []string{"NAME", "|"}, rows); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		cell := strings.TrimSuffix(line, "|")
		if got := len(cell) - len(strings.TrimRight(cell, " ")); got != blanks[i] {
			t.Errorf("%q: %d blanks, want %d", line, got, blanks[i])
		}
	}
}

// TestResultsAsJSON: a list is one object a line, everything else one object; what is left out is told beside it.
func TestResultsAsJSON(t *testing.T) {
	t.Parallel()
	l := admin.List[admin.KeyRevoked]{Items: []admin.KeyRevoked{{Key: "a&b"}, {Key: "c"}}, More: true}
	var out, errs bytes.Buffer
	if err := jsonResult(&out, l); err != nil || out.String() != "{\"keyId\":\"a&b\"}\n{\"keyId\":\"c\"}\n" {
		t.Errorf("%v, printed %s", err, out.String())
	}
	if err := saysMore(&errs, l); err != nil || !strings.Contains(errs.String(), "There are more: these are the first 2.") {
		t.Errorf("%v, told %s", err, errs.String())
	}
	out.Reset()
	if err := jsonResult(&out, admin.KeyRevoked{Key: "a"}); err != nil || out.String() != "{\n  \"keyId\": \"a\"\n}\n" {
		t.Errorf("%v, printed %s", err, out.String())
	}
}
