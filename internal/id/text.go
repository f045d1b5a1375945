package id

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

const (
	textLen   = 32
	dashedLen = 36

	maxMicros = (1<<48)*1000 - 1 // the last microsecond that an id can hold, in the year 10889
)

// dashAt are the places of the dashes in the usual spelling of a UUID.
var dashAt = [4]int{8, 13, 18, 23}

// encode lays out the 128 bits: 48 of milliseconds, 0111, 12 of microseconds, 10, 62 of counter.
func encode(micros int64, counter uint64) string {
	var b [textLen / 2]byte
	binary.BigEndian.PutUint64(b[:8], timeBits(micros))
	binary.BigEndian.PutUint64(b[8:], 1<<63|counter)
	var text [textLen]byte
	hex.Encode(text[:], b[:])
	return string(text[:])
}

func timeBits(micros int64) uint64 {
	return uint64(micros/1000)<<16 | 7<<12 | uint64(micros%1000)
}

// Floor is the border in the order of ids before which lie all ids made earlier than t, and after which all
// made at t or later: id >= Floor(t) if and only if the instant of id is not before t. It is for range queries
// and names nothing: its variant bits and counter are nought.
func Floor(t time.Time) string {
	micros := int64(0)
	switch {
	case t.After(time.UnixMicro(maxMicros)):
		return strings.Repeat("f", textLen)
	case t.After(time.UnixMicro(0)):
		micros = t.UnixMicro()
		if t.Nanosecond()%1000 != 0 {
			micros++
		}
	}
	head := strconv.FormatUint(timeBits(micros), 16)
	return strings.Repeat("0", textLen/2-len(head)) + head + strings.Repeat("0", textLen/2)
}

// Time reads the instant back from an id, in UTC to the microsecond. It reports false for any text that no
// Source can have made.
func Time(id string) (time.Time, bool) {
	if !Valid(id) {
		return time.Time{}, false
	}
	head, err := strconv.ParseUint(id[:textLen/2], 16, 64)
	if err != nil {
		return time.Time{}, false
	}
	millis, version, micros := head>>16, head>>12&0xf, head&0xfff
	variant := id[textLen/2]
	if version != 7 || micros > 999 || (variant != '8' && variant != '9' && variant != 'a' && variant != 'b') {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(millis)*1000 + int64(micros)).UTC(), true
}

// Valid reports whether s is spelled as an id: 32 lower-case hexadecimal digits. It does not ask for a version
// of UUID, as ids of other systems may be spelled likewise.
func Valid(s string) bool {
	if len(s) != textLen {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Dashed spells a Valid id as UUIDs usually are, 8-4-4-4-12 digits. Any other text is returned as it is.
func Dashed(id string) string {
	if !Valid(id) {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// versionAt is the place of the digit that tells the version of a UUID.
const versionAt = 12

// AsVersion4 is an id of a Source as a UUID of version 4, for readers who take no other: the digit of the version is the only
// one that differs, so FromVersion4 tells the id again. Any other text is returned as it is.
func AsVersion4(id string) string { return reversion(id, '7', '4') }

// FromVersion4 is the inverse of AsVersion4. An id of a Source is returned as it is: both spellings name the same.
func FromVersion4(id string) string { return reversion(id, '4', '7') }

func reversion(id string, from, to byte) string {
	if !Valid(id) || id[versionAt] != from {
		return id
	}
	return id[:versionAt] + string(to) + id[versionAt+1:]
}

// Undashed is the inverse of Dashed. It also takes upper-case digits, as RFC 9562 demands of readers, and
// reports false for any other spelling, braces and undashed text included.
func Undashed(s string) (string, bool) {
	if len(s) != dashedLen {
		return "", false
	}
	for _, i := range dashAt {
		if s[i] != '-' {
			return "", false
		}
	}
	id := strings.ToLower(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if !Valid(id) {
		return "", false
	}
	return id, true
}

// Read returns the id of a Source that a text stands for in whatever spelling: with dashes or without, in either case, as a
// UUID of version 4 or as it is.
func Read(s string) (string, bool) {
	bare, ok := Undashed(s)
	if !ok {
		bare = strings.ToLower(s)
	}
	if !Valid(bare) {
		return "", false
	}
	return FromVersion4(bare), true
}
