// Package sqltext reads in the text of statements where one ends and which parameter is a column. It is for the house's own, which are
// written in one style, and no parser of SQL. What follows from it where tables are divided among nodes is package tx's (parts.go).
package sqltext

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// known remembers for each statement what [Parameter] found.
var known sync.Map

// Parameter returns the number of the statement's parameter that the column is, from 1, or 0 if no parameter is: an INSERT gives
// it as the column's value, other statements compare the column with it. A statement that compares it twice, as one of
// several selects does, compares it with the same parameter.
func Parameter(sql, column string) int {
	type key struct{ sql, column string }
	if n, ok := known.Load(key{sql, column}); ok {
		return n.(int) //nolint:errcheck,forcetypeassert // nothing else is kept there
	}
	n := find(sql, column)
	known.Store(key{sql, column}, n)
	return n
}

var (
	insertValues = regexp.MustCompile(`(?s)^\s*INSERT INTO \w+ \(([^)]*)\)\s*VALUES \((.*)`)
	parameter    = regexp.MustCompile(`^\s*\$(\d+)`)
)

func find(sql, column string) int {
	if found := insertValues.FindStringSubmatch(sql); found != nil {
		at := slices.IndexFunc(strings.Split(found[1], ","), func(name string) bool { return strings.TrimSpace(name) == column })
		if at < 0 {
			return 0
		}
		return parameterOf(nthValue(found[2], at))
	}
	whole := regexp.MustCompile(`\b` + regexp.QuoteMeta(column) + ` = `)
	for _, at := range whole.FindAllStringIndex(sql, -1) {
		if n := parameterOf(sql[at[1]:]); n > 0 {
			return n
		}
	}
	return 0
}

// parameterOf is the number of the parameter that the text begins with, or 0.
func parameterOf(text string) int {
	found := parameter.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // digits
	return n
}

// nthValue is the text from the value at that place of a list on; "" where there is none.
func nthValue(list string, place int) string {
	depth := 0
	for i, c := range list {
		if depth == 0 && place == 0 {
			return list[i:]
		}
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return ""
			}
		case ',':
			if depth == 0 {
				place--
			}
		}
	}
	return ""
}
