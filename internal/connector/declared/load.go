package declared

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// The calls that a file can declare.
const (
	callSale    = "sale"
	callHold    = "hold"
	callVerify  = "verify"
	callCapture = "capture"
	callVoid    = "void"
	callRefund  = "refund"
	callPayout  = "payout"
	callStatus  = "status"
	callFence   = "fence"
	callProbe   = "probe"
)

var callNames = []string{callSale, callHold, callVerify, callCapture, callVoid, callRefund, callPayout, callStatus, callFence, callProbe}

// declaration is a file that was read and has no fault.
type declaration struct {
	name     string
	settings []connector.Setting
	base     *text
	headers  []header
	form     bool // bodies are forms, not JSON
	units    provider.Units
	decimal  bool // amounts are decimal texts, not whole numbers
	traits   connector.Traits
	methods  map[payment.Method]string // the provider's names, where they are others
	calls    map[string]*call
	asks     []*call             // of status: the first that is for the kind and of which all is known
	lower    bool                // currencies are written in small letters
	told     map[string][]string // what of an answer is read, by paths: the first that has a value
	rules    []rule
	declines provider.Declines
	notices  *notices
	loggable outbound.Allowlist
}

type header struct {
	name string
	text *text
}

// call is one request as it is declared.
type call struct {
	method  string
	path    *text
	headers []header
	once    string // the header that has our key, where the same request may be sent again
	body    *template
	within  string // where in the answer stands what is told

	of       []payment.AttemptKind // of a question or a fence: what it is for; empty for all
	after    bool                  // of a fence: it is asked first, and only what waits is closed
	told     map[string][]string   // instead of the declaration's
	keyless  bool                  // the answer does not tell our key; echoes say what it is about
	echoes   []echo
	list     *list
	original bool // it names the original by the provider's id
	stands   *node
}

// Load reads a declaration. Its error names everything that is wrong with it, each with its line.
func Load(raw []byte) (connector.Type, error) {
	d, err := load(raw)
	if err != nil {
		return connector.Type{}, err
	}
	return d.asType(), nil
}

func load(raw []byte) (*declaration, error) {
	n, err := parse(raw)
	if err != nil {
		return nil, err
	}
	r := &loader{d: &declaration{
		calls: map[string]*call{}, told: map[string][]string{}, declines: provider.Declines{}, methods: map[payment.Method]string{},
	}}
	r.file(n)
	if len(r.faults) > 0 {
		return nil, errors.Join(r.faults...)
	}
	return r.d, nil
}

// loader reads a file into a declaration.
type loader struct {
	reader
	d *declaration
}

func (r *loader) file(n *node) {
	first := map[string]func(*node){"settings": r.settings, "connector": r.name} // what others refer to
	rest := map[string]func(*node){
		"base":    func(n *node) { r.d.base = r.template(n, "base", onlySettings) },
		"headers": func(n *node) { r.d.headers = r.header(n, onlySettings) },
		"body":    r.body, "amounts": r.amounts, "methods": r.methods, "traits": r.traits, "calls": r.calls, "told": r.told,
		"answers": r.answers, "declines": r.codes, "notices": r.notice, "log": r.log,
	}
	if n.kind == '{' {
		for name, read := range first {
			if m := n.members[name]; m != nil {
				read(m)
			} else {
				r.faultf(n, "the file needs %q", name)
			}
			rest[name] = func(*node) {}
		}
		for _, name := range []string{"base", "methods", "calls", "told", "answers", "amounts"} {
			if n.members[name] == nil {
				r.faultf(n, "the file needs %q", name)
			}
		}
	}
	r.object(n, "the file", rest)
	if n.kind == '{' {
		r.whole(n)
	}
}

// whole checks what no part shows by itself.
func (r *loader) whole(n *node) {
	for _, name := range []string{callSale, callStatus} {
		if r.d.calls[name] == nil {
			r.faultf(n, "calls needs %q", name)
		}
	}
	if (r.d.calls[callCapture] == nil) != (r.d.calls[callHold] == nil) {
		r.faultf(n, "a hold and a capture come together")
	}
	for _, name := range []string{"id", "key", "amount", "currency"} {
		if len(r.d.told[name]) == 0 {
			r.faultf(n, "told needs %q", name)
		}
	}
	r.hidden(n)
	follows := slices.ContainsFunc([]string{callCapture, callVoid, callRefund, callPayout}, func(name string) bool { return r.d.calls[name] != nil })
	for _, u := range r.d.rules {
		if u.is == isNotFound && len(u.of) == 0 && follows {
			r.faultf(u.stands, "NOT_FOUND needs \"for\": the kinds of attempts that %s finds by our key; one that it cannot find would be taken for never made", callStatus)
		}
	}
	for _, c := range r.d.asks {
		if c.list != nil && len(c.of) == 0 && follows {
			r.faultf(c.stands, "%s with a list needs \"for\": the kinds of attempts that stand in it; one that never does would be taken for never made", callStatus)
		}
	}
	for name, c := range r.d.calls {
		if r.d.traits.Resend.Within > 0 && c.once == "" && !slices.Contains([]string{callStatus, callFence, callProbe, callPayout}, name) {
			r.faultf(n, "%s needs \"once\", the header with our key, because traits has resendSeconds", name)
		}
	}
}

func (r *loader) name(n *node) {
	if r.d.name = r.str(n, "connector"); !provider.Word(r.d.name, 32) {
		r.faultf(n, "connector is a name of letters, digits, underscores and hyphens")
	}
}

func (r *loader) settings(n *node) {
	r.each(n, "settings", func(name string, n *node) {
		s := connector.Setting{Name: name, Example: `"x"`}
		r.object(n, "a setting", map[string]func(*node){
			"needed":  func(n *node) { s.Needed = r.flag(n, "needed") },
			"shown":   func(n *node) { s.Shown = r.flag(n, "shown") },
			"example": func(n *node) { s.Example = `"` + r.str(n, "example") + `"` },
			"text":    func(n *node) { s.Text = r.str(n, "text") },
		})
		if name == timeoutSetting || !provider.Word(name, 32) {
			r.faultf(n, "%q is no name of a setting of a file", name)
		}
		r.d.settings = append(r.d.settings, s)
	})
}

func (r *loader) body(n *node) {
	switch r.str(n, "body") {
	case "form":
		r.d.form = true
	case "json":
	default:
		r.faultf(n, "body is json or form")
	}
}

func (r *loader) amounts(n *node) {
	currency := func(n *node, text string) money.Currency {
		c, err := money.ParseCurrency(text)
		if err != nil {
			r.faultf(n, "%q is no known currency", text)
		}
		return c
	}
	r.d.units.Of = map[money.Currency]provider.Unit{}
	r.object(n, "amounts", map[string]func(*node){
		"as": func(n *node) {
			switch r.str(n, "as") {
			case "decimal":
				r.d.decimal = true
			case "number":
			default:
				r.faultf(n, "as is number or decimal")
			}
		},
		"iso": func(n *node) { r.d.units.ISO = r.flag(n, "iso") },
		"digits": func(n *node) {
			r.each(n, "digits", func(name string, n *node) {
				r.d.units.Of[currency(n, name)] = r.unit(n, name)
			})
		},
		"most": func(n *node) { r.d.units.Most = uint64(r.number(n, "most", math.MaxInt)) },
		"currency": func(n *node) {
			if text := r.str(n, "currency"); text != "upper" && text != "lower" {
				r.faultf(n, "currency is upper or lower")
			} else {
				r.d.lower = text == "lower"
			}
		},
		"not": func(n *node) {
			for _, text := range r.strs(n, "not") {
				r.d.units.Not = append(r.d.units.Not, currency(n, text))
			}
		},
	})
}

// unit is how one currency is written: its decimals, or those with the step that numbers go by.
func (r *loader) unit(n *node, currency string) (u provider.Unit) {
	if n.kind != '{' {
		return provider.Unit{Digits: r.number(n, currency, 18)}
	}
	r.object(n, currency, map[string]func(*node){
		"digits": func(n *node) { u.Digits = r.number(n, "digits", 18) },
		"step":   func(n *node) { u.Step = uint64(r.number(n, "step", 1_000_000)) },
	})
	return u
}

func (r *loader) methods(n *node) {
	r.each(n, "methods", func(name string, n *node) {
		m := payment.Method(name)
		if !slices.Contains(payment.Methods(), m) {
			r.faultf(n, "%q is no payment method", name)
			return
		}
		r.d.traits.Methods = append(r.d.traits.Methods, m)
		r.d.methods[m] = r.str(n, name)
	})
}

func (r *loader) traits(n *node) {
	t := &r.d.traits
	seconds := func(name string, into *time.Duration) func(*node) {
		return func(n *node) { *into = time.Duration(r.number(n, name, 400*24*3600)) * time.Second }
	}
	r.object(n, "traits", map[string]func(*node){
		"recurring":          func(n *node) { t.Recurring = r.flag(n, "recurring") },
		"withoutCode":        func(n *node) { t.WithoutCode = r.flag(n, "withoutCode") },
		"keyLifeSeconds":     seconds("keyLifeSeconds", &t.KeyLife),
		"visibleSeconds":     seconds("visibleSeconds", &t.Visible),
		"maxInFlightSeconds": seconds("maxInFlightSeconds", &t.MaxInFlight),
		"resendSeconds":      seconds("resendSeconds", &t.Resend.Within),
	})
}
