package engine

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/sluicepay/sluice/internal/payment"
)

const checkoutMACSize = 16

// CheckoutURL is the address of a payment's hosted page. Its last part names shop and
// payment and proves, with 128 bits, that this installation issued it.
func (e *Engine) CheckoutURL(shop payment.ShopID, id payment.ID) string {
	return e.c.PublicURL + "/payment/" + e.checkoutToken(shop, id)
}

func (e *Engine) checkoutToken(shop payment.ShopID, id payment.ID) string {
	raw, err := hex.DecodeString(string(shop) + string(id))
	if err != nil { // ids are made by package id only
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(raw, e.c.Keys.CheckoutMAC(raw)[:checkoutMACSize]...))
}

// ParseCheckoutToken returns what the last part of a CheckoutURL names, or
// payment.ErrNotFound when this installation did not issue it.
func (e *Engine) ParseCheckoutToken(token string) (payment.ShopID, payment.ID, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// A decoder passes over line ends, by which an address would have any number of spellings.
	if err != nil || len(raw) != 32+checkoutMACSize || len(token) != base64.RawURLEncoding.EncodedLen(len(raw)) {
		return "", "", payment.ErrNotFound
	}
	if !hmac.Equal(raw[32:], e.c.Keys.CheckoutMAC(raw[:32])[:checkoutMACSize]) {
		return "", "", payment.ErrNotFound
	}
	return payment.ShopID(hex.EncodeToString(raw[:16])), payment.ID(hex.EncodeToString(raw[16:32])), nil
}

// SubmitNonce ties a form to the payment as it was when the form was shown, so that
// an old tab or a second click cannot submit again.
func (e *Engine) SubmitNonce(p *payment.Payment) string {
	data := []byte("submit\x00" + string(p.Shop) + string(p.ID) + "\x00" + string(p.State()))
	if p.Tries > 0 { // between tries
		data = strconv.AppendInt(append(data, 0), int64(p.Tries), 10)
	}
	if ended := p.Screened.Ended; !ended.IsZero() { // after a review, in which nothing need have been tried
		data = strconv.AppendInt(append(data, 0), ended.UnixMicro(), 10)
	}
	return base64.RawURLEncoding.EncodeToString(e.c.Keys.CheckoutMAC(data)[:checkoutMACSize])
}
