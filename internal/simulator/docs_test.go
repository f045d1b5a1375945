package simulator

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables into docs/simulator.md")

const (
	docFile  = "../../docs/simulator.md"
	docBegin = "<!-- printed by go test ./internal/simulator -update -->\n"
	docApps  = "<!-- apps: printed by go test ./internal/simulator -update -->\n"
	docEnd   = "<!-- end -->"
)

func spaced(number string) string {
	return number[:4] + " " + number[4:8] + " " + number[8:12] + " " + number[12:]
}

// faultCardNumber completes faultCardPrefix for a row of the fault table.
func faultCardNumber(nn string) string {
	for c := range 10 {
		if number := fmt.Sprintf("%s00%s000%d", faultCardPrefix, nn, c); luhnValid(number) {
			return number
		}
	}
	return ""
}

func printTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| card | amount | what happens | the same as a scenario |\n|---|---|---|---|\n")
	for _, c := range testCards {
		note := c.note
		if c.code != codeApproved && !c.challenge && !c.needsSCA {
			note = "declined: " + note
		}
		if c.code != codeApproved {
			note += ", code `" + c.code + "`"
		}
		scenario := ""
		if c.code != codeApproved && !c.needsSCA && !c.challenge {
			scenario = "`" + effectJSON(t, Effect{ResponseCode: c.code}) + "`"
		}
		fmt.Fprintf(&b, "| %s | any | %s | %s |\n", spaced(c.number), note, scenario)
	}
	b.WriteString("| any other with a correct check digit | any | authorised without 3DS | |\n")
	b.WriteString("| any, with the holder `DECLINED:NN` | any | declined, code `NN` | `{\"responseCode\":\"NN\"}` |\n")
	b.WriteString("| any, whose expiry is past | any | declined, code `54` | `{\"responseCode\":\"54\"}` |\n")
	b.WriteString("| any | payment of 10000000 or more | declined, code `61`, reason `provider_limit` | |\n")
	b.WriteString("| any | payout or refund above 10000 | declined, code `61`, reason `provider_limit` | |\n")
	b.WriteString("| any | refund of a payment with `testAmounts`, or such a payment of none of the next four amounts | as the card says, without a ceiling | |\n")
	for _, a := range testAmounts {
		fmt.Fprintf(&b, "| any | payment of %s with `testAmounts` | %s | |\n", a.amount, a.note)
	}
	for _, m := range magicTable {
		fmt.Fprintf(&b, "| %s | %s%s | %s | `%s` |\n", spaced(faultCardNumber(m.nn)), magicWhole, m.nn, m.note, effectJSON(t, m.effect))
	}
	return b.String()
}

func effectJSON(t *testing.T, e Effect) string {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func printApps() string {
	var b strings.Builder
	b.WriteString("| BLIK code | amount | what happens |\n|---|---|---|\n")
	for _, m := range magicBlik {
		fmt.Fprintf(&b, "| %s | any | %s, code `%s` |\n", m.code, m.note, m.verdict)
	}
	fmt.Fprintf(&b, "| %s and three digits | any | confirmed after %s, without the app |\n", selfConfirmed, selfConfirmedAfter)
	b.WriteString("| any other | any | waits in the app |\n")
	for _, a := range blikAmounts {
		fmt.Fprintf(&b, "| any but the first four | %s | once confirmed: %s, code `%s` |\n", a.amount, a.note, a.verdict)
	}
	return b.String()
}

func TestDocumentedTable(t *testing.T) { documented(t, docBegin, printTable(t)) }

func TestDocumentedApps(t *testing.T) { documented(t, docApps, printApps()) }

// documented compares what stands between a marker and the next end with what is printed.
func documented(t *testing.T, begin, want string) {
	t.Helper()
	text, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	if !ok {
		t.Fatal("the marker of the table is missing")
	}
	have, after, _ := strings.Cut(rest, docEnd)
	if have == want {
		return
	}
	if !*update {
		t.Fatal("docs/simulator.md is out of date: run go test ./internal/simulator -update")
	}
	if err := os.WriteFile(docFile, []byte(before+begin+want+docEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTablesAreValid(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range testCards {
		if !luhnValid(c.number) || len(c.number) != 16 || seen[c.number] || !validCode(c.code) {
			t.Errorf("card %s", c.number)
		}
		seen[c.number] = true
	}
	for _, m := range magicTable {
		if _, err := m.effect.normal(); err != nil || len(m.nn) != 2 || seen[m.nn] || faultCardNumber(m.nn) == "" {
			t.Errorf("row %s: %v", m.nn, err)
		}
		seen[m.nn] = true
	}
}
