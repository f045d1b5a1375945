package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/rescue"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
)

const (
	mostLookedAt = 200 // attempts among which witnesses are looked for
	mostAsked    = 3   // of them, about which the provider is asked
)

// errOtherAccount says that by new settings of a terminal nobody knows its payments.
var errOtherAccount = errors.New("these settings are of another account, so nothing was changed: by them the provider knows none of the payments " +
	"that this terminal has sent it. What is open would end as DECLINED although it may be paid, and nothing could be captured, voided or given back. " +
	"Make another terminal and disable this one; --other-account takes the settings all the same")

// sameAccount refuses settings by which the provider does not know what the terminal has sent it: another account can neither
// tell about open payments nor give settled ones back.
func (d *Desk) sameAccount(ctx context.Context, sid shop.ID, t *shop.Terminal) error {
	latest, err := view(ctx, d, func(tx *store.Tx) ([]payment.Attempt, error) {
		return tx.Attempts().Latest(sid, t.ID, mostLookedAt)
	})
	if err != nil {
		return err
	}
	asked := witnesses(latest)
	if len(asked) == 0 {
		return nil
	}
	conn, err := d.openConnector(t.Connector, t.Config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	for i := range asked {
		var fact payment.Fact
		err := rescue.Call(func() (err error) {
			fact, err = conn.Status(ctx, connector.RefOf(&asked[i]))
			return err
		})
		if err != nil {
			return fmt.Errorf("the provider does not tell whether these settings are of the same account, so nothing was changed: %w; "+
				"--no-trial leaves the question out", err)
		}
		if !fact.NotFound { // an account is the same for all
			return nil
		}
	}
	return errOtherAccount
}

// witnesses are attempts that the terminal's own account knows: first those of which the provider has told its id, then those
// that may have reached it.
func witnesses(latest []payment.Attempt) []payment.Attempt {
	var sure, perhaps []payment.Attempt
	for i := range latest {
		switch a := &latest[i]; {
		case a.ProviderRef != "":
			sure = append(sure, *a)
		case a.Class != payment.ClassNotSent && a.Class != payment.ClassUnsent && a.Class != payment.ClassRejected:
			perhaps = append(perhaps, *a)
		}
	}
	all := slices.Concat(sure, perhaps)
	return all[:min(len(all), mostAsked)]
}
