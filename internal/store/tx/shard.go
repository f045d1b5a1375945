package tx

import (
	"fmt"
	"strconv"
	"strings"
)

// Shards is how many parts the work that comes due is divided into. A node holds some
// of them and is then their only reader.
const Shards = 64

// ShardOf returns the shard, 0 to Shards-1, of the thing with that key: a payment's,
// shop's or endpoint's id. It is stored with the row, so it must never change.
func ShardOf(key string) int64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	return int64(h % Shards)
}

// InShards renders "shard IN ($n, …)" and appends the shards to args. No shard at all
// gives a condition that nothing meets.
func InShards(shards []int64, args []any) (string, []any) {
	if len(shards) == 0 {
		return "1 = 0", args
	}
	var b strings.Builder
	b.WriteString("shard IN (")
	for i, s := range shards {
		if i > 0 {
			b.WriteString(", ")
		}
		args = append(args, s)
		fmt.Fprintf(&b, "$%d", len(args))
	}
	b.WriteByte(')')
	return b.String(), args
}

// Limited appends the limit to a query.
func Limited(text string, args []any, limit int) (string, []any) {
	args = append(args, int64(limit))
	return text + " LIMIT $" + strconv.Itoa(len(args)), args
}
