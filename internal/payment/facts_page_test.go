package payment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

func TestFactsPageIsTheTable(t *testing.T) {
	golden.Check(t, "../../docs/facts.md", factsPage(t))
}

// factsPage prints what is done about facts that contradict, for people.
func factsPage(t *testing.T) []byte {
	var b strings.Builder
	b.WriteString(`# Facts about what is settled

Generated from ` + "`internal/payment/finding.go`" + `; do not edit. A provider may tell more about an attempt that is settled already: a sale that was
approved is declined, a payout comes back, a hold is taken behind our back, a refund that failed was made after all. This page says what follows.

- **Told**, by a notice or the late answer to a call, it is put on record as an operation with its messages, and moves neither the payment nor
  its money. Where the table does not say "nothing new", the provider's status is asked for at once, and an alarm is raised (rows marked *quiet*
  raise none: old news, or the ordinary way of things).
- **Found** by that query, it does what the table says, on the payment as it is by then. Whatever moves raises an alarm, and merchants are told
  by the usual event of the state that the payment comes into. A query that tells nothing is repeated after growing waits.
- However often the provider contradicts itself, at most ` + fmt.Sprint(payment.MostDoubts) + ` such queries are made about one attempt by themselves; from then on it is only put on
  record. ` + "`sluice payment check`" + ` asks at any time.
- **What stands is not moved**: while a refund of a deposit is reserved or done, a human has to look.

So every order of notices ends alike, and as the provider's books say. There are two exceptions, which are meant. A deposit of which failure was told
first stays failed unless the shop honours late success, and its money goes back. What was closed without money, perhaps by an operator, is not opened again
by a withdrawal's or refund's late success: a human has to look.

## The table

The first row that fits decides.

| what | was settled as | the provider says | where | then |
|---|---|---|---|---|
`)
	for _, f := range payment.Findings() {
		quiet := ""
		if f.Quiet {
			quiet = " (*quiet*)"
		}
		where := f.When.Text
		if where == "" {
			where = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s%s |\n", listed(f.Of), listed(f.Was), listed(f.Says), where, f.Then, quiet)
	}
	b.WriteString(`
## Every situation

What a query finds, by the situation in which it is asked. Where an answer depends on the shop, the second word is that for shops that honour
late success (` + "`honourLateSuccess`" + `); a refund's is that where the deposit has not as much left.

| situation | the payment | what | done | held | refused | closed |
|---|---|---|---|---|---|---|
`)
	for i := range scenes {
		b.WriteString(scenes[i].row(t))
	}
	return []byte(b.String())
}

func listed[T ~string](set []T) string {
	if len(set) == 0 {
		return "any"
	}
	words := make([]string, len(set))
	for i, v := range set {
		words[i] = string(v)
	}
	return strings.Join(words, "; ")
}

// row prints one situation.
func (s *scene) row(t *testing.T) string {
	t.Helper()
	w := s.make(t)
	cells := []string{s.name, string(w.p.State())}
	for i, f := range []payment.Fact{approval, holding, refusal, closing} {
		if w.attemptOf(s.attempt).Kind == payment.AttemptDeposit && i == 0 && w.p.State() == payment.Completed && w.p.PreAuth {
			f.Echoed.Amount = w.p.Captured
		}
		row, part, was, _ := payment.FindingOf(&w.p, s.attempt, f, false, false)
		other, _, _, _ := payment.FindingOf(&w.p, s.attempt, f, w.p.Type == payment.Deposit, true)
		if i == 0 {
			cells = append(cells, string(part)+", "+string(was))
		}
		then := string(row.Then)
		if other.Then != row.Then {
			then += " / " + string(other.Then)
		}
		cells = append(cells, then)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// TestEveryRowIsReached: no row of the table is dead, and every part and ending is walked.
func TestEveryRowIsReached(t *testing.T) {
	reached := map[string]bool{}
	walkScenes(t, func(t *testing.T, s *scene, f payment.Fact, honour, noRoom bool) {
		w := s.make(t)
		row, part, was, says := payment.FindingOf(&w.p, s.attempt, f, honour, noRoom)
		reached[key(&row)] = true
		reached[string(part)], reached["was "+string(was)], reached["says "+string(says)] = true, true, true
	})
	for i, f := range payment.Findings() {
		if !reached[key(&f)] {
			t.Errorf("row %d is never reached: %v %v %v %s", i, f.Of, f.Was, f.Says, f.When.Text)
		}
	}
	for _, p := range payment.Parts() {
		if !reached[string(p)] {
			t.Errorf("no scene about %s", p)
		}
	}
	for _, e := range payment.Endings() {
		if !reached["was "+string(e)] {
			t.Errorf("no scene of what was %s", e)
		}
	}
	for _, s := range payment.Sayings() {
		if !reached["says "+string(s)] {
			t.Errorf("nothing says %s", s)
		}
	}
}

func key(f *payment.Finding) string {
	return fmt.Sprint(slices.Clone(f.Of), f.Was, f.Says, f.When.Text, f.Then)
}
