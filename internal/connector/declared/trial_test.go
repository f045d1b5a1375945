package declared_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/declared"
	"github.com/sluicepay/sluice/internal/payment"
)

// TestAKeptAnswerIsTriedOnTheRules of a file, as if it had come: what it proves, by which rule, and why others do not fit.
func TestAKeptAnswerIsTriedOnTheRules(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(stripeFile)
	if err != nil {
		t.Fatal(err)
	}
	const paid = `{"id":"pi_1","object":"payment_intent","amount":1112,"amount_received":1112,"currency":"eur","status":"succeeded","metadata":{"sluice_key":"k-1"}}`
	for name, c := range map[string]struct {
		trial declared.Trial
		want  payment.Class
		code  string
		not   string // one of the reasons
		err   string
	}{
		"a payment":            {trial: declared.Trial{Call: "sale", Status: 200, Body: []byte(paid)}, want: payment.ClassApproved, not: "DECLINED: @status is 200"},
		"of another key":       {trial: declared.Trial{Call: "sale", Status: 200, Key: "k-2", Body: []byte(paid)}, err: "about something else"},
		"of no key":            {trial: declared.Trial{Call: "sale", Status: 200, Body: []byte(strings.Replace(paid, "sluice_key", "x", 1))}, err: "our key stands at none of metadata.sluice_key"},
		"a status of nobody":   {trial: declared.Trial{Call: "sale", Status: 200, Body: []byte(strings.Replace(paid, "succeeded", "quantum", 1))}, not: "APPROVED: status is quantum", err: "status 200"},
		"a long status":        {trial: declared.Trial{Call: "sale", Status: 200, Body: []byte(strings.Replace(paid, "succeeded", strings.Repeat("x y", 90), 1))}, not: "APPROVED: status is something else", err: "status 200"},
		"no amount":            {trial: declared.Trial{Call: "sale", Status: 200, Body: []byte(strings.ReplaceAll(paid, "1112", "0"))}, err: "no usable amount"},
		"no JSON":              {trial: declared.Trial{Call: "sale", Status: 200, Body: []byte("<html>")}, err: "no object"},
		"no JSON, and no 2xx":  {trial: declared.Trial{Call: "sale", Status: 502, Body: []byte("<html>")}, err: "status 502"},
		"a refusal by the API": {trial: declared.Trial{Call: "sale", Status: 400, Body: []byte(`{"error":{"type":"invalid_request_error","code":"parameter_missing"}}`)}, want: payment.ClassRejected, code: "parameter_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := declared.Try(file, c.trial)
			if err != nil {
				t.Fatal(err)
			}
			if c.err != "" && (v.Err == nil || !strings.Contains(v.Err.Error(), c.err)) || c.err == "" && (v.Err != nil || v.Fact.Class != c.want || v.Line == 0) {
				t.Errorf("%+v", v)
			}
			if c.code != "" && v.Fact.RawCode != c.code || !strings.Contains(strings.Join(v.Not, "\n"), c.not) {
				t.Errorf("code %q, %q", v.Fact.RawCode, v.Not)
			}
		})
	}
}

// TestTrialsOfQuestionsAndNotices: what is not in a whole list is not found, and what a post tells is judged as when it comes.
func TestTrialsOfQuestionsAndNotices(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(stripeFile)
	if err != nil {
		t.Fatal(err)
	}
	refund := `{"id":"re_1","object":"refund","amount":112,"currency":"eur","status":"succeeded","payment_intent":"pi_1","metadata":{"sluice_key":"k-2"}}`
	list := func(more, items string) []byte {
		return []byte(`{"object":"list","has_more":` + more + `,"data":[` + items + `]}`)
	}
	event := `{"id":"evt_1","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1","object":"payment_intent","amount":1112,"amount_received":1112,"currency":"eur","status":"succeeded","metadata":{"sluice_key":"k-1"}}}}`
	for name, c := range map[string]struct {
		trial declared.Trial
		want  payment.Class
		none  bool
		fails bool
	}{
		"a refund in a list":   {trial: declared.Trial{Call: "status", For: "refund", Key: "k-2", Status: 200, Body: list("false", refund)}, want: payment.ClassApproved},
		"not in a list":        {trial: declared.Trial{Call: "status", For: "refund", Key: "k-3", Status: 200, Body: list("false", refund)}, none: true, want: payment.ClassUnknown},
		"a list that goes on":  {trial: declared.Trial{Call: "status", For: "refund", Key: "k-3", Status: 200, Body: list("true", refund)}, fails: true},
		"an event":             {trial: declared.Trial{Call: "notice", Status: 200, Body: []byte(event)}, want: payment.ClassApproved},
		"an event of nobody's": {trial: declared.Trial{Call: "notice", Status: 200, Body: []byte(strings.Replace(event, "sluice_key", "x", 1))}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := declared.Try(file, c.trial)
			if err != nil || (v.Err != nil) != c.fails || !c.fails && (v.Fact.Class != c.want || v.Fact.NotFound != c.none) {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
	for _, trial := range []declared.Trial{{Call: "nothing"}, {Call: "payout"}, {Call: "probe"}, {Call: "status", For: "loan"}} {
		if _, err := declared.Try(file, trial); !errors.Is(err, declared.ErrTrial) {
			t.Errorf("%+v: %v", trial, err)
		}
	}
	if _, err := declared.Try([]byte(`{"connector":"x"}`), declared.Trial{Call: "sale"}); err == nil || errors.Is(err, declared.ErrTrial) {
		t.Errorf("a file with faults: %v", err)
	}
}
