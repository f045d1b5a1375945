package googlepay

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/wallet"
)

// longestID is how many characters a messageId has at most. Google's have 140; whoever remembers them needs a bound.
const longestID = 256

// payload is the content of a token. ECv1 has names of its own for a number of the device and its proof.
type payload struct {
	Expires string `json:"messageExpiration"`
	ID      string `json:"messageId"`
	Method  string `json:"paymentMethod"`
	Details struct {
		PAN        string `json:"pan"`
		DPAN       string `json:"dpan"`
		Month      int    `json:"expirationMonth"`
		Year       int    `json:"expirationYear"`
		Auth       string `json:"authMethod"`
		Cryptogram string `json:"cryptogram"`
		ECI        string `json:"eciIndicator"`
		OldProof   string `json:"3dsCryptogram"`
		OldECI     string `json:"3dsEciIndicator"`
		Assurance  struct {
			AccountVerified     bool `json:"accountVerified"`
			HolderAuthenticated bool `json:"cardHolderAuthenticated"`
		} `json:"assuranceDetails"`
	} `json:"paymentMethodDetails"`
}

// readPayload reads what was opened. That its time is over is said before anything else of a payload in its form.
func readPayload(plain []byte, v Version, now time.Time) (wallet.Opened, error) {
	refused := func(detail string) (wallet.Opened, error) {
		return wallet.Opened{}, wallet.Refuse(wallet.FaultPayload, detail)
	}
	var p payload
	if wallet.Decode(plain, &p) != nil {
		return refused("not the JSON of a payment")
	}
	end, ok := parseMillis(p.Expires)
	if !ok {
		return refused("messageExpiration is missing or no time")
	}
	if !end.After(now) {
		return wallet.Opened{}, wallet.Refuse(wallet.FaultMessageExpired, "the token's time is over")
	}
	if p.ID == "" || len(p.ID) > longestID {
		return refused("messageId is missing or too long")
	}
	o := wallet.Opened{
		ID: p.ID, Until: end,
		AccountVerified: p.Details.Assurance.AccountVerified, HolderAuthenticated: p.Details.Assurance.HolderAuthenticated,
	}
	number, proof, eci, ok := p.network(v)
	if !ok {
		return refused("not a card with a way of authentication that is known")
	}
	if proof != "" {
		o.Device, o.Cryptogram = true, proof
		if !wallet.Cryptogram(proof) {
			return refused("the cryptogram is none")
		}
		if o.ECI, ok = wallet.PadECI(eci); !ok {
			return refused("the ECI is none")
		}
	}
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		return refused("the number is not that of a card")
	}
	d := p.Details
	if d.Month < 1 || d.Month > 12 || d.Year < 2000 || d.Year > 9999 {
		pan.Wipe()
		return refused("the card's last month is none")
	}
	o.Card = &instrument.Card{Number: pan, ExpiryMonth: fmt.Sprintf("%02d", d.Month), ExpiryYear: strconv.Itoa(d.Year)}
	return o, nil
}

// network returns the number, and the proof and indicator where it is one of a device, which then are there.
func (p *payload) network(v Version) (number, proof, eci string, ok bool) {
	d := &p.Details
	switch {
	case v == ECv1 && p.Method == "TOKENIZED_CARD" && d.Auth == "3DS":
		return d.DPAN, d.OldProof, d.OldECI, d.OldProof != ""
	case v == ECv1 && p.Method == "CARD" && d.Auth == "":
		return d.PAN, "", "", true
	case v != ECv1 && p.Method == "CARD" && d.Auth == "CRYPTOGRAM_3DS":
		return d.PAN, d.Cryptogram, d.ECI, d.Cryptogram != ""
	case v != ECv1 && p.Method == "CARD" && d.Auth == "PAN_ONLY":
		return d.PAN, "", "", true
	}
	return "", "", "", false
}

// parseMillis reads milliseconds since 1970, which Google writes as text.
func parseMillis(text string) (time.Time, bool) {
	if len(text) > 15 { // 15 digits reach beyond the year 30000
		return time.Time{}, false
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return time.UnixMilli(int64(n)).UTC(), err == nil
}
