package simulator

import (
	"encoding/base64"
	"slices"
)

// wallets are the methods by which a card comes out of a customer's telephone. A request that has no card leads to a page, as for the
// others.
var wallets = []string{"GOOGLEPAY", "APPLEPAY"}

// checkWallet reads a card that comes from a wallet: it is charged like a card.
func (c *command) checkWallet() *apiError {
	if slices.Contains(wallets, c.method) && c.card != nil {
		c.method, c.wallet = methodCard, c.method
		if c.card.SecurityCode != "" {
			return invalidField("card.securityCode", "not a field of cards from wallets")
		}
		if c.store {
			return invalidField("storeCredential", "not a field of cards from wallets")
		}
	}
	d := c.device
	if d == nil {
		return nil
	}
	if c.wallet == "" {
		return invalidField("networkToken", "goes with a card, and with the methods GOOGLEPAY and APPLEPAY")
	}
	proof, err := base64.StdEncoding.DecodeString(d.Cryptogram)
	if err != nil || len(proof) < 8 || len(proof) > 64 {
		return invalidField("networkToken.cryptogram", "8 to 64 bytes in base64")
	}
	if d.ECI != "" && (len(d.ECI) != 2 || !digits(d.ECI)) {
		return invalidField("networkToken.eci", "two digits, or absent")
	}
	return nil
}

// inHand is how the card behaves that the request brings: whoever used a device has been authenticated by it.
func (c *command) inHand(card testCard) testCard {
	if c.device == nil {
		return card
	}
	if card.needsSCA {
		card.code = codeApproved
	}
	card.challenge, card.device, card.auth, card.exempt, card.acs = false, false, "", "", ""
	return card
}
