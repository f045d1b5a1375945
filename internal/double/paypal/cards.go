package paypal

import "strings"

// source is what an order is paid with.
type source struct {
	kind        string // card, blik or empty
	brand, last string
	name        string
	outcome     string // the processor's code of a refusal; empty where the card pays
	challenged  bool   // its holder is asked first
	vaulted     string // under which it was kept
}

// challengedCard is asked for a code: of PayPal's samples for 3-D Secure.
const challengedCard = "4868719460707704"

// triggers are PayPal's published names on a card by which its sandbox refuses
// (https://developer.paypal.com/tools/sandbox/card-testing/).
var triggers = map[string]string{
	"CCREJECT-SF": "9500", "CCREJECT-EC": "5400", "CCREJECT-IRC": "5180", "CCREJECT-IF": "5120", "CCREJECT-LS": "9520",
	"CCREJECT-IA": "1330", "CCREJECT-BANK_ERROR": "5100", "CCREJECT-CVV_F": "00N7", "CCREJECT-REFUSED": "0500",
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if n < 0 || n > 9 {
			return false
		}
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return len(number) >= 13 && len(number) <= 19 && sum%10 == 0
}

func brandOf(number string) string {
	switch {
	case strings.HasPrefix(number, "4"):
		return "VISA"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "AMEX"
	case strings.HasPrefix(number, "5"), strings.HasPrefix(number, "2"):
		return "MASTERCARD"
	}
	return "DISCOVER"
}

// cardRequest is the published card_request, as far as it is needed.
type cardRequest struct {
	Number  string `json:"number"`
	Expiry  string `json:"expiry"`
	Code    string `json:"security_code"`
	Name    string `json:"name"`
	VaultID string `json:"vault_id"`
	Address *struct {
		Line1   string `json:"address_line_1"`
		Line2   string `json:"address_line_2"`
		City    string `json:"admin_area_2"`
		State   string `json:"admin_area_1"`
		Postal  string `json:"postal_code"`
		Country string `json:"country_code"`
	} `json:"billing_address"`
	Attributes *struct {
		Verification *struct {
			Method string `json:"method"`
		} `json:"verification"`
		Vault *struct {
			Store string `json:"store_in_vault"`
		} `json:"vault"`
	} `json:"attributes"`
	Stored *struct {
		Initiator string `json:"payment_initiator"`
		Type      string `json:"payment_type"`
		Usage     string `json:"usage"`
	} `json:"stored_credential"`
	Experience experience `json:"experience_context"`
}

// experience says where the payer comes back to.
type experience struct {
	Return     string `json:"return_url"`
	Cancel     string `json:"cancel_url"`
	Shipping   string `json:"shipping_preference"`
	ConsumerIP string `json:"consumer_ip"`
	Agent      string `json:"consumer_user_agent"`
	Locale     string `json:"locale"`
}

type blikRequest struct {
	Name       string     `json:"name"`
	Country    string     `json:"country_code"`
	Email      string     `json:"email"`
	Experience experience `json:"experience_context"`
	Level0     *struct {
		Code string `json:"auth_code"`
	} `json:"level_0"`
}

// card is the source that the request names, or the issue for which it is refused.
func (d *Double) card(r *cardRequest) (s source, issue string) {
	if r.VaultID != "" {
		kept, known := d.vault[r.VaultID]
		switch {
		case !known:
			return s, "TOKEN_ID_NOT_FOUND"
		case r.Number != "" || r.Code != "":
			return s, "MERCHANT_INITIATED_WITH_SECURITY_CODE"
		case r.Stored == nil || r.Stored.Initiator != "MERCHANT":
			return s, "REQUIRED_PARAMETER_FOR_CUSTOMER_INITIATED_PAYMENT"
		}
		kept.challenged = false
		return kept, ""
	}
	switch {
	case r.Number == "":
		return s, "CARD_NUMBER_REQUIRED"
	case r.Expiry == "":
		return s, "CARD_EXPIRY_REQUIRED"
	case !luhn(r.Number):
		return s, "VALIDATION_ERROR"
	case r.Expiry < d.c.Now().UTC().Format("2006-01"):
		return s, "CARD_EXPIRED"
	case r.Code != "" && (len(r.Code) == 4) != (brandOf(r.Number) == "AMEX"):
		return s, "INVALID_SECURITY_CODE_LENGTH"
	}
	s = source{kind: "card", brand: brandOf(r.Number), last: r.Number[len(r.Number)-4:], name: r.Name, outcome: triggers[r.Name], challenged: r.Number == challengedCard}
	if r.Attributes != nil && r.Attributes.Vault != nil && r.Attributes.Vault.Store == "ON_SUCCESS" {
		s.vaulted = strings.ToLower(d.name())
	}
	return s, ""
}
