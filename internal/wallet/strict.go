package wallet

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
)

var errTooLarge = errors.New("larger than a token can be")

// DecodeExactly reads JSON into a struct: no name that it does not have, none twice or in another case, nothing after it.
func DecodeExactly(text []byte, into any) error {
	if len(text) > LargestToken {
		return errTooLarge
	}
	return json.Unmarshal(text, into, json.RejectUnknownMembers(true))
}

// Decode is DecodeExactly, but for names that the struct does not have, which are passed over.
func Decode(text []byte, into any) error {
	if len(text) > LargestToken {
		return errTooLarge
	}
	return json.Unmarshal(text, into)
}

// Base64 reads the standard alphabet with its padding, and nothing else: no line breaks, and no text that another reader would
// take for other bytes.
func Base64(text string) ([]byte, bool) {
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	return raw, err == nil
}

// Cryptogram reports whether a text can be one: base64 of the 20 or more bytes that schemes prove payments by.
func Cryptogram(text string) bool {
	raw, ok := Base64(text)
	return ok && len(raw) >= 16 && len(raw) <= 96
}

// PadECI is an electronic commerce indicator with its leading zero, which some wallets leave out; false where it is none.
func PadECI(text string) (string, bool) {
	if strings.Trim(text, "0123456789") != "" || len(text) > 2 {
		return "", false
	}
	if len(text) == 1 {
		return "0" + text, true
	}
	return text, true
}

// PastedBase64 is Base64 of a text that a person has pasted: with blanks and line breaks.
func PastedBase64(text string) ([]byte, bool) { return Base64(strings.Join(strings.Fields(text), "")) }
