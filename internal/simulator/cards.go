package simulator

import (
	"strings"
	"time"
)

// testCard is one published card: whether it asks for 3-D Secure, what the
// authentication says and what the issuer answers afterwards.
type testCard struct {
	number    string
	challenge bool   // asks for 3-D Secure by itself
	device    bool   // and wants to see the device first
	acs       string // result of what it asks for: "" means Y; U is an unable ACS
	auth      string // result where it does not ask; empty where 3-D Secure is left alone
	exempt    string // why nobody was asked
	code      string // issuer answer
	needsSCA  bool   // code applies only while the customer was not authenticated
	mitCode   string // issuer answer to later charges of the stored credential
	note      string
}

// testCards is the published card table. A Luhn-valid number that is not here
// is authorised without 3-D Secure.
var testCards = []testCard{
	{number: "4000000000000002", challenge: true, code: codeApproved, note: "3DS, authorised"},
	{number: "4242424242424242", challenge: true, code: "05", note: "3DS, then declined"},
	{number: "4000000000000408", code: codeApproved, note: "authorised"},
	{number: "4000000000000416", code: "05", note: "do not honour"},
	{number: "5555000000000008", challenge: true, code: codeApproved, note: "3DS, authorised"},
	{number: "5555000000000438", challenge: true, code: "05", note: "3DS, then declined"},
	{number: "5555000000000107", code: codeApproved, note: "authorised"},
	{number: "5555000000000115", code: "05", note: "do not honour"},
	{number: "4000000000003220", challenge: true, code: codeApproved, note: "3DS, authorised"},
	{number: "4000008260003178", challenge: true, code: "51", note: "3DS, then insufficient funds"},
	{number: "4000008400001280", challenge: true, acs: "U", code: codeApproved, note: "3DS fails technically"},
	{number: "4000000000300014", auth: authYes, code: codeApproved, note: "3DS without a challenge, authorised"},
	{number: "4000000000300022", auth: authAttempted, code: codeApproved, note: "3DS attempted, the issuer takes no part, authorised"},
	{number: "4000000000300030", auth: authNo, code: codeApproved, note: "3DS fails without a challenge, declined with code `T01`"},
	{number: "4000000000300048", auth: authRejected, code: codeApproved, note: "3DS rejected by the issuer, declined with code `T04`"},
	{number: "4000000000300055", auth: authUnavailable, code: codeApproved, note: "3DS not available, authorised without"},
	{number: "4000000000300063", auth: authInformed, exempt: "tra", code: codeApproved, note: "3DS exempted after risk analysis, authorised"},
	{number: "4000000000300071", challenge: true, device: true, code: codeApproved, note: "3DS with a look at the device before the challenge, authorised"},
	{number: "4000000000300089", challenge: true, acs: authAttempted, code: codeApproved, note: "3DS challenge that ends as attempted, authorised"},
	{number: "4000000000300097", challenge: true, acs: authTimesOut, code: codeApproved, note: "3DS challenge that ends too late, declined with code `T02`"},
	{number: "5555000000300010", auth: authYes, code: codeApproved, note: "3DS without a challenge, authorised"},
	{number: "5555000000300028", auth: authAttempted, code: codeApproved, note: "3DS attempted, the issuer takes no part, authorised"},
	{number: "4000000000000341", code: codeApproved, mitCode: "R1", note: "authorised; later charges of its credential are refused"},
	{number: "4000000000650004", code: "65", needsSCA: true, note: "authentication required, authorised after 3DS"},
	{number: "4000002500003155", code: "1A", needsSCA: true, note: "authentication required, authorised after 3DS"},
	{number: "4000000000009995", code: "51", note: "insufficient funds"},
	{number: "4000000000009987", code: "41", note: "lost card"},
	{number: "4000000000009979", code: "43", note: "stolen card"},
	{number: "4000000000000069", code: "54", note: "expired card"},
	{number: "4000000000000127", code: "82", note: "wrong security code"},
	{number: "4000000000000119", code: "96", note: "issuer malfunction"},
	{number: "4000000000040008", code: "04", note: "pick up"},
	{number: "4000000000140006", code: "14", note: "no such card"},
	{number: "4000000000190001", code: "19", note: "enter again"},
	{number: "4000000000570004", code: "57", note: "not permitted to the cardholder"},
	{number: "4000000000590002", code: "59", note: "suspected fraud"},
	{number: "4000000000610008", code: "61", note: "over the card's amount limit"},
	{number: "4000000000620007", code: "62", note: "restricted card"},
	{number: "4000000000910002", code: "91", note: "issuer unreachable"},
}

// faultCardPrefix, then 00NN, three zeros and the check digit, is a card that
// meets fault NN of the fault table.
const faultCardPrefix = "40000066"

func findTestCard(number string) testCard {
	for _, c := range testCards {
		if c.number == number {
			return c
		}
	}
	return testCard{number: number, code: codeApproved}
}

// cardView is all that outlives a request of a card: first six, last four.
type cardView struct {
	Brand         string `json:"brand"`
	First6        string `json:"first6"`
	Last4         string `json:"last4"`
	ExpiryMonth   int    `json:"expiryMonth"`
	ExpiryYear    int    `json:"expiryYear"`
	IssuerCountry string `json:"issuerCountry"`
}

// masked is the card as ledgers and logs show it.
func (c *cardView) masked() string {
	if c == nil {
		return ""
	}
	return c.First6 + "******" + c.Last4
}

func viewCard(number string, month, year int) *cardView {
	return &cardView{
		Brand: brandOf(number), First6: number[:6], Last4: number[len(number)-4:],
		ExpiryMonth: month, ExpiryYear: year, IssuerCountry: countryOf(number),
	}
}

func brandOf(number string) string {
	switch {
	case strings.HasPrefix(number, "4"):
		return "VISA"
	case number >= "51" && number < "56", number >= "2221" && number < "2721":
		return "MASTERCARD"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "AMEX"
	case number >= "2200" && number < "2205":
		return "MIR"
	}
	return "UNKNOWN"
}

// countryOf is invented but stable, so that rules on the issuer's country can
// be tried: 400000826 and 400000840 read as their ISO numbers.
func countryOf(number string) string {
	switch number[6:9] {
	case "826":
		return "GB"
	case "840":
		return "US"
	case "250":
		return "FR"
	}
	return "DE"
}

// luhnValid tells whether the digits end in their Luhn check digit.
func luhnValid(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

// expired tells whether the card's last month is over everywhere on earth: a
// card is good to the end of its month in the last time zone, UTC-12.
func expired(month, year int, now time.Time) bool {
	end := time.Date(year, time.Month(month)+1, 1, 12, 0, 0, 0, time.UTC)
	return !now.Before(end)
}
