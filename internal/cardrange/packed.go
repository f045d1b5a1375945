package cardrange

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// MaxPacked is the longest packed table, in bytes.
const MaxPacked = 16 << 20

// format begins every packed table; another one is of another version.
const format = "sluice ranges 1\n"

// unpackedMost bounds what is unpacked: MaxRanges ranges have at most twice as many spans, with up to ten bytes each.
const unpackedMost = 2*MaxRanges*10 + 1<<20

var errPacked = errors.New("not a packed table of card ranges")

// Pack writes the table for Unpack.
func (t *Table) Pack() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(format)
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	raw := binary.AppendUvarint(nil, uint64(len(t.infos)))
	for _, i := range t.infos {
		raw = binary.AppendUvarint(raw, uint64(len(i.Country)))
		raw = append(raw, i.Country...)
		raw = append(raw, byte(slices.Index(types, i.Type)))
	}
	raw = binary.AppendUvarint(raw, uint64(len(t.spans)))
	before := uint64(0)
	for _, s := range t.spans {
		raw = binary.AppendUvarint(raw, s.from-before)
		raw = binary.AppendUvarint(raw, uint64(s.info))
		before = s.from
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if out.Len() > MaxPacked {
		return nil, errors.New("the table is too large")
	}
	return out.Bytes(), nil
}

// Unpack reads what Pack has written.
func Unpack(packed []byte) (*Table, error) {
	rest, ok := bytes.CutPrefix(packed, []byte(format))
	if !ok || len(packed) > MaxPacked {
		return nil, errPacked
	}
	raw, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(rest)), unpackedMost+1))
	if err != nil || len(raw) > unpackedMost {
		return nil, errPacked
	}
	u := unpacking{raw: raw}
	t := &Table{}
	for range u.count(2) {
		country := string(u.take(u.count(1)))
		kind := u.take(1)
		if u.bad || len(country) != 0 && len(country) != 2 || int(kind[0]) >= len(types) {
			return nil, errPacked
		}
		t.infos = append(t.infos, Info{country, types[kind[0]]})
	}
	n := u.count(2)
	t.spans = make([]span, 0, n)
	before, most := uint64(0), pow10(Digits)
	for i := range n {
		step, info := u.number(), u.number()
		from := before + step
		if u.bad || info >= uint64(len(t.infos)) || i > 0 && step == 0 || step > most || from > most {
			return nil, errPacked
		}
		t.spans = append(t.spans, span{from, int(info)})
		before = from
	}
	if u.bad || len(u.raw) > 0 {
		return nil, errPacked
	}
	return t, nil
}

// unpacking reads numbers and texts, and remembers that something was missing.
type unpacking struct {
	raw []byte
	bad bool
}

func (u *unpacking) number() uint64 {
	n, size := binary.Uvarint(u.raw)
	if size <= 0 {
		u.bad, u.raw = true, nil
		return 0
	}
	u.raw = u.raw[size:]
	return n
}

// count reads how many things follow, each of which has at least so many bytes.
func (u *unpacking) count(least int) int {
	n := u.number()
	if n > uint64(len(u.raw)/least)+1 {
		u.bad, u.raw = true, nil
		return 0
	}
	return int(n)
}

func (u *unpacking) take(n int) []byte {
	if n > len(u.raw) {
		u.bad, u.raw = true, nil
		return make([]byte, 1)
	}
	taken := u.raw[:n]
	u.raw = u.raw[n:]
	return taken
}
