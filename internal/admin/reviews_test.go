package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/risk"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit"
)

// reviewing runs a test on both databases, at a desk where payments of 70 and more are reviewed for as many hours.
func reviewing(t *testing.T, test func(*counter)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		clock := testkit.SlowClock(20)
		app := testkit.New(t, d.Open(func(o *store.Options) { o.Now = clock.Now }), testkit.Options{Clock: clock, Screen: func(f *risk.Facts) (payment.Verdict, error) {
			text, _, _ := strings.Cut(f.Payment.Asked.Amount.String(), ".")
			hours, err := time.ParseDuration(text + "h")
			if err != nil || hours < 70*time.Hour {
				return payment.Verdict{}, err
			}
			return payment.Verdict{
				Kind: payment.VerdictReview, Code: "6.21", Reason: "a large amount", Until: f.Now.Add(hours), PassAfter: hours > 80*time.Hour,
			}, nil
		}})
		test(&counter{t, app, app.Desk, app.NewShop(t, nil)})
	})
}

// TestReviewsAreListedAndJudged: by what is over first, with why; and whoever judged is on record, with a reason that no
// merchant sees.
func TestReviewsAreListedAndJudged(t *testing.T) {
	t.Parallel()
	reviewing(t, func(c *counter) {
		later, first, sold := c.deposit("90.00", false), c.deposit("70.00", false), c.deposit("10.00", false)
		stranger := c.app.NewShop(t, nil)
		for of, want := range map[string]int{"": 2, string(c.shop.ID): 2, string(stranger.ID): 0} {
			l, err := admin.OpListReviews.Do(c.Context(), c.desk, admin.ListReviews{Shop: of, Limit: 10})
			if err != nil || len(l.Items) != want {
				c.Fatalf("of %q: %+v, %v", of, l, err)
			}
			if want > 0 && (l.Items[0].ID != first || l.Items[1].ID != later) {
				c.Errorf("of %q: %+v", of, l.Items)
			}
		}
		l, err := admin.OpListReviews.Do(c.Context(), c.desk, admin.ListReviews{Limit: 1})
		if err != nil || !l.More || len(l.Items) != 1 {
			c.Fatalf("%+v, %v", l, err)
		}
		if r := l.Items[0]; r.Shop != c.shop.ID || r.Then != "stop" || r.Code != "6.21" || r.Reason != "a large amount" || r.Until.Sub(r.Since) < 69*time.Hour ||
			!strings.Contains(string(r.Payment), `"state":"PENDING"`) || strings.Contains(string(r.Payment), "large") {
			c.Errorf("%+v", r)
		}
		shown, err := admin.OpShowPayment.Do(c.Context(), c.desk, admin.ShowPayment{OfPayment: c.act(later, "").OfPayment})
		if err != nil || shown.Screening == nil || !shown.Screening.Open || shown.Screening.Then != "pass" || shown.Screening.Verdict != "REVIEW" {
			c.Errorf("%+v, %v", shown.Screening, err)
		}
		if shown, err = admin.OpShowPayment.Do(c.Context(), c.desk, admin.ShowPayment{OfPayment: c.act(sold, "").OfPayment}); err != nil || shown.Screening != nil {
			c.Errorf("%+v, %v", shown.Screening, err)
		}

		judge := func(id payment.ID, verdict string) admin.JudgePayment {
			return admin.JudgePayment{OfPayment: c.act(id, "").OfPayment, Verdict: verdict, Reason: "known for years", By: "ann"}
		}
		j, err := admin.OpJudgePayment.Do(c.Context(), c.desk, judge(first, "pass"))
		if err != nil || !j.Done || !strings.Contains(string(j.Payment), `"state":"COMPLETED"`) || strings.Contains(string(j.Payment), "years") {
			c.Fatalf("%+v, %v", j, err)
		}
		stop := judge(later, "stop")
		stop.Code = "6.02"
		if j, err = admin.OpJudgePayment.Do(c.Context(), c.desk, stop); err != nil || !j.Done || !strings.Contains(string(j.Payment), `"errorCode":"6.02"`) {
			c.Fatalf("%+v, %v", j, err)
		}
		for id, what := range map[payment.ID]string{first: "PASS", later: "STOP"} {
			shown, err := admin.OpShowPayment.Do(c.Context(), c.desk, admin.ShowPayment{OfPayment: c.act(id, "").OfPayment})
			if err != nil || len(shown.ByHand) != 1 || shown.ByHand[0].What != what || shown.ByHand[0].By != "ann" || shown.ByHand[0].Reason != "known for years" ||
				shown.Screening.Open || shown.Screening.Passed != (what == "PASS") || shown.Screening.ByClock {
				c.Errorf("%+v, %+v, %v", shown.ByHand, shown.Screening, err)
			}
			for _, o := range shown.Operations {
				if strings.Contains(string(o), "years") || strings.Contains(string(o), "large") {
					c.Errorf("the log that merchants see tells why: %s", o)
				}
			}
		}
		if l, err := admin.OpListReviews.Do(c.Context(), c.desk, admin.ListReviews{Limit: 10}); err != nil || len(l.Items) != 0 {
			c.Errorf("%+v, %v", l, err)
		}
	})
}

// TestVerdictsThatAreNotTaken: each is refused with what is wrong, and changes nothing.
func TestVerdictsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	reviewing(t, func(c *counter) {
		reviewed, sold := c.deposit("70.00", false), c.deposit("10.00", false)
		fine := admin.JudgePayment{OfPayment: c.act(reviewed, "").OfPayment, Verdict: "pass", Reason: "r", By: "ann"}
		for words, edit := range map[string]func(*admin.JudgePayment){
			"neither pass nor stop": func(j *admin.JudgePayment) { j.Verdict = "PASS" },
			"has none":              func(j *admin.JudgePayment) { j.Code = "6.00" },
			"no error code":         func(j *admin.JudgePayment) { j.Verdict, j.Code = "stop", "6.99" },
			"needs a reason":        func(j *admin.JudgePayment) { j.Reason = "\t" },
			"and a name":            func(j *admin.JudgePayment) { j.By = "" },
			"must be text":          func(j *admin.JudgePayment) { j.Reason = strings.Repeat("x", 1001) },
			"not in review":         func(j *admin.JudgePayment) { j.Payment = string(sold) },
			"has no payment":        func(j *admin.JudgePayment) { j.Payment = "01a2259fa9e573288929068074129ec1" },
			"no shop":               func(j *admin.JudgePayment) { j.Shop = "01a2259fa9e573288929068074129ec1" },
		} {
			j := fine
			edit(&j)
			if _, err := admin.OpJudgePayment.Do(c.Context(), c.desk, j); err == nil || !strings.Contains(err.Error(), words) {
				c.Errorf("%q: %v", words, err)
			}
		}
		if _, err := admin.OpListReviews.Do(c.Context(), c.desk, admin.ListReviews{}); err == nil {
			c.Error("no limit is taken")
		}
		if _, err := admin.OpListReviews.Do(c.Context(), c.desk, admin.ListReviews{Shop: "nonsense", Limit: 1}); err == nil {
			c.Error("an unknown shop is taken")
		}
		l, err := admin.OpListReviews.Do(c.Context(), c.desk, admin.ListReviews{Limit: 10})
		if err != nil || len(l.Items) != 1 {
			c.Errorf("%+v, %v", l, err)
		}
		updates, err := admin.OpListUpdates.Do(c.Context(), c.desk, admin.ListUpdates{OfShop: admin.OfShop{Shop: string(c.shop.ID)}, All: true, Limit: 10})
		if err != nil || len(updates.Items) != 0 {
			c.Errorf("on record: %+v, %v", updates, err)
		}
	})
}
