package checkout

import (
	"encoding/json"
	"time"
)

// lasting says how long the customer has, now and later: the page goes on by itself.
type lasting struct {
	Text  string
	Left  int    // seconds
	Steps string // JSON: from so many minutes down another text, the last first
}

// lastsSteps are the minutes at which the page says something else.
var lastsSteps = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 75, 90, 105, 120}

// lasts is nil where there is no end.
func (v *visit) lasts() *lasting {
	until := v.payment.CheckoutUntil
	if until.IsZero() {
		return nil
	}
	left := until.Sub(v.now)
	minutes := int((left + time.Minute - 1) / time.Minute)
	steps := [][2]any{}
	for _, step := range lastsSteps {
		if step < minutes {
			steps = append(steps, [2]any{step, v.lastsFor(step)})
		}
	}
	l := &lasting{Text: v.lastsFor(minutes), Left: int(left / time.Second), Steps: "[]"}
	if raw, err := json.Marshal(steps); err == nil {
		l.Steps = string(raw)
	}
	return l
}

func (v *visit) lastsFor(minutes int) string {
	switch {
	case minutes <= 1:
		return v.words.LastsMinute
	case minutes <= 120:
		return v.words.count(&v.words.LastsMinutes, minutes, minutes)
	}
	return v.words.count(&v.words.LastsHours, minutes/60, minutes/60)
}
