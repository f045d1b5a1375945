package yandexpay

import (
	"time"

	"github.com/sluicepay/sluice/internal/payment"
)

// subscriptionStatus is the state of a subscription.
type subscriptionStatus string

const (
	subscriptionNew       subscriptionStatus = "NEW"
	subscriptionActive    subscriptionStatus = "ACTIVE"
	subscriptionCancelled subscriptionStatus = "CANCELLED"
	subscriptionExpired   subscriptionStatus = "EXPIRED"
)

// subscriptionStatusOf tells how a subscription stands that began with the payment; stopped that it was cancelled.
func subscriptionStatusOf(p *payment.Payment, stopped bool) subscriptionStatus {
	switch s := p.State(); {
	case stopped:
		return subscriptionCancelled
	case p.RecurringToken != "":
		return subscriptionActive
	case s.Final() || s == payment.Authorized || !p.Abandoned.IsZero():
		return subscriptionExpired
	}
	return subscriptionNew
}

// nextWriteOff is when the merchant said that the next charge after now is due; zero where nothing is due. The engine
// charges nothing by itself.
func nextWriteOff(s *subscription, p *payment.Payment, now time.Time) time.Time {
	if p.RecurringToken == "" || s.Unit == "" || s.Count <= 0 {
		return time.Time{}
	}
	first := s.TrialEnd
	if first.IsZero() {
		first = s.after(p.Created, 1)
	}
	if now.Before(first) {
		return first
	}
	at := s.after(first, s.passed(now.Sub(first)))
	for n := s.passed(now.Sub(first)) + 1; !at.After(now); n++ {
		at = s.after(first, n)
	}
	return at
}

// passed is how many intervals have passed in the time: exactly for those of equal length, and a few less for months
// and years, whose lengths differ.
func (s *subscription) passed(d time.Duration) int {
	lengths := map[string]time.Duration{"SECOND": time.Second, "DAY": 24 * time.Hour, "WEEK": 7 * 24 * time.Hour, "YEAR": 366 * 24 * time.Hour}
	one, ok := lengths[s.Unit]
	if !ok {
		one = 31 * 24 * time.Hour
	}
	return int(d/one) / s.Count
}

// after is n intervals later. A month from the 31st ends with the shorter month.
func (s *subscription) after(t time.Time, n int) time.Time {
	n *= s.Count
	switch s.Unit {
	case "SECOND":
		return t.Add(time.Duration(n) * time.Second)
	case "DAY":
		return t.AddDate(0, 0, n)
	case "WEEK":
		return t.AddDate(0, 0, 7*n)
	case "YEAR":
		return addMonths(t, 12*n)
	}
	return addMonths(t, n)
}

func addMonths(t time.Time, n int) time.Time {
	moved := t.AddDate(0, n, 0)
	if moved.Day() != t.Day() {
		moved = moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}
