package pix

import (
	"fmt"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/pix"
	"github.com/sluicepay/sluice/internal/provider"
)

// devolucao is what the connector reads of a return.
type devolucao struct {
	ID     string `json:"id"`
	RtrID  string `json:"rtrId"`
	Value  string `json:"valor"`
	Status string `json:"status"`
	Nature string `json:"natureza"`
}

// failures are the states of a return that was not done. The money is with the payee.
var failures = provider.Declines{"NAO_REALIZADO": {Code: payment.CodeAcquirer, Class: payment.ClassDeclinedHard}}

// returned is what the answer proves about the return with that id of a Pix.
func returned(res *outbound.Response, e2e, id string) (payment.Fact, error) {
	var d devolucao
	if err := provider.Read(res.Body, &d); err != nil {
		return payment.Fact{}, err //nolint:wrapcheck // by each caller
	}
	return d.fact(e2e, id)
}

func (d *devolucao) fact(e2e, id string) (payment.Fact, error) {
	amount, err := pix.Value(d.Value)
	switch {
	case d.ID != id:
		return payment.Fact{}, errOther
	case err != nil || !isScheme(d.RtrID):
		return payment.Fact{}, fmt.Errorf("%w: a return without its id or amount", provider.ErrAnswer)
	}
	var f payment.Fact
	switch d.Status {
	case "DEVOLVIDO":
		f.Class = payment.ClassApproved
	case "EM_PROCESSAMENTO":
		f.Class = payment.ClassWaiting
	case "NAO_REALIZADO":
		f = failures.Fact(d.Status)
	default:
		return payment.Fact{}, fmt.Errorf("%w: its status is none that was published", provider.ErrAnswer)
	}
	f.ProviderRef, f.Echoed = e2e+"-"+d.RtrID, money.Sum{Amount: amount, Currency: "BRL"}
	return f, nil
}
