package gateway_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
)

// lengthen gives a payment's log so many entries.
func (c *client) lengthen(t testing.TB, id payment.ID, entries int) {
	t.Helper()
	err := c.app.DB.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Payments().Get(c.shop.ID, id)
		if err != nil {
			return err
		}
		at, version, first := p.Mark(tx.Now()), p.Version+1, p.Ops+1
		p.Ops = entries
		tx.Payments().Update(&p)
		for seq := first; seq <= entries; seq++ {
			tx.Operations().Insert(&p, &payment.Operation{Seq: seq, Kind: payment.OpCheckState, Started: at, Completed: at, State: p.State(),
				Began: version, Ended: version})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOperationsAreBounded: a log is whole up to 1,000 entries; of a longer one the newest are shown, and a header says how
// many there are.
func TestOperationsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		c := newClient(t, d, relaxed)
		var made struct{ Result struct{ ID string } }
		a := c.post(t, "", `{"paymentType":"WITHDRAWAL","amount":5,"currency":"EUR","card":{"cardNumber":"4000000000000408","cardholderName":"J D",`+
			`"expiryMonth":"12","expiryYear":"2099"}}`, 200)
		decode(t, a.body, &made)
		path := "/" + made.Result.ID + "/operations"
		shows := func(query, total string, first, last int) {
			t.Helper()
			a := c.get(t, path+query, 200)
			var body struct{ Result []struct{ ID int } }
			decode(t, a.body, &body)
			var want, got []int
			for id := first; id >= last && id > 0; id-- {
				want = append(want, id)
			}
			for _, o := range body.Result {
				got = append(got, o.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
			if got := a.header.Get("Operations-Total"); got != total {
				t.Errorf("%s: Operations-Total %q, want %q", query, got, total)
			}
		}
		c.lengthen(t, payment.ID(made.Result.ID), 1000)
		shows("", "", 1000, 1)
		c.lengthen(t, payment.ID(made.Result.ID), 1500)
		shows("", "1500", 1500, 501)
		shows("?offset=1000", "1500", 500, 1)
		shows("?limit=2", "1500", 1500, 1499)
		shows("?limit=3&offset=1498", "1500", 2, 1)
		shows("?offset=1500&limit=&unknown=1", "1500", 0, 0)
		for query, want := range map[string][]string{
			"?limit=0":              {"Min limit"},
			"?limit=1001&offset=-1": {"Max limit", "Min offset"},
			"?offset=1000001":       {"Max offset"},
			"?limit=ten":            {"typeMismatch limit"},
			"?limit=1&limit=2":      {"typeMismatch limit"},
		} {
			a := c.do(t, request{method: http.MethodGet, path: payments + path + query})
			if diff := cmp.Diff(want, faultsOf(t, a)); a.status != http.StatusBadRequest || diff != "" {
				t.Errorf("%s: %d (-want +got):\n%s", query, a.status, diff)
			}
		}
		c.get(t, fmt.Sprintf("/%032d", 0)+"/operations?limit=1", 404)
	})
}
