package cardrange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/language"
)

const (
	// MaxRanges is how many ranges a table may have; the largest that are sold have fewer.
	MaxRanges = 2_000_000
	// mostFaults is how many faults of a file are told one by one.
	mostFaults = 10
)

// Faults are the lines of a file that cannot be taken.
type Faults struct {
	Lines []string // the first of them, each with its number and what is wrong
	Count int
}

// Error implements error.
func (f *Faults) Error() string {
	text := strings.Join(f.Lines, "\n")
	if more := f.Count - len(f.Lines); more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return text
}

func (f *Faults) addf(line int, format string, args ...any) {
	f.Count++
	if len(f.Lines) < mostFaults {
		f.Lines = append(f.Lines, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	}
}

// Columns that files name in many ways, by what they are here, the best name first. Names are compared without case, blanks and
// punctuation.
var columnNames = map[string][]string{
	"from":    {"iinstart", "binstart", "rangestart", "start", "from", "low", "bin", "iin", "prefix", "range"},
	"to":      {"iinend", "binend", "rangeend", "end", "to", "high"},
	"country": {"isocode2", "alpha2", "iso2", "countryalpha2", "countrycode", "issuingcountry", "country"},
	"type":    {"cardtype", "type", "funding"},
	"prepaid": {"prepaid"},
}

// Read reads a table from CSV with a line of headings, as issuers' lists are sold and published: a column for the first digits or
// two for the ends of a range, one for the country in two letters, and perhaps one for the type. Commas, semicolons or tabs
// divide. It returns what could be read beside a *Faults that says of which lines it could not; any other error is about the
// file as a whole.
func Read(r io.Reader) (*Table, error) {
	lines, columns, err := open(r)
	if err != nil {
		return nil, err
	}
	var ranges []held
	var faults Faults
	for {
		row, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := lines.FieldPos(0)
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			faults.addf(parse.Line, "%v", parse.Err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			continue
		}
		h, err := columns.read(row)
		if err != nil {
			faults.addf(line, "%v", err)
			continue
		}
		h.line = line
		if ranges = append(ranges, h); len(ranges) > MaxRanges {
			return nil, fmt.Errorf("more than %d ranges", MaxRanges)
		}
	}
	ranges = contradictions(ranges, &faults)
	if len(ranges) == 0 && faults.Count == 0 {
		return nil, errors.New("there are headings and no range")
	}
	if faults.Count > 0 {
		return flatten(ranges), &faults
	}
	return flatten(ranges), nil
}

// contradictions drops ranges that stand there twice, and tells of those that say another thing each time.
func contradictions(ranges []held, faults *Faults) []held {
	type ends struct{ from, to uint64 }
	first := make(map[ends]held, len(ranges))
	kept := ranges[:0]
	for _, h := range ranges {
		before, twice := first[ends{h.from, h.to}]
		if !twice {
			first[ends{h.from, h.to}] = h
			kept = append(kept, h)
		} else if before.info != h.info {
			faults.addf(h.line, "the same range stands in line %d, and says another thing there", before.line)
		}
	}
	return kept
}

// columns says at which place of a row what stands; -1 for nowhere.
type columns map[string]int

// open reads the headings.
func open(r io.Reader) (*csv.Reader, columns, error) {
	text := bufio.NewReaderSize(r, 64<<10)
	head, err := text.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = text.Discard(3) // it was just seen
	}
	first, _, _ := bytes.Cut(head, []byte("\n"))
	lines := csv.NewReader(text)
	lines.ReuseRecord, lines.FieldsPerRecord, lines.LazyQuotes = true, -1, true
	for _, mark := range []rune{'\t', ';'} {
		if bytes.ContainsRune(first, mark) && !bytes.ContainsRune(first, ',') {
			lines.Comma = mark
		}
	}
	names, err := lines.Read()
	if err != nil {
		return nil, nil, errors.New("no line of headings")
	}
	c := columns{}
	for what, known := range columnNames {
		c[what] = place(names, known)
	}
	switch {
	case c["from"] < 0:
		return nil, nil, errors.New(`no column of first digits: its heading is "bin", "iin_start" or "prefix"`)
	case c["country"] < 0:
		return nil, nil, errors.New(`no column of countries in two letters: its heading is "country", "alpha_2" or "isoCode2"`)
	}
	return lines, c, nil
}

// place finds the column with the best of the known names.
func place(names, known []string) int {
	for _, want := range known {
		for i, name := range names {
			if plain(name) == want {
				return i
			}
		}
	}
	return -1
}

// plain is a heading in small letters and digits only.
func plain(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, heading)
}

func (c columns) value(row []string, what string) string {
	if i := c[what]; i >= 0 && i < len(row) {
		return strings.TrimSpace(row[i])
	}
	return ""
}

// read reads one row.
func (c columns) read(row []string) (h held, err error) {
	low, high := c.value(row, "from"), c.value(row, "to")
	if high == "" {
		high = low
	}
	from, okFrom := parse(low)
	to, okTo := parse(high)
	switch {
	case !okFrom || !okTo:
		return h, errors.New("the first digits are 2 to 19 digits, and nothing else")
	case len(low) != len(high):
		return h, errors.New("the ends of a range have the same number of digits")
	case from > to:
		return h, errors.New("the range ends before it begins")
	}
	h.from, h.to = ends(from, to, len(low))
	if h.info.Country, err = country(c.value(row, "country")); err != nil {
		return h, err
	}
	h.info.Type, err = typeOf(c.value(row, "type"), c.value(row, "prepaid"))
	return h, err
}

// ends are the ends of a range with Digits digits.
func ends(from, to uint64, digits int) (first, last uint64) {
	if digits > Digits {
		cut := pow10(digits - Digits)
		return from / cut, to / cut
	}
	each := pow10(Digits - digits)
	return from * each, to*each + each - 1
}

// country reads two letters; what files write for none is none.
func country(text string) (string, error) {
	switch text {
	case "", "-", "--", "ZZ", "XX", "N/A", "NULL":
		return "", nil
	}
	region, err := language.ParseRegion(text)
	if err != nil || len(text) != 2 || !region.IsCountry() {
		return "", errors.New("the country is none of ISO 3166 in two letters")
	}
	return region.Canonicalize().String(), nil
}

// typeOf reads the type. One that is not known, such as CHARGE CARD, tells nothing.
func typeOf(text, prepaid string) (Type, error) {
	switch strings.ToLower(prepaid) {
	case "y", "yes", "true", "1":
		return Prepaid, nil
	case "", "n", "no", "false", "0", "null":
	default:
		return "", errors.New("prepaid is yes or no")
	}
	for _, known := range types[1:] {
		if strings.EqualFold(text, string(known)) {
			return known, nil
		}
	}
	return "", nil
}

// parse reads 2 to 19 digits.
func parse(text string) (n uint64, ok bool) {
	if len(text) < 2 || len(text) > 19 {
		return 0, false
	}
	for i := range len(text) {
		d := text[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, true
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
