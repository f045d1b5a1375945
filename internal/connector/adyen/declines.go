package adyen

import (
	"strings"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// declines is what Adyen's refusalReasonCode means (https://docs.adyen.com/development-resources/refusal-reasons), and the words that BLIK
// refuses with.
var declines = provider.Declines{
	// the issuer says no and not why
	"2":  {Code: "4.00", Class: soft},
	"3":  {Code: "4.00", Class: soft},
	"10": {Code: "4.10", Class: hard},
	"23": {Code: "4.10", Class: hard},
	"27": {Code: "4.00", Class: soft},

	// it may work another time
	"4":  {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"9":  {Code: "3.31", Class: soft, Advice: provider.AdviceLater},
	"21": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"39": {Code: "5.02", Class: hard, Advice: provider.AdviceLater},

	// money
	"12": {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"28": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"29": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},

	// what was entered, or the card has changed
	"6":  {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"7":  {Code: "1.08", Class: hard, Advice: provider.AdviceData},
	"8":  {Code: "4.13", Class: hard, Advice: provider.AdviceData},
	"17": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"18": {Code: "4.14", Class: hard, Advice: provider.AdviceData},
	"19": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"24": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"32": {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"33": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"34": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"35": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"36": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"37": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"40": {Code: "4.00", Class: hard, Advice: provider.AdviceData},

	// the issuer wants its customer to be asked
	"11": {Code: "5.00", Class: hard, Advice: provider.AdviceAuthenticate},
	"38": {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate},
	"41": {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate},
	"42": {Code: "5.00", Class: hard, Advice: provider.AdviceAuthenticate},

	// the customer says no
	"15": {Code: payment.CodeByCustomer, Class: hard},
	"16": {Code: payment.CodeByCustomer, Class: hard},

	// never again
	"5":  {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"14": {Code: "3.01", Class: hard, Advice: provider.AdviceNever},
	"20": {Code: "3.01", Class: hard, Advice: provider.AdviceNever},
	"22": {Code: "3.01", Class: hard, Advice: provider.AdviceNever},
	"25": {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"26": {Code: "4.08", Class: hard, Advice: provider.AdviceNever, Ends: true},
	"31": {Code: "4.09", Class: hard, Advice: provider.AdviceNever},
	"46": {Code: "4.08", Class: hard, Advice: provider.AdviceNever},
	"50": {Code: payment.CodeNoRecurring, Class: hard, Advice: provider.AdviceNever},

	// of BLIK
	"ALIAS_DECLINED":     {Code: "4.00", Class: hard},
	"TAS_DECLINED":       {Code: "4.00", Class: hard},
	"USER_DECLINED":      {Code: payment.CodeByCustomer, Class: hard},
	"SEC_DECLINED":       {Code: "4.09", Class: hard},
	"SYSTEM_ERROR":       {Code: "3.03", Class: hard},
	"GENERAL_ERROR":      {Code: "3.03", Class: hard},
	"INSUFFICIENT_FUNDS": {Code: "4.01", Class: hard},
	"TIMEOUT":            {Code: payment.CodeAbandoned, Class: hard},
	"LIMIT_EXCEEDED":     {Code: "4.05", Class: hard},
	"USER_TIMEOUT":       {Code: payment.CodeAbandoned, Class: hard},
	"ISSUER_DECLINED":    {Code: "4.00", Class: hard},
}

// reasons are the published texts of the codes, as webhooks have them instead: compared by their letters and digits alone.
var reasons = map[string]string{
	"refused": "2", "referral": "3", "acquirererror": "4", "blockedcard": "5", "expiredcard": "6", "invalidamount": "7", "invalidcardnumber": "8",
	"issuerunavailable": "9", "notsupported": "10", "3dnotauthenticated": "11", "notenoughbalance": "12", "acquirerfraud": "14", "cancelled": "15",
	"shoppercancelled": "16", "invalidpin": "17", "pintriesexceeded": "18", "pinvalidationnotpossible": "19", "fraud": "20", "notsubmitted": "21",
	"fraudcancelled": "22", "transactionnotpermitted": "23", "cvcdeclined": "24", "restrictedcard": "25", "revocationofauth": "26",
	"declinednongeneric": "27", "withdrawalamountexceeded": "28", "withdrawalcountexceeded": "29", "issuersuspectedfraud": "31", "avsdeclined": "32",
	"cardrequiresonlinepin": "33", "nocheckingaccountavailableoncard": "34", "nosavingsaccountavailableoncard": "35", "mobilepinrequired": "36",
	"contactlessfallback": "37", "authenticationrequired": "38", "rreqnotreceivedfromds": "39", "currentaidisinpenaltybox": "40",
	"cvmrequiredrestartpayment": "41", "3dsauthenticationerror": "42", "transactionblockedbyadyentopreventexcessiveretryfees": "46", "invalidtoken": "50",
}

// codeOf is the code of a text, or nothing.
func codeOf(text string) string {
	if code := reasons[letters(text)]; code != "" {
		return code
	}
	if word := strings.TrimSpace(text); declines[word].Code != "" {
		return word
	}
	return ""
}

// letters are the letters and digits of a text.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(text))
}

// declined is a refusal with that code; result is what Adyen calls it besides. What the scheme advises goes before the code's own meaning
// where it is stricter: nobody tries again what it forbids.
func (m *more) declined(code, result string) payment.Fact {
	if declines[code].Code == "" && declines[m.Raw].Code != "" {
		code = m.Raw
	}
	f := declines.Fact(code)
	if result == "Cancelled" && declines[code].Code == "" {
		f.Code = payment.CodeByCustomer
	}
	switch strings.TrimSpace(strings.SplitN(m.Advice, ":", 2)[0]) {
	case "21": // every further charge is forbidden
		f.Class, f.Revoked = hard, true
	case "03", "01":
		f.Class = hard
	}
	return f
}
