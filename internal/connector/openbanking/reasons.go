package openbanking

import (
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const hard = payment.ClassDeclinedHard

// reasons is what the codes mean by which banks refuse payments: those of ISO 20022's ExternalStatusReason1Code that a payment by its payer can
// meet. None is worth another try of the same: the customer has to agree anew.
var reasons = provider.Declines{
	"AC01": {Code: "4.03", Class: hard},
	"AC02": {Code: "4.03", Class: hard},
	"AC03": {Code: "4.03", Class: hard, Advice: provider.AdviceSettings},
	"AC04": {Code: "4.03", Class: hard},
	"AC06": {Code: "4.03", Class: hard},
	"AG01": {Code: "4.10", Class: hard},
	"AG03": {Code: "4.10", Class: hard},
	"AM02": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"AM03": {Code: payment.CodeInvalidCurrency, Class: hard, Advice: provider.AdviceSettings},
	"AM04": {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"AM05": {Code: payment.CodeDuplicate, Class: hard},
	"AM09": {Code: payment.CodeInvalidAmount, Class: hard},
	"AM12": {Code: payment.CodeInvalidAmount, Class: hard},
	"AM14": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"AM21": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"BE01": {Code: "4.03", Class: hard, Advice: provider.AdviceSettings},
	"CUST": {Code: payment.CodeByCustomer, Class: hard},
	"DS02": {Code: payment.CodeByCustomer, Class: hard},
	"DT01": {Code: payment.CodeAcquirerRequest, Class: hard},
	"DUPL": {Code: payment.CodeDuplicate, Class: hard},
	"FF01": {Code: payment.CodeAcquirerRequest, Class: hard},
	"FOCR": {Code: payment.CodeAcquirer, Class: hard},
	"FRAD": {Code: "3.01", Class: hard, Advice: provider.AdviceNever},
	"MS02": {Code: payment.CodeAcquirer, Class: hard},
	"MS03": {Code: payment.CodeAcquirer, Class: hard},
	"NOAS": {Code: payment.CodeAbandoned, Class: hard},
	"RR04": {Code: "4.10", Class: hard},
	"TM01": {Code: "3.04", Class: hard, Advice: provider.AdviceLater},
}
