package declared

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// answer is what a provider has said.
type answer struct {
	status int
	body   jsontext.Value // one object
	told   jsontext.Value // what of it tells of the transaction
}

// wholePath begins a path that is seen from the whole answer, where others are seen from what tells of the transaction.
const wholePath = "@answer."

// emptyList is what conditions see of a list in which nothing is.
const emptyList = "[]"

// readAnswer reads a body, which need be no object where the status is no success.
func readAnswer(status int, body []byte) (answer, error) {
	var whole map[string]jsontext.Value
	if err := provider.Read(body, &whole); err != nil {
		return answer{status: status}, err //nolint:wrapcheck // by each caller
	}
	return answer{status: status, body: body, told: body}, nil
}

// narrowed is the answer with what tells of the transaction at a path: an object, or the one object of a list that carries our key. Where two
// carry it, nothing is told.
func (a answer) narrowed(path string, keyPaths []string, key string) answer {
	if path == "" {
		return a
	}
	a.told = under(a.body, path)
	var list []jsontext.Value
	if a.told.Kind() != '[' {
		return a
	}
	if json.Unmarshal(a.told, &list) != nil {
		list = nil
	}
	list = slices.DeleteFunc(list, func(one jsontext.Value) bool {
		return key == "" || answer{body: a.body, told: one}.first(keyPaths) != key
	})
	if a.told = nil; len(list) == 1 {
		a.told = list[0]
	}
	return a
}

// under is what stands at a path, or nothing.
func under(v jsontext.Value, path string) jsontext.Value {
	for part := range strings.SplitSeq(path, ".") {
		var members map[string]jsontext.Value
		if v.Kind() != '{' || json.Unmarshal(v, &members) != nil {
			return nil
		}
		v = members[part]
	}
	return v
}

// plain is a text, a number or a word as text; empty for all else.
func plain(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		var s string
		if json.Unmarshal(v, &s) != nil {
			return ""
		}
		return s
	case '0', 't', 'f':
		return string(v)
	}
	return ""
}

// at is the text, number or word under a path, seen from the whole answer; empty for none.
func (a answer) at(path string) string { return plain(under(a.body, path)) }

// first is what the answer has under the first of the paths that has a value, seen from where it tells of the transaction.
func (a answer) first(paths []string) string {
	for _, path := range paths {
		if value := a.inner(path); value != "" {
			return value
		}
	}
	return ""
}

// inner is at from where the answer tells of the transaction.
func (a answer) inner(path string) string { return plain(a.value(path)) }

func (a answer) value(path string) jsontext.Value {
	if whole, is := strings.CutPrefix(path, wholePath); is {
		return under(a.body, whole)
	}
	return under(a.told, path)
}

// asked is what an answer is to be about.
type asked struct {
	call string
	kind payment.AttemptKind
	key  string
	none bool // no money moves
	by   *call
	v    *values // of the request
}

// tells are the paths under which the answer tells something.
func (d *declaration) tells(q asked, name string) []string {
	if q.by != nil && q.by.told[name] != nil {
		return q.by.told[name]
	}
	return d.told[name]
}

func (c condition) fits(a answer) bool {
	if c.path == statusPath {
		value := strconv.Itoa(a.status)
		return slices.ContainsFunc(c.in, func(s string) bool { return s == value || s == value[:1]+"xx" })
	}
	v := a.value(c.path)
	value := plain(v)
	if list := []jsontext.Value{}; v.Kind() == '[' && json.Unmarshal(v, &list) == nil && len(list) == 0 {
		value = emptyList
	}
	return slices.Contains(c.in, value) != c.not
}

func (d *declaration) fits(u *rule, a answer, q asked) bool {
	if len(u.on) > 0 && !slices.Contains(u.on, q.call) || len(u.of) > 0 && !slices.Contains(u.of, q.kind) {
		return false
	}
	said := slices.ContainsFunc(u.when, func(c condition) bool { return c.path == statusPath })
	if !said && (a.status < 200 || a.status > 299) {
		return false
	}
	a = d.look(u, a, q)
	return !slices.ContainsFunc(u.when, func(c condition) bool { return !c.fits(a) })
}

// look is the answer seen from where the rule says that the transaction stands.
func (d *declaration) look(u *rule, a answer, q asked) answer {
	return a.narrowed(u.within, d.tells(q, "key"), q.key)
}

// first is the first rule that fits; nil for none.
func (d *declaration) first(a answer, q asked) *rule {
	at := slices.IndexFunc(d.rules, func(u rule) bool { return d.fits(&u, a, q) })
	if at < 0 {
		return nil
	}
	return &d.rules[at]
}

// judge says what an answer proves: by the first rule that fits. An error says that it proves nothing.
func (d *declaration) judge(a answer, q asked) (payment.Fact, error) {
	u := d.first(a, q)
	if u == nil {
		return payment.Fact{}, provider.Unclear(a.status, "") //nolint:wrapcheck // by each caller
	}
	a = d.look(u, a, q)
	code := a.first(d.tells(q, "code"))
	if u.from != nil {
		code = answer{body: a.body, told: a.body}.first(u.from)
	}
	about, echoed := d.about(a, q), q.echoed(a)
	ok := a.status >= 200 && a.status <= 299
	switch {
	case u.is == isNotFound && ok && !echoed:
		return payment.Fact{}, errAbout
	case u.is == isNotFound:
		return payment.Fact{Class: payment.ClassUnknown, NotFound: true}, nil
	case u.is == string(payment.ClassRejected) && !ok: // it tells of a request that was not carried out, and of nothing else
		return d.refusal(u, code), nil
	case !about || !echoed:
		return payment.Fact{}, errAbout
	case u.is == string(payment.ClassRejected):
		return d.refusal(u, code), nil
	}
	return d.fact(a, u, q, code)
}

// refusal is a request that was not carried out.
func (d *declaration) refusal(u *rule, code string) payment.Fact {
	f := payment.Fact{Class: payment.ClassRejected, Code: u.code}
	if row, listed := d.declines[code]; listed && f.Code == "" {
		f.Code = row.Code
	}
	if f.Code == "" {
		f.Code = payment.CodeAcquirerRequest
	}
	if provider.Word(code, 64) {
		f.RawCode = code
	}
	return f
}

// fact is what is told of a transaction.
func (d *declaration) fact(a answer, u *rule, q asked, code string) (payment.Fact, error) {
	f := payment.Fact{Class: payment.Class(u.is)}
	if u.is == isDeclined {
		f = d.declines.Fact(code)
	}
	if u.code != "" {
		f.Code = u.code
	}
	if f.Class == payment.ClassUnknown || f.Class == payment.ClassCancelled {
		if provider.Word(code, 64) {
			f.RawCode = code
		}
	}
	if f.ProviderRef = a.first(d.tells(q, "id")); !provider.Word(f.ProviderRef, 64) {
		return payment.Fact{}, fmt.Errorf("%w: no usable id", provider.ErrAnswer)
	}
	paths := d.tells(q, "amount")
	if u.amount != "" {
		paths = []string{u.amount}
	}
	sum, err := d.sum(a.first(paths), a.first(d.tells(q, "currency")))
	if err != nil {
		return payment.Fact{}, err
	}
	if f.Echoed = sum; q.kind != payment.AttemptDeposit && sum.Amount.IsZero() || q.none != sum.Amount.IsZero() {
		return payment.Fact{}, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	if f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized {
		f.Credential = a.first(d.tells(q, "credential"))
	}
	f.Instrument = d.masked(a)
	if u.next == "wait" {
		f.Next = payment.Next{Kind: payment.NextWait}
	}
	if page := a.first(d.tells(q, "url")); u.next == "page" {
		if !provider.Page(page) {
			return payment.Fact{}, fmt.Errorf("%w: no page to send the customer to", provider.ErrAnswer)
		}
		f.Next = payment.GoTo(page)
	}
	return f, nil
}

func (d *declaration) sum(amount, currency string) (s money.Sum, err error) {
	if d.lower {
		currency = strings.ToUpper(currency)
	}
	if s.Currency, err = provider.Currency(currency); err != nil {
		return s, err //nolint:wrapcheck // by each caller
	}
	if !d.decimal {
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil {
			return s, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
		}
		s.Amount, err = d.units.Amount(n, s.Currency)
		return s, err //nolint:wrapcheck // by each caller
	}
	if s.Amount, err = money.Parse(amount); err != nil {
		return s, fmt.Errorf("%w: no usable amount", provider.ErrAnswer)
	}
	return s, nil
}

// masked is what the provider tells of a card, where it has the expected form.
func (d *declaration) masked(a answer) (m instrument.Masked) {
	first, last := a.first(d.told["first6"]), a.first(d.told["last4"])
	if digits(first, 6) && digits(last, 4) {
		m.CustomerAccountNumber = first + "***" + last
	}
	if b := instrument.Brand(strings.ToUpper(a.first(d.told["brand"]))); b != instrument.BrandUnknown && b.Valid() {
		m.CardBrand = b
	}
	if n := a.first(d.told["country"]); len(n) == 2 && n == strings.ToUpper(n) && provider.Word(n, 2) {
		m.CardIssuingCountry = n
	}
	return m
}

func digits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }
