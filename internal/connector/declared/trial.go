package declared

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// Trial is an answer that somebody has kept, to be judged as if it had just come.
type Trial struct {
	Call   string // of the file: sale, status, notice and so on
	For    string // the kind of attempt that it is about, as in rules; empty for what the call makes, of a question for a deposit
	Key    string // our key; empty for the one that the answer tells
	Status int    // of HTTP
	Body   []byte
}

// Verdict is what such an answer proves.
type Verdict struct {
	Key  string // that it was held against
	Fact payment.Fact
	Line int      // of the rule that says so; 0 where none fits, or none is needed
	Err  error    // why it proves nothing
	Not  []string // why the rules before it do not fit that are for this call
	Open []string // what was not compared, because only a request has it
}

// ErrTrial marks a trial that cannot be made.
var ErrTrial = errors.New("the answer cannot be tried")

// makes are the kinds of attempts that calls make.
var makes = map[string]payment.AttemptKind{
	callSale: payment.AttemptDeposit, callHold: payment.AttemptDeposit, callVerify: payment.AttemptDeposit, callCapture: payment.AttemptCapture,
	callVoid: payment.AttemptVoid, callRefund: payment.AttemptRefund, callPayout: payment.AttemptWithdrawal,
}

// Try judges an answer by the rules of a file, which has to be without fault. No request is made.
func Try(file []byte, t Trial) (Verdict, error) {
	d, err := load(file)
	if err != nil {
		return Verdict{}, err
	}
	q := asked{call: t.Call, kind: cmp.Or(kinds[t.For], makes[t.Call], payment.AttemptDeposit), key: t.Key, none: t.Call == callVerify}
	switch {
	case t.For != "" && kinds[t.For] == "":
		return Verdict{}, fmt.Errorf("%w: %q is no kind of attempts: deposit, capture, void, refund, payout", ErrTrial, t.For)
	case t.Call == onNotice && d.notices != nil:
		return d.tryNotice(t, q)
	case !slices.Contains(callNames, t.Call) || d.calls[t.Call] == nil || t.Call == callProbe:
		return Verdict{}, fmt.Errorf("%w: the file declares no call %q", ErrTrial, t.Call)
	}
	a, err := readAnswer(t.Status, t.Body)
	if err != nil && t.Status >= 200 && t.Status <= 299 {
		return Verdict{Err: err}, nil
	}
	if q.by = d.calls[t.Call]; t.Call != callStatus {
		return d.try(a, q), nil
	}
	return d.tryQuestions(a, q)
}

// tryQuestions takes the answer for one to the first question by which it proves something, or to the last.
func (d *declaration) tryQuestions(a answer, q asked) (v Verdict, err error) {
	err = fmt.Errorf("%w: no question is declared for a %s", ErrTrial, q.kind)
	for _, c := range d.asks {
		if c.isFor(q.kind) && (err != nil || v.Err != nil) {
			q.by, err = c, nil
			v = d.try(a, q)
		}
	}
	return v, err
}

// try judges an answer to a call. What only the request of it has is taken for granted, and named.
func (d *declaration) try(a answer, q asked) (v Verdict) {
	by := *q.by
	by.echoes = nil
	for _, e := range q.by.echoes {
		if slices.ContainsFunc(e.is.parts, func(p part) bool { return p.name != "" && p.name != "key" }) {
			v.Open = append(v.Open, e.path)
			continue
		}
		by.echoes = append(by.echoes, e)
	}
	if q.by = &by; q.key == "" && by.list == nil {
		q.key = a.narrowed(by.within, nil, "").first(d.tells(q, "key"))
	}
	v.Key = q.key
	q.v = (&Declared{d: d}).values(&connector.Request{Key: q.key}, "", "")
	if a.status >= 200 && a.status <= 299 {
		var err error
		if a, err = d.meant(a, q); errors.Is(err, errNotFound) {
			v.Fact, v.Err = payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
			return v
		} else if err != nil {
			v.Err = err
			return v
		}
	}
	return d.verdict(a, q, v)
}

func (d *declaration) tryNotice(t Trial, q asked) (Verdict, error) {
	n, err := (&Declared{d: d}).readNotice(t.Body)
	if err != nil {
		return Verdict{Err: err}, nil //nolint:nilerr // it is what the trial shows
	}
	a, err := readAnswer(http.StatusOK, t.Body)
	if err != nil {
		return Verdict{Err: err}, nil //nolint:nilerr // it is what the trial shows
	}
	a = a.narrowed(d.notices.within, nil, "")
	q.kind, q.key, q.none = d.notices.kinds[a.inner(d.notices.kind)], n.Key, a.inner(d.notices.kind) == callVerify
	return d.verdict(a, q, Verdict{Key: n.Key}), nil
}

// verdict is what the rules say, and why those before do not.
func (d *declaration) verdict(a answer, q asked, v Verdict) Verdict {
	u := d.first(a, q)
	for i := range d.rules {
		if &d.rules[i] == u {
			break
		}
		if why := d.unfit(&d.rules[i], a, q); why != "" {
			v.Not = append(v.Not, fmt.Sprintf("line %d, %s: %s", d.rules[i].stands.line, d.rules[i].is, why))
		}
	}
	if u != nil {
		v.Line = u.stands.line
	}
	if v.Fact, v.Err = d.judge(a, q); errors.Is(v.Err, errAbout) && q.key == "" {
		v.Err = fmt.Errorf("%w: our key stands at none of %s", provider.ErrAnswer, strings.Join(d.tells(q, "key"), ", "))
	}
	return v
}

// unfit says why a rule does not fit; empty where it is for other calls or attempts.
func (d *declaration) unfit(u *rule, a answer, q asked) string {
	if len(u.on) > 0 && !slices.Contains(u.on, q.call) || len(u.of) > 0 && !slices.Contains(u.of, q.kind) {
		return ""
	}
	a = d.look(u, a, q)
	for _, c := range u.when {
		if c.fits(a) {
			continue
		}
		stands := "nothing"
		if value := c.seen(a); value != "" {
			stands = "something else"
			if provider.Word(value, 64) {
				stands = value
			}
		}
		return c.path + " is " + stands
	}
	return "it is for 2xx, as it says no @status"
}

// seen is what the condition looks at.
func (c condition) seen(a answer) string {
	if c.path == statusPath {
		return strconv.Itoa(a.status)
	}
	return cmp.Or(plain(a.value(c.path)), string(a.value(c.path)))
}
