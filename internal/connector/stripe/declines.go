package stripe

import (
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// declines is what Stripe's decline codes mean (https://docs.stripe.com/declines/codes), and those codes of card errors that have no
// decline code (https://docs.stripe.com/error-codes).
var declines = provider.Declines{
	// the issuer says no and not why
	"call_issuer":             {Code: "4.00", Class: soft},
	"do_not_honor":            {Code: "4.02", Class: soft},
	"generic_decline":         {Code: "4.00", Class: soft},
	"no_action_taken":         {Code: "4.00", Class: soft},
	"card_declined":           {Code: "4.00", Class: soft},
	"not_permitted":           {Code: "4.10", Class: hard},
	"service_not_allowed":     {Code: "4.10", Class: hard},
	"transaction_not_allowed": {Code: "4.10", Class: hard},
	"duplicate_transaction":   {Code: "3.16", Class: hard},

	// it may work another time
	"approve_with_id":      {Code: "4.15", Class: soft, Advice: provider.AdviceLater},
	"issuer_not_available": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"processing_error":     {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"reenter_transaction":  {Code: "4.15", Class: soft, Advice: provider.AdviceLater},
	"try_again_later":      {Code: "4.15", Class: soft, Advice: provider.AdviceLater},

	// money
	"insufficient_funds":              {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"card_velocity_exceeded":          {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"withdrawal_count_limit_exceeded": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},

	// what was entered, or the card has changed
	"expired_card":                      {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"invalid_expiry_month":              {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"invalid_expiry_year":               {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"incorrect_cvc":                     {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"invalid_cvc":                       {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"incorrect_number":                  {Code: "4.13", Class: hard, Advice: provider.AdviceData},
	"invalid_number":                    {Code: "4.13", Class: hard, Advice: provider.AdviceData},
	"incorrect_zip":                     {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"incorrect_address":                 {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"postal_code_invalid":               {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"incorrect_pin":                     {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"invalid_pin":                       {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"pin_try_exceeded":                  {Code: "4.14", Class: hard, Advice: provider.AdviceData},
	"offline_pin_required":              {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"online_or_offline_pin_required":    {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"new_account_information_available": {Code: "4.03", Class: hard, Advice: provider.AdviceData},

	// the issuer wants its customer to be asked
	"authentication_required":               {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate},
	"authentication_not_handled":            {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate},
	"mobile_device_authentication_required": {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate},
	"payment_intent_authentication_failure": {Code: "5.00", Class: hard},
	"setup_intent_authentication_failure":   {Code: "5.00", Class: hard},

	// never again
	"do_not_try_again":                 {Code: "4.08", Class: hard, Advice: provider.AdviceNever},
	"fraudulent":                       {Code: "3.01", Class: hard, Advice: provider.AdviceNever},
	"merchant_blacklist":               {Code: "3.01", Class: hard, Advice: provider.AdviceNever},
	"security_violation":               {Code: "4.09", Class: hard, Advice: provider.AdviceNever},
	"invalid_account":                  {Code: "4.03", Class: hard, Advice: provider.AdviceNever},
	"lost_card":                        {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"pickup_card":                      {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"restricted_card":                  {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"stolen_card":                      {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"revocation_of_all_authorizations": {Code: "4.08", Class: hard, Advice: provider.AdviceNever, Ends: true},
	"revocation_of_authorization":      {Code: "4.08", Class: hard, Advice: provider.AdviceNever, Ends: true},
	"stop_payment_order":               {Code: "4.08", Class: hard, Advice: provider.AdviceNever, Ends: true},

	// the account is not made for it: another terminal may be
	"card_not_supported":     {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"currency_not_supported": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"invalid_amount":         {Code: "1.08", Class: hard, Advice: provider.AdviceSettings},
	"testmode_decline":       {Code: "3.02", Class: hard, Advice: provider.AdviceSettings},

	// by other means than cards (https://docs.stripe.com/error-codes)
	"payment_method_customer_decline":            {Code: "2.00", Class: hard},
	"payment_method_provider_decline":            {Code: "4.00", Class: hard},
	"payment_method_provider_timeout":            {Code: "3.04", Class: hard},
	"payment_intent_payment_attempt_expired":     {Code: "3.18", Class: hard},
	"payment_intent_payment_attempt_failed":      {Code: "3.00", Class: hard},
	"payment_method_not_available":               {Code: "3.31", Class: soft},
	"payment_intent_mandate_invalid":             {Code: payment.CodeNoRecurring, Class: hard},
	"payment_intent_incompatible_payment_method": {Code: "3.02", Class: hard},
}

// declined is the refusal that a payment's last error tells. What schemes and issuers advise goes before the code's own meaning where it is
// stricter: nobody tries again what they forbid.
func (e *failure) declined() payment.Fact {
	code := e.DeclineCode
	if code == "" {
		code = e.Code
	}
	f := declines.Fact(code)
	switch {
	case e.NetworkAdvice == "21": // every further charge is forbidden: of Mastercard's merchant advice codes
		f.Class, f.Revoked = hard, true
	case e.Advice == "do_not_try_again", e.Advice == "confirm_card_data", e.NetworkAdvice == "03", e.NetworkAdvice == "01":
		f.Class = hard
	}
	return f
}

// rejections maps Stripe's words for requests that it did not carry out (https://docs.stripe.com/error-codes).
var rejections = map[string]payment.ErrorCode{
	"amount_too_large":                     payment.CodeInvalidAmount,
	"amount_too_small":                     payment.CodeInvalidAmount,
	"invalid_charge_amount":                payment.CodeInvalidAmount,
	"charge_already_refunded":              payment.CodeWrongState,
	"charge_already_captured":              payment.CodeWrongState,
	"charge_disputed":                      "3.29",
	"charge_exceeds_source_limit":          "3.05",
	"charge_exceeds_transaction_limit":     "3.28",
	"charge_expired_for_capture":           payment.CodeWrongState,
	"capture_charge_authorization_expired": payment.CodeWrongState,
	"payment_intent_unexpected_state":      payment.CodeWrongState,
	"refund_disputed_payment":              "3.29",
	"resource_missing":                     payment.CodeNotFound,
	"rate_limit":                           "3.05",
	"lock_timeout":                         "3.05",
	"balance_insufficient":                 "1.10",
	"payment_method_unexpected_state":      payment.CodeNoRecurring,
	"country_unsupported":                  "3.08",
	"payment_method_currency_mismatch":     payment.CodeInvalidCurrency,
}

func (e *failure) rejection() payment.ErrorCode {
	if code, ok := rejections[e.Code]; ok {
		return code
	}
	switch e.Param {
	case "amount", "amount_to_capture":
		return payment.CodeInvalidAmount
	case "currency":
		return payment.CodeInvalidCurrency
	}
	return payment.CodeAcquirerRequest
}
