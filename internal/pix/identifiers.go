package pix

import (
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/document"
	"github.com/sluicepay/sluice/internal/money"
)

// KeyKind is what a key is.
type KeyKind string

// The kinds of keys.
const (
	KeyRandom KeyKind = "EVP"
	KeyPhone  KeyKind = "PHONE"
	KeyEmail  KeyKind = "EMAIL"
	KeyCPF    KeyKind = "CPF"
	KeyCNPJ   KeyKind = "CNPJ"
)

// KindOf tells what a key is by its form: a random one is a UUID, a telephone begins with +, and documents have right check
// digits and no separators. The error is BadKey.
func KindOf(key string) (KeyKind, error) {
	switch {
	case len(key) > MostKey:
	case strings.HasPrefix(key, "+"):
		if n := key[1:]; len(n) >= 8 && len(n) <= 15 && isDigits(n) && n[0] != '0' {
			return KeyPhone, nil
		}
	case strings.Contains(key, "@"):
		if isEmail(key) {
			return KeyEmail, nil
		}
	case isUUID(key):
		return KeyRandom, nil
	case isDocument("BR_CPF", key):
		return KeyCPF, nil
	case isDocument("BR_CNPJ", key):
		return KeyCNPJ, nil
	}
	return "", refuse(BadKey)
}

// isDocument takes a number only as it is stored.
func isDocument(kind, number string) bool {
	r, err := document.Check(kind, number)
	return err == nil && r.Number == number
}

func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (text[i] == '-') || !hyphen && !isHex(text[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isEmail(text string) bool {
	local, domain, _ := strings.Cut(text, "@")
	if local == "" || !strings.Contains(domain, ".") {
		return false
	}
	for _, c := range []byte(local) {
		if !isAlphanumeric(c) && !strings.ContainsRune(".!#$&'*+/=?^_`{|}~-", rune(c)) {
			return false
		}
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.Trim(label, "-") != label || strings.ContainsFunc(label, func(r rune) bool { return r != '-' && (r > '~' || !isAlphanumeric(byte(r))) }) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isID(text string, from, to int) bool {
	if len(text) < from || len(text) > to {
		return false
	}
	for i := range len(text) {
		if !isAlphanumeric(text[i]) {
			return false
		}
	}
	return true
}

// IsChargeID reports whether a text can name a charge at a provider: 26 to 35 letters and digits.
func IsChargeID(text string) bool { return isID(text, 26, 35) }

// IsCodeID reports whether a text can be the transaction id of a static code.
func IsCodeID(text string) bool { return text == NoID || isID(text, 1, mostOfAnID) }

// IsReceivedID reports whether a text can be the transaction id of a PIX that was received, whoever began it.
func IsReceivedID(text string) bool { return isID(text, 1, 35) }

// ID is what a PIX, or its return, is known by at all banks.
type ID struct {
	ISPB string    // the payer's bank, eight letters and digits
	At   time.Time // to the minute, in UTC
}

// ParseEndToEndID reads the id of a PIX: E, the bank, the minute, and eleven letters and digits.
func ParseEndToEndID(text string) (ID, error) { return parseID(text, 'E') }

// ParseReturnID reads the id of a return, which has the same form and begins with D.
func ParseReturnID(text string) (ID, error) { return parseID(text, 'D') }

func parseID(text string, kind byte) (ID, error) {
	if !isID(text, 32, 32) || text[0] != kind || text[1:9] != strings.ToUpper(text[1:9]) {
		return ID{}, refuse(EndToEnd)
	}
	at, err := time.Parse("200601021504", text[9:21])
	if err != nil {
		return ID{}, refuse(EndToEnd)
	}
	return ID{ISPB: text[1:9], At: at}, nil
}

// Value reads the sum of an ordinary charge: up to ten digits, a point and two decimals, and more than nothing. The error is
// Amount.
func Value(text string) (money.Amount, error) {
	if !isValue(text) {
		return money.Amount{}, refuse(Amount)
	}
	amount, err := money.Parse(text)
	if err != nil || amount.IsZero() {
		return money.Amount{}, refuse(Amount)
	}
	return amount, nil
}

func isValue(text string) bool {
	whole, decimals, ok := strings.Cut(text, ".")
	return ok && len(whole) >= 1 && len(whole) <= 10 && len(decimals) == 2 && isDigits(whole+decimals)
}

// plainLetters are those of Portuguese and its neighbours.
var plainLetters = strings.NewReplacer(
	"á", "a", "à", "a", "â", "a", "ã", "a", "ä", "a", "Á", "A", "À", "A", "Â", "A", "Ã", "A", "Ä", "A",
	"é", "e", "è", "e", "ê", "e", "ë", "e", "É", "E", "È", "E", "Ê", "E", "Ë", "E", "í", "i", "ì", "i", "î", "i", "ï", "i", "Í", "I", "Ì", "I", "Î", "I", "Ï", "I",
	"ó", "o", "ò", "o", "ô", "o", "õ", "o", "ö", "o", "Ó", "O", "Ò", "O", "Ô", "O", "Õ", "O", "Ö", "O",
	"ú", "u", "ù", "u", "û", "u", "ü", "u", "Ú", "U", "Ù", "U", "Û", "U", "Ü", "U", "ç", "c", "Ç", "C", "ñ", "n", "Ñ", "N", "\u00a0", " ",
)

// Plain is a name or a city in the letters that a code can hold, as São Paulo is Sao Paulo. False says that it has others.
func Plain(text string) (string, bool) {
	out := plainLetters.Replace(text)
	return out, isPlain(out)
}
