package velocity

import "github.com/sluicepay/sluice/internal/payment"

// OutcomeOf is what an attempt says about the card and who tried it, or zero.
func OutcomeOf(a *payment.Attempt) Outcome {
	switch a.Class {
	case payment.ClassApproved, payment.ClassAuthorized:
		return Approved
	case payment.ClassDeclinedSoft, payment.ClassDeclinedHard:
		if a.Code.Kind() == payment.Technical {
			return Failed
		}
		return Declined
	case payment.ClassRejected:
		return Failed
	case payment.ClassNotSent:
		return NotSent
	case payment.ClassWaiting:
		return Waiting
	default:
		return 0
	}
}
