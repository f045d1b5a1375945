package provider

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/id"
)

// Lengths of a short key. The first digits are the installation's and the payment's names, then comes the attempt's number, and the last
// one is a check, so that hardly any name of somebody else's is taken for one, and none of 32 characters.
const (
	named      = 31 // digits of 160 bits
	digits     = 36 // and small letters
	epochChars = 8
	mostNumber = digits*digits*digits - 1
)

// ShortKey is our key of an attempt, which has more than 40 characters, in 33 to 35 digits and small letters, for providers that take no
// other. It hides nothing and loses nothing: LongKey is its inverse. What is no key of ours is connector.ErrIncomplete.
func ShortKey(key string) (string, error) {
	epoch, rest, _ := strings.Cut(key, "-")
	pid, text, _ := strings.Cut(rest, "-")
	number, err := strconv.Atoi(text)
	n, ok := new(big.Int).SetString(epoch+pid, 16)
	if err != nil || !ok || number < 0 || number > mostNumber || len(epoch) != epochChars || !id.Valid(pid) || longKey(n, number) != key {
		return "", fmt.Errorf("%w: the key is none of ours", connector.ErrIncomplete)
	}
	short := n.Text(digits)
	short = strings.Repeat("0", named-len(short)) + short + strconv.FormatInt(int64(number), digits)
	return short + check(short), nil
}

// LongKey reads what ShortKey has written. It reports false for every other text.
func LongKey(short string) (key string, ok bool) {
	last := len(short) - 1
	if last <= named {
		return "", false
	}
	n, ok := new(big.Int).SetString(short[:named], digits)
	number, err := strconv.ParseInt(short[named:last], digits, 32)
	if !ok || err != nil || n.Sign() < 0 || n.BitLen() > 160 {
		return "", false
	}
	key = longKey(n, int(number))
	again, err := ShortKey(key)
	return key, err == nil && again == short
}

func longKey(n *big.Int, number int) string {
	both := fmt.Sprintf("%040x", n)
	return both[:epochChars] + "-" + both[epochChars:] + "-" + strconv.Itoa(number)
}

// check is one digit that depends on all others and on their order.
func check(short string) string {
	sum := 0
	for i := range len(short) {
		sum = sum*5 + int(short[i])
		sum %= digits - 5 // a prime, so that each digit has its effect
	}
	return strconv.FormatInt(int64(sum), digits)
}
