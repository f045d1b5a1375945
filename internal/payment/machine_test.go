package payment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/testkit/golden"
)

func TestStatesPageIsTheTable(t *testing.T) {
	golden.Check(t, "../../docs/states.md", statesPage())
}

// statesPage prints the table of legal moves for people.
func statesPage() []byte {
	var b strings.Builder
	b.WriteString("# States\n\nGenerated from `internal/payment/machine.go`; do not edit. What is not in the table is refused\n" +
		"with `1.00 Illegal Workflow State`. UNKNOWN outcomes have no state of their own: they show as PENDING.\n" +
		"Every row is taken by some decision, which a test makes sure of; what is not built yet follows below.\n\n" +
		"```mermaid\nstateDiagram-v2\n")
	seen := map[string]bool{}
	for _, e := range payment.Edges() {
		line := fmt.Sprintf("    %s --> %s\n", diagramName(e.From), diagramName(e.To))
		if e.From != e.To && !seen[line] {
			seen[line] = true
			b.WriteString(line)
		}
	}
	b.WriteString("```\n\n| From | Input | To | Shown as | Guard |\n|---|---|---|---|---|\n")
	for _, e := range payment.Edges() {
		b.WriteString(stateRow(e))
	}
	b.WriteString("\n## Not built yet\n\nNothing takes these rows today.\n\n| From | Input | To | Shown as | Guard |\n|---|---|---|---|---|\n")
	for _, e := range payment.Planned() {
		b.WriteString(stateRow(e))
	}
	return []byte(b.String())
}

func stateRow(e payment.Edge) string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", stateName(e.From), e.Input, e.To, join(e.Ops), e.Guard)
}

func diagramName(s payment.State) string {
	if s == payment.None {
		return "[*]"
	}
	return string(s)
}

func stateName(s payment.State) string {
	if s == payment.None {
		return "–"
	}
	return string(s)
}

func join(ops []payment.OperationKind) string {
	names := make([]string, len(ops))
	for i, o := range ops {
		names[i] = string(o)
	}
	return strings.Join(names, ", ")
}

func TestTableIsComplete(t *testing.T) {
	ops := map[payment.OperationKind]bool{}
	entered := map[payment.State]bool{}
	targets := map[string]payment.State{}
	for _, e := range append(payment.Edges(), payment.Planned()...) {
		entered[e.To] = true
		for _, op := range e.Ops {
			ops[op] = true
			key := fmt.Sprint(e.From, "|", e.Input, "|", op)
			if old, ok := targets[key]; ok && old != e.To && e.Input != payment.InManual {
				t.Errorf("%s leads to both %s and %s", key, old, e.To)
			}
			targets[key] = e.To
		}
	}
	for _, op := range payment.OperationKinds() {
		if !ops[op] {
			t.Errorf("operation %s is in no row", op)
		}
	}
	for _, s := range payment.States() {
		if !entered[s] {
			t.Errorf("state %s is never entered", s)
		}
	}
}

func TestFinalStatesAreLeftOnlyOnPurpose(t *testing.T) {
	allowed := []payment.Input{payment.InManual, payment.InLate, payment.InStands, payment.InUndone, payment.InEnded}
	for _, e := range payment.Edges() {
		if e.Input != payment.InManual && (e.From.Final() || e.From == payment.Authorized) && e.From != e.To &&
			slices.Contains(e.Ops, payment.OpHandleWebhook) {
			t.Errorf("a notice alone leads from %s to %s", e.From, e.To)
		}
		if e.From.Final() && e.From != e.To && !slices.Contains(allowed, e.Input) {
			t.Errorf("%s leaves %s for %s", e.Input, e.From, e.To)
		}
	}
}

func TestUnknownOutcomeIsNeverADecline(t *testing.T) {
	for _, e := range payment.Edges() {
		if e.Input == payment.InOpen && e.To != payment.Pending {
			t.Errorf("an open outcome leads from %s to %s", e.From, e.To)
		}
	}
}

func TestFold(t *testing.T) {
	op := func(seq int, k payment.OperationKind, s payment.State) payment.Operation {
		o := payment.Operation{Seq: seq, Kind: k, State: s, Began: int64(2 * seq), Ended: int64(2 * seq)}
		switch k {
		case payment.OpDeposit, payment.OpCapture, payment.OpContinue:
			o.Ended++
		}
		return o
	}
	for _, c := range []struct {
		name string
		log  []payment.Operation
		want payment.State
		bad  bool
	}{
		{"empty", nil, payment.None, false},
		{"hosted card with 3DS", []payment.Operation{
			op(1, payment.OpCreatePayment, payment.Checkout), op(2, payment.OpCheckout, payment.Pending),
			op(3, payment.OpDetectFraud, payment.Pending), op(4, payment.OpDeposit, payment.Pending),
			op(5, payment.OpRedirect, payment.Pending), op(6, payment.OpContinue, payment.Completed),
		}, payment.Completed, false},
		{"capture refused, then captured", []payment.Operation{
			op(1, payment.OpCreatePayment, payment.Checkout), op(2, payment.OpCheckout, payment.Pending),
			op(3, payment.OpDeposit, payment.Authorized), op(4, payment.OpCapture, payment.Authorized),
			op(5, payment.OpCapture, payment.Completed),
		}, payment.Completed, false},
		{"decline out of the checkout", []payment.Operation{
			op(1, payment.OpCreatePayment, payment.Checkout), op(2, payment.OpCheckout, payment.Declined),
		}, "", true},
		{"capture of what is not held", []payment.Operation{
			op(1, payment.OpCreatePayment, payment.Pending), op(2, payment.OpCapture, payment.Completed),
		}, "", true},
		{"a gap", []payment.Operation{op(2, payment.OpCreatePayment, payment.Checkout)}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := payment.Fold(c.log)
			if (err != nil) != c.bad || !c.bad && got != c.want {
				t.Errorf("Fold = %q, %v; want %q, failure %v", got, err, c.want, c.bad)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	seen := map[payment.ErrorCode]bool{}
	for _, c := range payment.Codes() {
		if c.Text() == "" || c.Word() == "" || seen[c] {
			t.Errorf("code %s: text %q, word %q, repeated %v", c, c.Text(), c.Word(), seen[c])
		}
		seen[c] = true
	}
	if got := payment.ErrorCode("6.21").Text(); got != "Limit exceeded: Number of completed deposits" {
		t.Errorf("6.21 = %q", got)
	}
	if got := payment.CodeInvalidAmount.Word(); got != "InvalidAmount" {
		t.Errorf("1.08 in one word = %q", got)
	}
	if payment.ErrorCode("6.16").Valid() || payment.ErrorCode("9.99").Text() != "" {
		t.Error("unassigned codes are known")
	}
}

func TestErrorsPageIsTheTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Error codes\n\nGenerated from `internal/payment/errors_table.go`; do not edit. The kind is not on the wire: *soft* codes\n" +
		"allow another terminal, *technical* ones mean that nobody refused.\n\n| Code | Text | Kind |\n|---|---|---|\n")
	kinds := map[payment.CodeKind]string{payment.Hard: "hard", payment.Soft: "soft", payment.Technical: "technical"}
	for _, c := range payment.Codes() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c, c.Text(), kinds[c.Kind()])
	}
	golden.Check(t, "../../docs/errors.md", []byte(b.String()))
}
