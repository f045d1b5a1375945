package app

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/adyen"
	"github.com/sluicepay/sluice/internal/connector/gateway"
	"github.com/sluicepay/sluice/internal/connector/openbanking"
	"github.com/sluicepay/sluice/internal/connector/paypal"
	"github.com/sluicepay/sluice/internal/connector/payu"
	"github.com/sluicepay/sluice/internal/connector/pix"
	"github.com/sluicepay/sluice/internal/connector/przelewy24"
	"github.com/sluicepay/sluice/internal/connector/sandbox"
	"github.com/sluicepay/sluice/internal/connector/stripe"
	"github.com/sluicepay/sluice/internal/connector/yandexpay"
	"github.com/sluicepay/sluice/internal/payment"
)

// connectors is the registry of provider adapters: one line a type.
func connectors() []connector.Type {
	return []connector.Type{
		sandbox.Type(),
		payu.Type(),
		przelewy24.Type(),
		stripe.Type(),
		pix.Type(),
		gateway.Type(),
		paypal.Type(),
		adyen.Type(),
		openbanking.Type(),
		yandexpay.Type(),
	}
}

// Connectors tells which providers there are and what each can do: those of the program, and those that the files of a folder declare.
func Connectors(declared string) ([]connector.Abilities, error) {
	types, err := connectorTypes(declared)
	if err != nil {
		return nil, err
	}
	var all []connector.Abilities
	for _, t := range types {
		a, err := t.Can()
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// ConnectorSettings are what an operator writes for a terminal of that connector; nil where there is none.
func ConnectorSettings(declared, name string) []connector.Setting {
	types, _ := connectorTypes(declared) // Connectors has told of the error
	for _, t := range types {
		if t.Name == name {
			return t.Settings
		}
	}
	return nil
}

// AbilityHeads are the heads of a table of connectors, and AbilityCells a row of it.
var AbilityHeads = []string{"connector", "methods", "payments", "more", "an outcome that got lost"}

// AbilityCells writes what a connector can do.
func AbilityCells(a *connector.Abilities) []string {
	return []string{
		a.Name, methods(a.Methods), words(word(true, "sale"), word(a.Hold, "hold"), word(a.Capture, "capture"), word(a.Void, "void"), word(a.Refund, "refund"), word(a.Payout, "payout")),
		words(word(a.Recurring, "recurring"), word(a.Verify, "verification"), word(a.Banks, "choice of banks"), word(a.Notice, "notices")), lost(a),
	}
}

// lost says how an outcome that got lost is learned.
func lost(a *connector.Abilities) string {
	said := "only a notice or a person"
	if a.Ask {
		said = "asked for by our key"
		if a.Visible > 0 {
			said += ", shown within " + brief(time.Duration(a.Visible)*time.Second)
		}
	}
	if a.Close {
		said += "; can be closed"
	}
	return said
}

// brief leaves out of a time what it has none of: 6h, 10m.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func methods(of []payment.Method) string {
	if len(of) == len(payment.Methods()) {
		return "all"
	}
	names := make([]string, len(of))
	for i, m := range of {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}

func word(is bool, text string) string {
	if !is {
		return ""
	}
	return text
}

// words joins those that are there.
func words(all ...string) string {
	var said []string
	for _, w := range all {
		if w != "" {
			said = append(said, w)
		}
	}
	return strings.Join(said, ", ")
}
