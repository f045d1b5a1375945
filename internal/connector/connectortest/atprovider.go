package connectortest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// Sandbox is an account at a provider's own sandbox, with which money is moved that is none.
type Sandbox struct {
	Type     connector.Type
	Settings json.RawMessage // of a test account
	// Good is approved at once and Refused declined at once, by the provider's documentation; nil where it has no such card.
	Good, Refused *instrument.Card
	Sum           money.Sum
	// Record is a folder into which what was said is written, as the record of messages shows it; empty for none.
	Record string
	Guard  outbound.Guard
}

// Live makes one of each kind of call at the provider itself, and asks about each. It judges by what the provider answers, and has no
// books to look into.
func Live(t *testing.T, s Sandbox) {
	config, err := s.Type.Parse(s.Settings)
	if err != nil {
		t.Fatal("settings:", err)
	}
	client := outbound.New(outbound.Options{Now: time.Now, Loggable: s.Type.Loggable, Guard: s.Guard})
	t.Cleanup(client.CloseIdle)
	c, err := config.Open(connector.Deps{Client: client, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal("open:", err)
	}
	l := &live{s, c}
	if prober, ok := connector.As[connector.Prober](c); ok {
		if err := prober.Probe(t.Context()); err != nil {
			t.Fatal("the provider does not take the settings:", err)
		}
	}
	sale := l.sale(s.Good)
	paid := l.must(t, "sale", payment.AttemptDeposit, sale, payment.ClassApproved)
	if s.Refused != nil {
		refused := l.sale(s.Refused)
		fact := l.send(t, "refused sale", payment.AttemptDeposit, refused)
		if fact.Class != payment.ClassDeclinedHard && fact.Class != payment.ClassDeclinedSoft || fact.RawCode == "" {
			t.Errorf("refused sale: %+v; want a decline with the provider's code", fact)
		}
	}
	if _, ok := connector.As[connector.Refunder](c); ok {
		l.must(t, "refund", payment.AttemptRefund, l.follow(sale, paid), payment.ClassApproved)
	}
	if !c.Traits().PreAuth {
		return
	}
	for kind, able := range map[payment.AttemptKind]bool{payment.AttemptCapture: has[connector.Capturer](c), payment.AttemptVoid: has[connector.Voider](c)} {
		if able {
			hold := l.sale(s.Good)
			hold.PreAuth = true
			held := l.must(t, "hold", payment.AttemptDeposit, hold, payment.ClassAuthorized)
			l.must(t, strings.ToLower(string(kind)), kind, l.follow(hold, held), payment.ClassApproved)
		}
	}
}

func has[T any](c connector.Connector) bool {
	_, ok := connector.As[T](c)
	return ok
}

type live struct {
	Sandbox
	c connector.Connector
}

func (l *live) sale(card *instrument.Card) connector.Request {
	return connector.Request{
		Key: fmt.Sprintf("live-%s-1", strings.ToLower(rand.Text())), Amount: l.Sum.Amount, Currency: l.Sum.Currency, Method: payment.BasicCard,
		Means: card.Clone(), Description: "a test of the connector", ReturnURL: "https://shop.example/back",
	}
}

func (l *live) follow(q connector.Request, of payment.Fact) connector.Request {
	return connector.Request{
		Key: fmt.Sprintf("live-%s-2", strings.ToLower(rand.Text())), Amount: q.Amount, Currency: q.Currency, Method: q.Method,
		Original: connector.Ref{Kind: payment.AttemptDeposit, Key: q.Key, ProviderRef: of.ProviderRef, Amount: q.Amount, Currency: q.Currency},
	}
}

// send makes a call and writes down what was said.
func (l *live) send(t *testing.T, what string, kind payment.AttemptKind, q connector.Request) payment.Fact {
	t.Helper()
	ctx, said := outbound.WithRecorder(t.Context())
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	fact, err := connector.Send(ctx, l.c, kind, q)
	if l.Record != "" {
		text := fmt.Sprintf("{\"outgoing\":%s,\n\"incoming\":%s}\n", said.Outgoing(), said.Incoming())
		err = errors.Join(err, os.WriteFile(filepath.Join(l.Record, strings.ReplaceAll(what, " ", "-")+".json"), []byte(text), 0o600))
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return fact
}

// must makes a call that has to end so, and asks about it.
func (l *live) must(t *testing.T, what string, kind payment.AttemptKind, q connector.Request, want payment.Class) payment.Fact {
	t.Helper()
	fact := l.send(t, what, kind, q)
	if fact.Class != want && fact.Class != payment.ClassWaiting { // some are decided later
		t.Fatalf("%s: %+v; want %s", what, fact, want)
	}
	ref := connector.Ref{
		Kind: kind, Key: q.Key, ProviderRef: fact.ProviderRef, Amount: q.Amount, Currency: q.Currency, Started: time.Now(),
		Of: connector.Original{Key: q.Original.Key, ProviderRef: q.Original.ProviderRef},
	}
	asked, err := l.c.Status(t.Context(), ref)
	if err != nil || asked.Class != fact.Class || asked.Echoed.Amount != q.Amount {
		t.Errorf("%s, asked about: %+v, %v; want %s of %s", what, asked, err, fact.Class, q.Amount)
	}
	return fact
}
