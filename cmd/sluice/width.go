package main

import (
	"unicode"

	"golang.org/x/text/width"
)

// columnsOf is how many columns of a screen a text takes: two for each character that East Asian scripts, and emoji, write as
// wide as two letters, none for one that is written over another.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
