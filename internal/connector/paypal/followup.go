package paypal

import (
	"net/http"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

// follower is a capture, void or refund: its kind, its key and that of its deposit, which is empty where it is not known, and PayPal's id of
// what it is of.
type follower struct {
	kind        payment.AttemptKind
	key, of, id string
}

// followed is what a capture, void or refund is of: the authorization, or the capture that took the money; nil where there is none.
func (o *order) followed(kind payment.AttemptKind) *movement {
	paid := &o.Units[0].Payments
	from := paid.Authorizations
	if kind == payment.AttemptRefund {
		from = paid.Captures
	}
	if len(from) == 0 {
		return nil
	}
	if kind == payment.AttemptRefund {
		return best(from)
	}
	return &from[len(from)-1]
}

func (w follower) path() string {
	switch w.kind {
	case payment.AttemptVoid:
		return authorizationsPath + w.id + "/void"
	case payment.AttemptRefund:
		return capturesPath + w.id + "/refund"
	default:
		return authorizationsPath + w.id + "/capture"
	}
}

// judge reads the answer to it.
func (w follower) judge(res *outbound.Response) (payment.Fact, error) {
	if res.Status == http.StatusOK || res.Status == http.StatusCreated {
		var m movement
		if err := provider.Read(res.Body, &m); err != nil {
			return payment.Fact{}, err //nolint:wrapcheck // by the caller
		}
		if w.kind == payment.AttemptVoid && m.ID != w.id {
			return payment.Fact{}, errOther
		}
		f, err := w.fact(&m)
		if err == nil && f.Class == payment.ClassUnknown {
			err = errOther
		}
		return f, err
	}
	e := readFailure(res.Body)
	if w.kind == payment.AttemptCapture && res.Status == http.StatusUnprocessableEntity && (e.issue() == "AUTHORIZATION_VOIDED" || e.issue() == "AUTHORIZATION_EXPIRED") {
		return payment.Fact{Class: payment.ClassCancelled, Code: payment.CodeTimeout, RawCode: e.issue()}, nil
	}
	return refused(res)
}

// fact is what a movement proves about it. One that carries another key is none of ours; a void leaves no key, and a hold that is gone has been
// given back whoever did it. Where nothing of it is to be seen it was not found.
func (w follower) fact(m *movement) (payment.Fact, error) {
	unseen := payment.Fact{Class: payment.ClassUnknown, NotFound: true}
	if !provider.Word(m.ID, 36) {
		return payment.Fact{}, errOther
	}
	if w.kind == payment.AttemptVoid {
		if w.of != "" && m.Custom != w.of {
			return payment.Fact{}, errOther
		}
		sum, err := m.Amount.read()
		if err != nil {
			return payment.Fact{}, err
		}
		switch m.Status {
		case "VOIDED":
			return payment.Fact{Class: payment.ClassApproved, ProviderRef: m.ID, Echoed: sum}, nil
		case "CREATED", "CAPTURED", "PARTIALLY_CAPTURED", "PENDING", "DENIED":
			return unseen, nil
		}
		return payment.Fact{}, unpublished("authorization")
	}
	if m.Invoice != w.key {
		return unseen, nil
	}
	if w.kind == payment.AttemptCapture {
		f, err := m.sold()
		if err == nil && w.of != "" && m.Custom != w.of {
			err = errOther
		}
		return f, err
	}
	return m.returned()
}

// returned is what a refund proves.
func (m *movement) returned() (payment.Fact, error) {
	sum, err := m.Amount.read()
	if err != nil {
		return payment.Fact{}, err
	}
	f := payment.Fact{}
	switch m.Status {
	case "COMPLETED":
		f.Class = payment.ClassApproved
	case "PENDING":
		f.Class = payment.ClassWaiting
	case "FAILED":
		f = payment.Fact{Class: payment.ClassDeclinedHard, Code: payment.CodeAcquirer, RawCode: m.Status}
	case "CANCELLED":
		f = payment.Fact{Class: payment.ClassRejected, Code: payment.CodeAcquirer, RawCode: m.Status}
	default:
		return payment.Fact{}, unpublished("refund")
	}
	f.ProviderRef, f.Echoed = m.ID, sum
	return f, nil
}
