package audit

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/sluicepay/sluice/internal/store"
)

// bind is what an entry's hash has to be, behind an entry with that hash. Every field goes in with its length, so that nothing can move from
// one into the next.
func bind(mac func([]byte) []byte, before string, e *store.AuditEntry) string {
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
