package checkout

import "time"

// lasts says how long the customer has; empty where there is no end.
func (v *visit) lasts() string {
	until := v.payment.CheckoutUntil
	if until.IsZero() {
		return ""
	}
	minutes := int((until.Sub(v.now) + time.Minute - 1) / time.Minute)
	switch {
	case minutes <= 1:
		return v.words.LastsMinute
	case minutes <= 120:
		return v.words.count(&v.words.LastsMinutes, minutes, minutes)
	}
	return v.words.count(&v.words.LastsHours, minutes/60, minutes/60)
}
