package connector_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
)

// silent is a provider of which nothing can be asked, and which is told what customers bring back.
type silent struct {
	traits connector.Traits
	asked  []string
}

func (s *silent) Traits() connector.Traits { return s.traits }

func (s *silent) Start(context.Context, connector.Request) (payment.Fact, error) {
	return payment.Fact{Class: payment.ClassWaiting}, nil
}

func (s *silent) Status(context.Context, connector.Ref) (payment.Fact, error) {
	s.asked = append(s.asked, "status")
	return payment.Fact{Class: payment.ClassApproved}, nil
}

func (s *silent) Resume(context.Context, connector.Ref, payment.Brought) (payment.Fact, error) {
	s.asked = append(s.asked, "resume")
	return payment.Fact{Class: payment.ClassApproved}, nil
}

// TestWhatACustomerBringsBackNamesTheAttempt: where the provider knows its own names only, and none was told yet, it can still be given that.
// A provider that only tells is never asked, whatever is known of it.
func TestWhatACustomerBringsBackNamesTheAttempt(t *testing.T) {
	brought := payment.Brought{Query: url.Values{"result": {"x"}}}
	for name, c := range map[string]struct {
		traits connector.Traits
		ref    string
		class  payment.Class
		back   payment.Brought
		want   string
	}{
		"by key":                          {connector.Traits{}, "", payment.ClassWaiting, payment.Brought{}, "status"},
		"by key, back":                    {connector.Traits{}, "", payment.ClassWaiting, brought, "resume"},
		"by its name":                     {connector.Traits{NoAskByKey: true}, "x", payment.ClassWaiting, payment.Brought{}, "status"},
		"without its name":                {connector.Traits{NoAskByKey: true}, "", payment.ClassWaiting, payment.Brought{}, ""},
		"without its name, back":          {connector.Traits{NoAskByKey: true}, "", payment.ClassWaiting, brought, "resume"},
		"without its name, ended":         {connector.Traits{NoAskByKey: true}, "", payment.ClassApproved, brought, ""},
		"told by notices":                 {connector.Traits{NoAskByKey: true, Told: true}, "x", payment.ClassWaiting, payment.Brought{}, ""},
		"told by notices, back":           {connector.Traits{NoAskByKey: true, Told: true}, "", payment.ClassWaiting, brought, "resume"},
		"told by notices, ended and back": {connector.Traits{NoAskByKey: true, Told: true}, "x", payment.ClassApproved, brought, ""},
	} {
		s := &silent{traits: c.traits}
		call := &payment.Call{Attempt: payment.Attempt{Class: c.class, ProviderRef: c.ref}}
		fact, err := connector.Ask(t.Context(), s, call, connector.Original{}, c.back)
		got := ""
		if len(s.asked) == 1 {
			got = s.asked[0]
		}
		if err != nil || got != c.want || len(s.asked) > 1 || c.want == "" && fact.Class != payment.ClassUnknown {
			t.Errorf("%s: asked %v, %+v, %v", name, s.asked, fact, err)
		}
	}
}
