package checkout

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/sluicepay/sluice/internal/limit"
	"github.com/sluicepay/sluice/internal/payment"
)

// Forms that may be on their way at a time. A browser sends the whole form at once, so that an honest one is here for
// moments; whoever sends it in drops is here until the server's patience ends. Both bounds are below the memory of all
// bodies of pages (bodyOwner), and a form counts only once its payment is known to be there.
const (
	// mostFormsOfPayment serves a customer who clicks twice, in two tabs.
	mostFormsOfPayment = 4
	// mostFormsOfClient serves those who share an address, whichever pages they pay on. It is an eighth of the forms, at
	// their largest, for which pages have memory.
	mostFormsOfClient = 256
)

// errCrowded: too many forms for one payment, or from one address, are on their way.
var errCrowded = errors.New("too many forms at a time")

// crowd is what forms are on their way.
type crowd struct {
	payments *limit.Each[payment.ID]
	clients  *limit.Each[netip.Addr]
}

func newCrowd() crowd {
	return crowd{payments: limit.NewEach[payment.ID](mostFormsOfPayment), clients: limit.NewEach[netip.Addr](mostFormsOfClient)}
}

// enter takes the place of one form; leave gives it back. Of an address that stands for no client only the payment counts.
func (c *crowd) enter(id payment.ID, client netip.Addr) (leave func(), err error) {
	if !c.payments.Take(id) {
		return nil, errCrowded
	}
	counts := client.IsValid()
	if counts && !c.clients.Take(client) {
		c.payments.Give(id)
		return nil, errCrowded
	}
	return func() {
		c.payments.Give(id)
		if counts {
			c.clients.Give(client)
		}
	}, nil
}

// takeForm reads the form of a visit. Beside the errors of readForm it returns errCrowded.
func (g *Pages) takeForm(w http.ResponseWriter, r *http.Request, v *visit) (url.Values, error) {
	client, _ := clientOf(r, g.trusted)
	leave, err := g.crowd.enter(v.payment.ID, client)
	if err != nil {
		return nil, err
	}
	defer leave()
	return readForm(w, r)
}
