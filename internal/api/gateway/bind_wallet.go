package gateway

import (
	"encoding/hex"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/shop"
)

// What is said of tokens of wallets.
const (
	walletForm = "WalletToken" // the constraint of one that is not taken
	fieldToken = "token"
)

// walletMethods are those that are paid by a token of a wallet.
func walletMethods() []payment.Method {
	return payment.MethodsWith(func(s payment.MethodSpec) bool { return s.Means == instrument.KindWallet })
}

// walletField is the field in which the token of a wallet stands.
func walletField(m payment.Method) string {
	if m.Spec().Apple {
		return "applePay"
	}
	return "googlePay"
}

// walletIn is the wallet of which a request brings a token; empty for none.
func walletIn(doc *api.Value) payment.Method {
	for _, m := range walletMethods() {
		if v := doc.Get(walletField(m)); !v.Blank() && !v.Empty() {
			return m
		}
	}
	return ""
}

// wallet reads the token of a wallet: the object with it, or what the wallet itself calls its token, in JSON or as the text of that. What
// is in it, and whether it is one at all, is found out when it is opened.
func (b binder) wallet(s *shop.Shop) instrument.Means {
	m := walletIn(b.from)
	if m == "" {
		return nil
	}
	name := walletField(m)
	for _, other := range walletMethods() {
		if v := b.from.Get(walletField(other)); other != m && !v.Blank() && !v.Empty() {
			b.fault(walletField(other), pattern, "must not be given beside "+name)
			return nil
		}
	}
	if v := b.from.Get("card"); !v.Blank() && !v.Empty() {
		b.fault(name, pattern, "must not be given beside card")
		return nil
	}
	if !engine.OpensTokens(s, m) {
		b.fault(name, payment.CodeNotFound.Word(), "the shop has no account by which tokens of this wallet are opened")
		return nil
	}
	token := tokenText(b.from.Get(name))
	if token == nil {
		b.fault(name, mismatch, `must be an object with the wallet's token as "token"`)
		return nil
	}
	return &instrument.Wallet{Method: string(m), Token: token}
}

// tokenText is the token in a field, as JSON; nil where there is nothing that could be one.
func tokenText(v *api.Value) []byte {
	for _, within := range []string{fieldToken, "paymentData"} { // Apple's token has what is sealed as its paymentData
		if inner := v.Get(within); inner.Kind() != api.Absent {
			v = inner
		}
	}
	switch v.Kind() { //nolint:exhaustive // others are no tokens
	case api.String:
		return []byte(v.Text())
	case api.Object:
		return appendValue(nil, v)
	}
	return nil
}

// appendValue writes a value as it was read. Texts are what is signed, and come out as they were.
func appendValue(dst []byte, v *api.Value) []byte {
	switch v.Kind() {
	case api.String:
		dst, _ = jsontext.AppendQuote(dst, v.Text()) // it was read as UTF-8
	case api.Number:
		dst = append(dst, v.Text()...)
	case api.Bool:
		if v.True() {
			return append(dst, "true"...)
		}
		dst = append(dst, "false"...)
	case api.Absent:
		dst = append(dst, "null"...)
	case api.Object, api.Array:
		object := v.Kind() == api.Object
		dst = append(dst, map[bool]byte{true: '{', false: '['}[object])
		for i := range v.Members() {
			m := &v.Members()[i]
			if i > 0 {
				dst = append(dst, ',')
			}
			if object {
				dst, _ = jsontext.AppendQuote(dst, m.Name) // likewise
				dst = append(dst, ':')
			}
			dst = appendValue(dst, &m.Value)
		}
		dst = append(dst, map[bool]byte{true: '}', false: ']'}[object])
	}
	return dst
}

// canonicalWallet adds the token of a wallet, by a keyed hash.
func (g *Gateway) canonicalWallet(c *canonical, means instrument.Means) {
	if w, ok := means.(*instrument.Wallet); ok {
		c.add(walletField(payment.Method(w.Method)), hex.EncodeToString(g.engine.Fingerprint(w.Token)))
	}
}

// tokenFault is what is said of a token that is not taken.
func tokenFault(r *engine.TokenRefused) fault {
	return newFault(walletField(r.Method), walletForm, "must be a token of the wallet that is good for this payment: "+string(r.Fault))
}
