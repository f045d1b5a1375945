package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
)

// Results of 3-D Secure, as its transStatus says them.
const (
	authYes         = "Y"
	authAttempted   = "A" // the scheme stands in for an issuer that takes no part
	authNo          = "N"
	authRejected    = "R"
	authUnavailable = "U"
	authInformed    = "I" // the issuer was told only
)

// authTimesOut is no result: what the customer completes comes too late.
const authTimesOut = "T"

const threeDSVersion = "2.2.0"

// threeDSView is what the API shows of an authentication.
type threeDSView struct {
	Status    string `json:"status"`
	Flow      string `json:"flow"` // frictionless or challenge
	ECI       string `json:"eci,omitempty"`
	Value     string `json:"authenticationValue,omitempty"`
	Exemption string `json:"exemption,omitempty"`
	Version   string `json:"version"`
	ServerID  string `json:"threeDSServerTransID"`
	SchemeID  string `json:"dsTransID"`
	IssuerID  string `json:"acsTransID"`
}

// threeDS invents what the parties of an authentication would have said, the same each time.
func (t *tx) threeDS() *threeDSView {
	if t.Auth == "" {
		return nil
	}
	v := &threeDSView{
		Status: t.Auth, Flow: "frictionless", ECI: t.eci(), Exemption: t.Exemption, Version: threeDSVersion,
		ServerID: t.invented("server"), SchemeID: t.invented("ds"), IssuerID: t.invented("acs"),
	}
	if t.Challenged {
		v.Flow = "challenge"
	}
	if t.Auth == authYes || t.Auth == authAttempted {
		sum := sha256.Sum256([]byte("value " + t.ID))
		v.Value = base64.StdEncoding.EncodeToString(sum[:20])
	}
	return v
}

// eci is the indicator of the card's scheme.
func (t *tx) eci() string {
	codes := map[string]string{authYes: "05", authAttempted: "06"}
	other := "07"
	if t.Card != nil && t.Card.Brand == "MASTERCARD" {
		codes, other = map[string]string{authYes: "02", authAttempted: "01", authInformed: "06"}, "00"
	}
	if code := codes[t.Auth]; code != "" {
		return code
	}
	return other
}

// invented is an id in the form of a UUID.
func (t *tx) invented(whose string) string {
	sum := sha256.Sum256([]byte(whose + " " + t.ID))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// authenticated applies what the issuer says of the cardholder, and then what it says of the payment.
func (s *Simulator) authenticated(t *tx, result string) (o outcome, ends bool) {
	if result == authTimesOut {
		return verdict(codeAuthTimeout), true
	}
	t.Auth = result
	switch result {
	case authNo:
		return verdict(codeAuthFailed), true
	case authRejected:
		return verdict(codeAuthRejected), true
	}
	return outcome{}, false
}

// showDevice is what an issuer's frame shows while it looks at the device: nothing.
func (s *Simulator) showDevice(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'self'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><title>Your bank</title>") // the customer may be gone
}
