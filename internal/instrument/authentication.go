package instrument

import (
	"encoding/json"
	"strings"
)

// Authentication is how the holder of a card was authenticated for one payment: what 3-D Secure 2 has told whoever asked. Fields
// that are not known are empty.
type Authentication struct {
	Result     AuthResult `json:"result"`
	Challenged bool       `json:"challenged,omitempty"` // the holder was asked for something; else it went without
	ECI        string     `json:"eci,omitempty"`        // how the scheme takes it: two characters
	Value      string     `json:"value,omitempty"`      // the proof for the issuer: 28 characters of base64
	Version    string     `json:"version,omitempty"`    // of the protocol, such as 2.2.0
	Exemption  string     `json:"exemption,omitempty"`  // why it was not asked for, such as tra
	ServerID   string     `json:"serverId,omitempty"`   // transaction ids: of who asked,
	SchemeID   string     `json:"schemeId,omitempty"`   // of the scheme's directory server
	IssuerID   string     `json:"issuerId,omitempty"`   // and of the issuer's server
}

// AuthResult is the transStatus of 3-D Secure 2.
type AuthResult string

// The results.
const (
	AuthYes         AuthResult = "Y" // authenticated
	AuthAttempted   AuthResult = "A" // the issuer could not, and the scheme stands in for that
	AuthNo          AuthResult = "N" // not authenticated
	AuthRejected    AuthResult = "R" // the issuer forbids even to try
	AuthUnavailable AuthResult = "U" // could not be asked
	AuthInformed    AuthResult = "I" // the issuer was told only; an exemption is asked for
)

// AuthResults lists every AuthResult.
func AuthResults() []AuthResult {
	return []AuthResult{AuthYes, AuthAttempted, AuthNo, AuthRejected, AuthUnavailable, AuthInformed}
}

// Shifts reports that whoever issued the card bears it where the payment turns out not to have been the holder's, by the
// indicator of the card's scheme. With an exemption that the provider took it never does.
func (a Authentication) Shifts(b Brand) bool {
	if a.Exemption != "" {
		return false
	}
	if b == BrandMastercard || b == BrandMaestro {
		return a.ECI == "01" || a.ECI == "02" || a.ECI == "07"
	}
	return a.ECI == "05" || a.ECI == "06"
}

// Proof is an Authentication as it is kept: JSON, or empty for none. It is no secret, and good for its payment only.
type Proof string

// Longest is how long each text of an authentication is at most; the protocol has none that is longer.
const longestAuthText = 64

// Proof writes it down. Texts that are not in their form are left out; without a result that there is, all are.
func (a Authentication) Proof() Proof {
	known := false
	for _, r := range AuthResults() {
		known = known || a.Result == r
	}
	if !known {
		return ""
	}
	for _, text := range []*string{&a.ECI, &a.Value, &a.Version, &a.Exemption, &a.ServerID, &a.SchemeID, &a.IssuerID} {
		if len(*text) > longestAuthText || strings.ContainsFunc(*text, func(r rune) bool { return r <= ' ' || r > '~' }) {
			*text = ""
		}
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return ""
	}
	return Proof(raw)
}

// Read returns what was written down; the zero value for none.
func (p Proof) Read() (a Authentication) {
	if p == "" || json.Unmarshal([]byte(p), &a) != nil {
		return Authentication{}
	}
	return a
}
