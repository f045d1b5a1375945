package audit

import (
	"encoding/binary"
	"encoding/hex"

	rows "github.com/sluicepay/sluice/internal/store/audit"
)

// What a record is made of, as it is stored.
type (
	// Entry is one line of the record.
	Entry = rows.Entry
	// Head is the last of them.
	Head = rows.Head
	// Filter says which of them to list.
	Filter = rows.Filter
)

// bind is what an entry's hash has to be, behind an entry with that hash. Every field goes in with its length, so that nothing can move from
// one into the next.
func bind(mac func([]byte) []byte, before string, e *Entry) string {
	b := make([]byte, 0, 256+len(e.Content))
	b = append(b, "sluice audit entry 1\x00"...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixMicro()))
	for _, field := range []string{before, e.ID, e.Act, e.Who, e.Shop, e.Content} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(field)))
		b = append(b, field...)
	}
	return hex.EncodeToString(mac(b))
}
