package yandexpay

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/payment"
)

// shownID is an id of the engine as this API shows it: a UUID of version 4, because strict clients read no other.
func shownID(engines string) string { return id.Dashed(id.AsVersion4(engines)) }

// respelled is an id that was kept as it was shown, or was shown when it was another version, as it is shown now. Any
// other text is returned as it is.
func respelled(shown string) string {
	if bare, ok := id.Undashed(shown); ok {
		return shownID(bare)
	}
	return shown
}

// operationID names an attempt of a payment: the payment's id with other last digits, so that the payment can be found
// by it. Refunds are named by their own ids.
func operationID(p payment.ID, attempt int) string {
	raw, err := hex.DecodeString(string(p))
	if err != nil || len(raw) != 16 {
		return string(p)
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("operation\x00"+string(p)), uint64(attempt)))
	copy(raw[16-operationTail:], sum[:operationTail])
	return shownID(hex.EncodeToString(raw))
}

const operationTail = 4 // bytes in which an operation's id differs from its payment's

// paymentsNear is the range of ids in which the payment of an operation lies.
func paymentsNear(operation string) (from, to payment.ID) {
	head := operation[:2*(16-operationTail)]
	return payment.ID(head + "00000000"), payment.ID(head + "ffffffff")
}
