package simulator

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/money"
)

// decimal is a money.Amount that travels as a JSON string of major units.
type decimal struct{ money.Amount }

// MarshalJSON writes the amount in quotes: "11.12".
func (d decimal) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 40), '"')
	return append(d.AppendTo(b), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote; a bare JSON number is an error.
func (d *decimal) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return fmt.Errorf("amount %.70q is not a JSON string", b)
	}
	a, err := money.Parse(string(b[1 : len(b)-1]))
	if err != nil {
		return err
	}
	d.Amount = a
	return nil
}

func (d decimal) more(than decimal) bool { return d.Cmp(than.Amount) > 0 }

// plus saturates never: both sides stem from validated requests, so a sum out
// of range means a broken ledger, and the books must stop rather than guess.
func (d decimal) plus(e decimal) decimal {
	sum, err := d.Add(e.Amount)
	if err != nil {
		panic("simulator: ledger sum: " + err.Error())
	}
	return decimal{sum}
}

// minus is for amounts that the books already hold, hence never negative.
func (d decimal) minus(e decimal) decimal {
	rest, err := d.Sub(e.Amount)
	if err != nil {
		panic("simulator: ledger difference: " + err.Error())
	}
	return decimal{rest}
}
