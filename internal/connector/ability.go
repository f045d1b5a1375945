package connector

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

// Setting is one member of a terminal's settings.
type Setting struct {
	Name    string
	Needed  bool   // settings without it are refused
	Shown   bool   // operators may be shown its value; all others are taken for secrets
	Example string // a value of its form, as JSON
	Text    string // what it is, for people
}

// Shown names the settings whose values operators may be shown.
func (t Type) Shown() (names []string) {
	for _, s := range t.Settings {
		if s.Shown {
			names = append(names, s.Name)
		}
	}
	return names
}

// Sample is settings of a terminal of that type with everything that is needed, by which nobody can be called.
func (t Type) Sample() json.RawMessage {
	var members []string
	for _, s := range t.Settings {
		if s.Needed {
			members = append(members, fmt.Sprintf("%q:%s", s.Name, s.Example))
		}
	}
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
}

// Abilities is what a type of connector can do, as its code says it.
type Abilities struct {
	Name    string           `json:"name"`
	Methods []payment.Method `json:"methods"`

	Hold      bool `json:"hold"`
	Capture   bool `json:"capture"`
	Void      bool `json:"void"`
	Refund    bool `json:"refund"`
	Payout    bool `json:"payout"`
	Recurring bool `json:"recurring"`
	Verify    bool `json:"verify"`
	Banks     bool `json:"banks"`  // it lists banks for the customer to choose from
	Notice    bool `json:"notice"` // the provider tells by itself

	// What becomes of a call without an answer: whether it can be asked about by our key, how long an answer "not found" may be wrong,
	// and whether an attempt can be closed.
	Ask     bool `json:"ask"`
	Visible int  `json:"visibleSeconds"`
	Close   bool `json:"close"`
}

// Can tells what connectors of the type can do, by one that is opened with its sample and calls nobody.
func (t Type) Can() (Abilities, error) {
	config, err := t.Parse(t.Sample())
	if err != nil {
		return Abilities{}, fmt.Errorf("sample settings of %s: %w", t.Name, err)
	}
	never := func() time.Time { return time.Time{} }
	client := outbound.New(outbound.Options{Now: never})
	defer client.CloseIdle()
	c, err := config.Open(Deps{Client: client, Now: never})
	if err != nil {
		return Abilities{}, fmt.Errorf("open %s: %w", t.Name, err)
	}
	traits := c.Traits()
	a := Abilities{
		Name: t.Name, Methods: traits.Methods, Hold: traits.PreAuth, Recurring: traits.Recurring, Ask: !traits.NoAskByKey && !traits.ByName && !traits.Told, Visible: int(traits.Visible.Seconds()),
	}
	_, a.Capture = As[Capturer](c)
	_, a.Void = As[Voider](c)
	_, a.Refund = As[Refunder](c)
	_, a.Payout = As[Payer](c)
	_, a.Verify = As[Verifier](c)
	_, a.Banks = As[Chooser](c)
	_, a.Notice = As[Notifier](c)
	_, a.Close = As[Fencer](c)
	return a, nil
}
