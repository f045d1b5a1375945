package declared

import (
	"slices"
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
)

// What a rule can say, beside the classes of facts.
const (
	isDeclined = "DECLINED"  // which of the two says the table of declines
	isNotFound = "NOT_FOUND" // of a question: the provider does not know the attempt
)

var sayings = []string{
	isDeclined, isNotFound, string(payment.ClassApproved), string(payment.ClassAuthorized), string(payment.ClassWaiting), string(payment.ClassRejected),
	string(payment.ClassCancelled), string(payment.ClassUnknown),
}

// kinds are the names of kinds of attempts in files.
var kinds = map[string]payment.AttemptKind{
	"deposit": payment.AttemptDeposit, "capture": payment.AttemptCapture, "void": payment.AttemptVoid, "refund": payment.AttemptRefund, "payout": payment.AttemptWithdrawal,
}

// statusPath is the HTTP status among the paths of an answer.
const statusPath = "@status"

// rule says what an answer is in which all paths have one of their values.
type rule struct {
	on     []string // calls; empty for all
	of     []payment.AttemptKind
	when   []condition
	is     string
	code   payment.ErrorCode // instead of the table's
	within string            // where such an answer tells of the transaction, seen from the whole, if elsewhere than the call says
	from   []string          // the paths of the provider's code in the whole answer, if others than told has
	amount string            // likewise
	next   string            // of WAITING: page, wait, or nothing
	stands *node
}

type condition struct {
	path string
	in   []string
	not  bool
}

func (r *loader) answers(n *node) {
	if n.kind != '[' {
		r.faultf(n, "answers is a list of rules")
		return
	}
	for _, one := range n.list {
		r.d.rules = append(r.d.rules, r.rule(one))
	}
}

func (r *loader) rule(n *node) (u rule) {
	u.stands = n
	r.object(n, "a rule", map[string]func(*node){
		"on": func(n *node) {
			if u.on = r.strs(n, "on"); slices.ContainsFunc(u.on, func(c string) bool { return c != onNotice && !slices.Contains(callNames, c) }) {
				r.faultf(n, "on names calls: %s, %s", strings.Join(callNames, ", "), onNotice)
			}
		},
		"for": func(n *node) { u.of = r.kinds(n) },
		"when": func(n *node) {
			r.each(n, "when", func(path string, n *node) { u.when = append(u.when, r.condition(path, n)) })
		},
		"is":     func(n *node) { u.is = r.str(n, "is") },
		"code":   func(n *node) { u.code = r.code(n) },
		"within": func(n *node) { u.within = r.path(n, "within", "") },
		"from":   func(n *node) { u.from = r.allPaths(n, "from", "") },
		"amount": func(n *node) { u.amount = r.path(n, "amount", wholePath) },
		"next":   func(n *node) { u.next = r.str(n, "next") },
	})
	if !slices.Contains(sayings, u.is) {
		r.faultf(n, "a rule needs \"is\": %s", strings.Join(sayings, ", "))
	}
	if u.next != "" && (u.is != string(payment.ClassWaiting) || u.next != "page" && u.next != "wait") {
		r.faultf(n, "next is page or wait, of WAITING")
	}
	if len(u.when) == 0 {
		r.faultf(n, "a rule without \"when\" would say of every answer that it is %s", u.is)
	}
	r.proves(n, &u)
	return u
}

func (r *loader) kinds(n *node) (all []payment.AttemptKind) {
	for _, name := range r.strs(n, "for") {
		if kinds[name] == "" {
			r.faultf(n, "for names kinds of attempts: deposit, capture, void, refund, payout")
		}
		all = append(all, kinds[name])
	}
	return all
}

// proves checks what a rule may say of an answer.
func (r *loader) proves(n *node, u *rule) {
	says := slices.ContainsFunc(u.when, condition.says)
	at := slices.IndexFunc(u.when, func(c condition) bool { return c.path == statusPath })
	switch u.is {
	case isNotFound:
		if !slices.Equal(u.on, []string{callStatus}) || !says {
			r.faultf(n, "NOT_FOUND is said \"on\" status only, by more than the status: a wrong address answers 404 too")
		}
	case string(payment.ClassRejected):
		if !says {
			r.faultf(n, "REJECTED needs the provider's word that nothing was done, and not a status alone: a path with the values that it has then, or {\"not\": \"\"} for any")
		}
	case string(payment.ClassApproved), string(payment.ClassAuthorized):
		if !says && len(u.when) > 0 {
			r.faultf(n, "%s needs something that stands in the answer: what is missing there, or has another value, proves none", u.is)
		}
	}
	if at < 0 {
		return
	}
	if u.when[at].not {
		r.faultf(n, "@status is named, not excluded")
	}
	for _, s := range u.when[at].in {
		if len(s) != 3 || s[0] < '2' || s[0] > '5' {
			r.faultf(n, "@status is a number of three digits, or as 4xx")
			continue
		}
		refuses := u.is == isNotFound || u.is == string(payment.ClassRejected)
		if s[0] != '2' && !(s[0] == '4' && refuses) && !(s[0] == '4' && (u.is == isDeclined || u.is == string(payment.ClassCancelled))) && u.is != string(payment.ClassUnknown) {
			r.faultf(n, "status %s proves no %s", s, u.is)
		}
	}
}

// says reports whether the condition fits only where something stands at its path.
func (c condition) says() bool { return c.path != statusPath && slices.Contains(c.in, "") == c.not }

func (r *loader) condition(path string, n *node) condition {
	c := condition{path: path}
	if path != statusPath {
		r.checkPath(n, path, wholePath)
	}
	if n.kind == '{' {
		c.not = true
		r.object(n, "a condition", map[string]func(*node){"not": func(n *node) { c.in = r.values(n, "not") }})
		return c
	}
	c.in = r.values(n, "a condition")
	return c
}

// values are those of a condition; no values are an empty list.
func (r *loader) values(n *node, what string) []string {
	if n.kind == '[' && len(n.list) == 0 {
		return []string{emptyList}
	}
	return r.strs(n, what)
}
