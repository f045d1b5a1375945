package connector

import (
	"errors"
	"fmt"

	"github.com/sluicepay/sluice/internal/nextstep"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/pix"
)

// errUnfit: a provider gave a code that no customer is shown. The answer proves nothing.
var errUnfit = errors.New("the code that the provider gave cannot be shown")

// codes reads the codes of each form, for what the attempt is about.
var codes = map[nextstep.CodeForm]func(text string, p *payment.Payment) error{nextstep.BRCode: brCode}

// UnfitToShow says what is wrong with the code of a fact, if it has one: a customer who pays by a code pays whatever stands in it.
func UnfitToShow(p *payment.Payment, f *payment.Fact) error {
	read := codes[p.Method.Spec().Code]
	if f.Next.Kind != payment.NextCode || read == nil {
		return nil
	}
	if err := read(f.Next.Code, p); err != nil {
		return fmt.Errorf("%w: %w", errUnfit, err)
	}
	return nil
}

// brCode takes codes by the rules of the central bank. Where the amount stands in one it is the payment's; in others it stands
// at the address that they name.
func brCode(text string, p *payment.Payment) error {
	code, err := pix.Parse(text)
	if err != nil {
		return err
	}
	if asked := p.Moves().Amount; !code.Amount.IsZero() && code.Amount != asked {
		return pix.Amount
	}
	return nil
}
