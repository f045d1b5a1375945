package vault

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
)

// errFlight says that what was sealed is no means of payment as this program writes them.
var errFlight = errors.New("the sealed means of a payment cannot be read")

// Forms of what Pack writes: the first byte.
const (
	packedCard      = 1 // number, holder, month, year
	packedCodedCard = 2 // likewise, and it came with its security code
	packedSaved     = 3 // token
	packedWallet    = 4 // method, token
	packedBank      = 5 // bank
	packedOpened    = 6 // what was in the token of a wallet: method, number, holder, month, year, cryptogram, indicator, id, until when it counts
)

// Pack returns what may be kept, sealed, of what a customer pays with, while the payment is under way; the caller overwrites
// it. A security code is not among it in any form, only whether there was one. It is nil for what must not be kept at all:
// codes that a bank gives for one payment, and credentials, which stand elsewhere.
func Pack(m instrument.Means) []byte {
	switch m := m.(type) {
	case *instrument.Card:
		if m.Number.IsZero() {
			return nil
		}
		form := byte(packedCard)
		if !m.SecurityCode.IsZero() {
			form = packedCodedCard
		}
		packed := make([]byte, 0, 1+5*binary.MaxVarintLen16+instrument.MostDigits+len(m.Holder)+len(m.ExpiryMonth)+len(m.ExpiryYear))
		var digits [instrument.MostDigits]byte
		packed = field(append(packed, form), m.Number.AppendTo(digits[:0]))
		clear(digits[:])
		for _, text := range []string{m.Holder, m.ExpiryMonth, m.ExpiryYear} {
			packed = field(packed, []byte(text))
		}
		return packed
	case *instrument.SavedCard:
		return field([]byte{packedSaved}, []byte(m.Token))
	case *instrument.Wallet:
		if m.Card != nil {
			return packOpened(m)
		}
		return field(field([]byte{packedWallet}, []byte(m.Method)), m.Token)
	case *instrument.Bank:
		return field([]byte{packedBank}, []byte(m.ID))
	}
	return nil
}

func packOpened(m *instrument.Wallet) []byte {
	if m.Card.Number.IsZero() {
		return nil
	}
	until := ""
	if !m.Until.IsZero() {
		until = strconv.FormatInt(m.Until.UnixMicro(), 10)
	}
	texts := []string{m.Card.Holder, m.Card.ExpiryMonth, m.Card.ExpiryYear, m.Cryptogram, m.ECI, m.ID, until}
	room := 1 + (len(texts)+2)*binary.MaxVarintLen16 + instrument.MostDigits + len(m.Method)
	for _, text := range texts {
		room += len(text)
	}
	var digits [instrument.MostDigits]byte
	packed := field(append(make([]byte, 0, room), packedOpened), []byte(m.Method))
	packed = field(packed, m.Card.Number.AppendTo(digits[:0]))
	clear(digits[:])
	for _, text := range texts {
		packed = field(packed, []byte(text))
	}
	return packed
}

func unpackOpened(fields [][]byte) (instrument.Means, error) {
	number, err := instrument.ParsePAN(string(fields[1]))
	if err != nil {
		return nil, errFlight
	}
	m := &instrument.Wallet{
		Method: string(fields[0]), Cryptogram: string(fields[5]), ECI: string(fields[6]), ID: string(fields[7]),
		Card: &instrument.Card{Number: number, Holder: string(fields[2]), ExpiryMonth: string(fields[3]), ExpiryYear: string(fields[4])},
	}
	if len(fields[8]) > 0 {
		at, err := strconv.ParseInt(string(fields[8]), 10, 64)
		if err != nil {
			return nil, errFlight
		}
		m.Until = time.UnixMicro(at).UTC()
	}
	return m, nil
}

func field(packed, value []byte) []byte {
	return append(binary.AppendUvarint(packed, uint64(len(value))), value...)
}

// Unpack reads what Pack wrote and overwrites it. coded reports that a security code came with it, which is not there.
func Unpack(packed []byte) (m instrument.Means, coded bool, err error) {
	defer clear(packed)
	if len(packed) == 0 {
		return nil, false, errFlight
	}
	var fields [][]byte
	for rest := packed[1:]; len(rest) > 0; {
		n, width := binary.Uvarint(rest)
		if width <= 0 || n > uint64(len(rest)-width) {
			return nil, false, errFlight
		}
		fields = append(fields, rest[width:width+int(n)])
		rest = rest[width+int(n):]
	}
	switch form := packed[0]; {
	case (form == packedCard || form == packedCodedCard) && len(fields) == 4:
		number, err := instrument.ParsePAN(string(fields[0]))
		if err != nil {
			return nil, false, errFlight
		}
		return &instrument.Card{
			Number: number, Holder: string(fields[1]), ExpiryMonth: string(fields[2]), ExpiryYear: string(fields[3]),
		}, form == packedCodedCard, nil
	case form == packedSaved && len(fields) == 1:
		return &instrument.SavedCard{Token: string(fields[0])}, false, nil
	case form == packedWallet && len(fields) == 2:
		return &instrument.Wallet{Method: string(fields[0]), Token: append([]byte(nil), fields[1]...)}, false, nil
	case form == packedOpened && len(fields) == 9:
		m, err := unpackOpened(fields)
		return m, false, err
	case form == packedBank && len(fields) == 1:
		return &instrument.Bank{ID: string(fields[0])}, false, nil
	}
	return nil, false, errFlight
}
