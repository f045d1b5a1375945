package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluicepay/sluice/internal/admin"
)

func TestAPlanIsExplained(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var b bytes.Buffer
	err := showExplained(&b, admin.PaymentExplained{Payment: "0190", State: "DECLINED", Route: []admin.RouteEntry{
		{At: at, Steps: []admin.RouteStep{
			{Rank: 1, Terminal: "main", Rule: "cheap", Why: "0.4 %"},
			{Rank: 2, Terminal: "spare", Rule: "cheap", After: []string{"DECLINED_SOFT"}},
		}, LeftOut: []admin.LeftOut{{Terminal: "pln", Text: "it does not take the currency"}}},
		{At: at, Attempt: 1, Outcome: "DECLINED_SOFT", Code: "4.02", Next: "spare"},
		{At: at, Attempt: 2, Outcome: "NOT_SENT", EndText: "no step that follows could be taken", Passed: []admin.LeftOut{{Terminal: "last", Text: "what the customer paid with is not at hand any more"}}},
		{At: at, NoRoute: "1.05", LeftOut: []admin.LeftOut{{Terminal: "main", Text: "it is switched off"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `0190 is DECLINED

Plan of 2026-01-02 03:04:05
RANK  TERMINAL  RULE   WHY                            TRIED
1     main      cheap  0.4 %                          at once
2     spare     cheap  –                              after DECLINED_SOFT
–     pln       –      it does not take the currency  not at all

At 2026-01-02 03:04:05 attempt 1 was refused (DECLINED_SOFT 4.02): spare followed.

At 2026-01-02 03:04:05 attempt 2 was refused (NOT_SENT): nothing followed, since no step that follows could be taken.
  last could not be tried: what the customer paid with is not at hand any more.

Plan of 2026-01-02 03:04:05: no terminal could take it (1.05)
RANK  TERMINAL  RULE  WHY                 TRIED
–     main      –     it is switched off  not at all
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
