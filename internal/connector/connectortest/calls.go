package connectortest

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

func settings(t *testing.T, s Suite) {
	p := s.Open(t)
	good := p.Settings(p.URL)
	config, err := s.Type.Parse(good)
	if err != nil {
		t.Fatal("the double's settings:", err)
	}
	if !slices.ContainsFunc(config.Addresses(), func(a string) bool { return strings.HasPrefix(a, p.URL) }) {
		t.Errorf("it calls the double at %s and lists %q", p.URL, config.Addresses())
	}
	text := strings.TrimSpace(string(good))
	first, _, _ := strings.Cut(text, ":")
	bad := map[string]string{
		"unknown name":  `{"noSuchSetting":1,` + text[1:],
		"name twice":    first + `:"x",` + text[1:],
		"trailing data": text + `{}`,
		"empty object":  `{}`,
		"null":          `null`,
		"list":          `[]`,
		"empty":         ``,
		"cut":           text[:len(text)-1],
	}
	for name, settings := range bad {
		_, err := s.Type.Parse(json.RawMessage(settings))
		if err == nil {
			t.Errorf("%s is accepted", name)
			continue
		}
		for _, secret := range p.Secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret", name)
			}
		}
	}
}

// answered makes the call without which nothing else can be judged.
func answered(t *testing.T, s Suite) {
	r := newRig(t, s)
	if fact, err := r.send(t, payment.AttemptDeposit, r.sale()); err != nil {
		t.Fatalf("GAP first sale: %s %v; the rest of the suite runs once there is an answer", fact.Class, err)
	}
}

// everyCall makes each kind of call, asks for it, and compares with the books.
func everyCall(t *testing.T, s Suite) {
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t, s)
			q := r.request(t, kind)
			before := r.p.Requests()
			answer, failed := r.send(t, kind, q)
			if n := r.p.Requests() - before; n != 1 {
				t.Errorf("%d requests for one call", n)
			}
			sent := r.done(t, kind, q, answer, failed)
			r.booked(t, q, movement(kind))
			asked, err := r.status(t, kind, q)
			if err != nil || asked.Class != payment.ClassApproved || asked.ProviderRef != sent.ProviderRef {
				t.Errorf("status: %+v, %v; want %s of %s", asked, err, payment.ClassApproved, sent.ProviderRef)
			}
			for _, f := range []payment.Fact{sent, asked} {
				if f.Echoed.Amount != q.Amount || f.Echoed.Currency != q.Currency {
					t.Errorf("told %s %s, want %s %s", f.Echoed.Amount, f.Echoed.Currency, q.Amount, q.Currency)
				}
			}
			r.booked(t, q, movement(kind))
		})
	}
}

// exactAmounts charges and gives back in currencies of 0, 2, 3 and 18 decimals.
func exactAmounts(t *testing.T, s Suite) {
	for _, c := range []struct{ amount, currency string }{
		{"1", "JPY"}, {"1234567", "JPY"}, {"1000", "UGX"}, {"18.99", "EUR"}, {"0.01", "BRL"}, {"1234567.89", "BRL"}, {"18.99", "GBP"}, {"0.1", "EUR"}, {"0.001", "KWD"},
		{"9.999", "KWD"}, {"0.000000000000000001", "ETH"}, {"12.345678901234567891", "ETH"},
	} {
		t.Run(c.amount+" "+c.currency, func(t *testing.T) {
			sum := money.Sum{Amount: money.MustParse(c.amount), Currency: money.Currency(c.currency)}
			if slices.Contains(s.Unsupported, sum.Currency) || slices.Contains(s.Inexpressible, sum) {
				t.Skip("the provider does not take ", c.currency)
			}
			r := newRig(t, s)
			q := r.sale()
			q.Amount, q.Currency = money.MustParse(c.amount), money.Currency(c.currency)
			fact, err := r.send(t, payment.AttemptDeposit, q)
			if errors.Is(err, connector.ErrIncomplete) {
				t.Fatalf("%v: where the provider does not take it, Suite.Unsupported or Suite.Inexpressible says so", err)
			}
			fact = r.done(t, payment.AttemptDeposit, q, fact, err)
			r.booked(t, q, Taken)
			if fact.Echoed.Amount != q.Amount || fact.Echoed.Currency != q.Currency {
				t.Errorf("told %s %s", fact.Echoed.Amount, fact.Echoed.Currency)
			}
		})
	}
}

// inexpressible amounts leave nothing behind: neither a request nor a doubt.
func inexpressible(t *testing.T, s Suite) {
	r := newRig(t, s)
	for _, sum := range s.Inexpressible {
		q := r.sale()
		q.Amount, q.Currency = sum.Amount, sum.Currency
		before := r.p.Requests()
		if fact, err := r.send(t, payment.AttemptDeposit, q); !errors.Is(err, connector.ErrIncomplete) {
			t.Errorf("%s: %+v, %v; want connector.ErrIncomplete", sum, fact, err)
		}
		if n := r.p.Requests() - before; n != 0 {
			t.Errorf("%s: %d requests", sum, n)
		}
		r.booked(t, q)
	}
}

func refusals(t *testing.T, s Suite) {
	r := newRig(t, s)
	t.Run("refused card", func(t *testing.T) {
		if r.p.Refused == nil {
			t.Skip("no such card")
		}
		q := r.sale()
		q.Means = r.p.Refused.Clone()
		fact, err := r.send(t, payment.AttemptDeposit, q)
		declined := fact.Class == payment.ClassDeclinedSoft || fact.Class == payment.ClassDeclinedHard
		if err != nil || !declined || fact.Code == "" || fact.RawCode == "" {
			t.Errorf("%+v, %v; want a decline with both codes", fact, err)
		}
		again, err := r.status(t, payment.AttemptDeposit, q)
		if err != nil || again.Class != fact.Class || again.Code != fact.Code {
			t.Errorf("status: %+v, %v; want as before: %+v", again, err, fact)
		}
		r.booked(t, q)
	})
	t.Run("unmapped code", func(t *testing.T) {
		r.strike(t, CallStart, Fault{Kind: FaultDecline, Code: s.Unmapped})
		q := r.sale()
		fact, err := r.send(t, payment.AttemptDeposit, q)
		if s.UnmappedClass == payment.ClassUnknown {
			if !unknown(fact, err) {
				t.Errorf("%+v, %v; want UNKNOWN", fact, err)
			}
		} else if err != nil || fact.Class != s.UnmappedClass || fact.RawCode != s.Unmapped {
			t.Errorf("%+v, %v; want %s with code %s", fact, err, s.UnmappedClass, s.Unmapped)
		}
		r.booked(t, q)
	})
}

func publishedCodes(t *testing.T, s Suite) {
	r := newRig(t, s)
	for _, code := range s.Codes {
		q := r.sale()
		r.strike(t, CallStart, Fault{Kind: FaultDecline, Code: code})
		fact, err := r.send(t, payment.AttemptDeposit, q)
		declined := fact.Class == payment.ClassDeclinedSoft || fact.Class == payment.ClassDeclinedHard
		if err != nil || !declined || fact.RawCode != code || fact.Code == "" || fact.Code == payment.CodeAcquirerUnmapped {
			t.Errorf("%s: %+v, %v; want a decline with a code of ours", code, fact, err)
		}
		r.booked(t, q)
	}
}

func recurring(t *testing.T, s Suite) {
	r := newRig(t, s)
	if !r.c.Traits().Recurring {
		t.Skip("the connector has no recurring charges")
	}
	q := r.sale()
	if fact := r.must(t, payment.AttemptDeposit, q); fact.Credential != "" {
		t.Error("a credential that nobody asked for")
	}
	first := r.sale()
	first.StartRecurring = true
	credential := r.must(t, payment.AttemptDeposit, first).Credential
	if credential == "" {
		t.Fatal("no credential")
	}
	r.secrets = append(slices.Clip(r.secrets), `"`+credential+`"`, `\"`+credential+`\"`)
	asked, err := r.status(t, payment.AttemptDeposit, first)
	if err != nil || asked.Credential != credential {
		t.Errorf("status tells another credential, or none: %v", err)
	}
	next := r.sale()
	next.Means, next.ReturnURL = &instrument.Credential{Handle: credential}, ""
	r.must(t, payment.AttemptDeposit, next)
	r.booked(t, next, Taken)
}

func sameKey(t *testing.T, s Suite) {
	if s.But.Repeats {
		t.Skip("the provider carries out what comes twice twice")
	}
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig(t, s)
			q := r.request(t, kind)
			card := q.Means
			for i := range 3 {
				q.Means = instrument.Clone(card)
				if i == 0 || !s.But.Unique || kind != payment.AttemptDeposit {
					r.must(t, kind, q)
				} else if fact, err := r.send(t, kind, q); !unknown(fact, err) {
					t.Errorf("the key comes again: %+v, %v; want UNKNOWN", fact, err)
				}
			}
			r.booked(t, q, movement(kind))
			if kind == payment.AttemptVoid {
				return // it has no content to change
			}
			other := q
			other.Means, other.Amount = instrument.Clone(card), money.MustParse("3.21")
			if fact, err := r.send(t, kind, other); err == nil && won(fact) && fact.Echoed.Amount == other.Amount {
				t.Errorf("the key was used for other content: %+v", fact)
			}
			r.booked(t, q, movement(kind))
		})
	}
}

func sameKeyAtOnce(t *testing.T, s Suite) {
	r := newRig(t, s)
	shared := r.sale()
	var all sync.WaitGroup
	for range 16 {
		own, copied := r.sale(), shared
		copied.Means = instrument.Clone(shared.Means)
		if s.But.Repeats {
			copied = r.sale()
		}
		all.Go(func() {
			fact, err := r.send(t, payment.AttemptDeposit, copied)
			waits := s.But.Waits && err == nil && fact.Class == payment.ClassWaiting
			if (err != nil || !won(fact)) && !waits && !(s.But.Busy && r.open(payment.AttemptDeposit, fact, err)) {
				t.Errorf("shared key: %+v, %v", fact, err)
			}
			fact, err = r.send(t, payment.AttemptDeposit, own)
			if fact, err = r.arrived(t, payment.AttemptDeposit, own, fact, err); err != nil || !won(fact) {
				t.Errorf("own key: %+v, %v", fact, err)
			}
			r.booked(t, own, Taken)
		})
	}
	all.Wait()
	if s.But.Repeats {
		return
	}
	r.pay(t, payment.AttemptDeposit, shared)
	r.booked(t, shared, Taken)
}

func won(f payment.Fact) bool {
	return f.Class == payment.ClassApproved || f.Class == payment.ClassAuthorized
}
