package document

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest number that the contract knows, in characters as it is written.
const MaxLength = 64

// Fault is what is wrong with a number. It is an error that holds no part of it.
type Fault string

// The faults. A number has the first of these that applies.
const (
	Length    Fault = "length"
	Charset   Fault = "charset"   // characters that cannot be there, or not at their place
	Component Fault = "component" // a part that there is none of: a province, a date, a prefix
	Checksum  Fault = "checksum"
	Repeated  Fault = "repeated" // one digit all along: the check digits are right, and nobody was given it
)

// Error implements error.
func (f Fault) Error() string { return "document number with a wrong " + string(f) }

// Result is a number that was taken.
type Result struct {
	Number string // as it is stored and sent: without what is only written to be read
	// Doubt is the check that it fails, where numbers in use are known to fail it, too. Empty for most.
	Doubt Fault
}

// Check reads the number of a document by the rule of its type, one of [Types]. The error is a Fault.
func Check(kind, number string) (Result, error) {
	n := strings.TrimSpace(number)
	if !utf8.ValidString(n) {
		return Result{}, Charset
	}
	if count := utf8.RuneCountInString(number); n == "" || count > MaxLength {
		return Result{}, Length
	}
	r, ok := rules[kind]
	if !ok {
		return free(n)
	}
	if r.whole != nil {
		return r.whole(n)
	}
	return r.check(compact(n))
}

// judgement is what a rule says of a number.
type judgement uint8

const (
	right judgement = iota
	doubtful
	wrong
)

// must makes a rule of what has to be so, and may one of what is so nearly always.
func must(is func(string) bool) func(string) judgement { return judge(is, wrong) }
func may(is func(string) bool) func(string) judgement  { return judge(is, doubtful) }

func judge(is func(string) bool, otherwise judgement) func(string) judgement {
	return func(n string) judgement {
		if is(n) {
			return right
		}
		return otherwise
	}
}

// rule is how numbers of a type are made. What is nil has no say.
type rule struct {
	prepare  func(string) string // before all else
	min, max int
	no       int               // a length between them that there is not
	form     func(string) bool // which characters are where
	part     func(string) judgement
	sum      func(string) judgement
	whole    func(string) (Result, error) // instead of all others, for numbers whose separators count
}

func (r *rule) check(n string) (Result, error) {
	if r.prepare != nil {
		n = r.prepare(n)
	}
	if length := utf8.RuneCountInString(n); length < r.min || length > r.max || length == r.no {
		return Result{}, Length
	}
	if !r.form(n) {
		return Result{}, Charset
	}
	out := Result{Number: n}
	for _, c := range []struct {
		judge func(string) judgement
		fault Fault
	}{{r.part, Component}, {r.sum, Checksum}} {
		if c.judge == nil {
			continue
		}
		switch c.judge(n) {
		case wrong:
			return Result{}, c.fault
		case doubtful:
			if out.Doubt == "" {
				out.Doubt = c.fault
			}
		case right:
		}
	}
	return out, nil
}

// isDash knows how people and their programs write a hyphen.
func isDash(r rune) bool { return r == '-' || r >= 0x2010 && r <= 0x2015 }

func isFiller(r rune) bool { return strings.ContainsRune(" \u00a0.,/", r) }

// upper knows the letters that stand in numbers. Those of other scripts that have one of these as their capital are others.
func upper(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r == 'ñ':
		return 'Ñ'
	}
	return r
}

// compact drops what is only written to be read.
func compact(n string) string {
	return strings.Map(func(r rune) rune {
		if isFiller(r) || isDash(r) {
			return -1
		}
		return upper(r)
	}, n)
}

// dashed keeps hyphens, in one spelling, of numbers whose parts can be shorter than they are stored.
func dashed(n string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case isDash(r):
			return '-'
		case isFiller(r):
			return -1
		}
		return upper(r)
	}, n)
}

// free takes any text that can be printed.
func free(n string) (Result, error) {
	if strings.ContainsFunc(n, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Result{}, Charset
	}
	return Result{Number: n}, nil
}
