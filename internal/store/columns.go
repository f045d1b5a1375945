package store

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// columns are those of a table with rows R. They are written down once; from them the texts of its statements are made when
// the program starts, the arguments of a write, and where the columns of a row go that is read.
type columns[R any] []column[R]

// column is one column of a table. The functions of column_kinds.go make the usual ones.
type column[R any] struct {
	name string
	when written

	// read is the expression that is selected, with %s for the column; empty for one that is never read.
	read string
	// into is where it is scanned to: a field of the row, or a cell whose content take then gives to the row.
	into func(*R, *cell) any
	take func(*R, *cell) error

	// inLists: lists read it, which read no more than they show.
	inLists bool

	// bind is the argument that is written.
	bind func(*tx.Tx, *R) any
	// born and set stand in INSERT and UPDATE in the place of the argument's placeholder; {name} is the placeholder of
	// another column.
	born, set string
}

// cell holds what was read of a column until the row takes it.
type cell struct {
	text   string
	number int64
}

// written says which statements write a column.
type written int

const (
	never   written = 0
	atBirth written = 1
	later   written = 2
	always          = atBirth | later
)

// selected is the list of what SELECT reads, each column behind the prefix.
func (cs columns[R]) selected(prefix string) string {
	var list []string
	for i := range cs {
		if cs[i].read != "" {
			list = append(list, strings.ReplaceAll(cs[i].read, "%s", prefix+cs[i].name))
		}
	}
	return strings.Join(list, ", ")
}

// listed has lists read the column.
func (c column[R]) listed() column[R] {
	c.inLists = true
	return c
}

// bornAs has INSERT write a text of its own.
func (c column[R]) bornAs(text string) column[R] {
	c.born = text
	return c
}

// readAs has another expression read.
func (c column[R]) readAs(expression string) column[R] {
	c.read = expression
	return c
}

// shown are the columns that answers show of a row.
func (cs columns[R]) shown() columns[R] {
	return slices.DeleteFunc(slices.Clone(cs), func(c column[R]) bool { return !c.inLists })
}

// statement writes rows of a table.
type statement[R any] struct {
	sql   string
	binds []func(*tx.Tx, *R) any
}

// insert makes an INSERT. The first arguments, as many as given, are the caller's: those of the keys, columns that stand in no
// row, and what columns refer to in their own text.
func (cs columns[R]) insert(table string, given int, keys ...string) statement[R] {
	var s statement[R]
	names := slices.Clone(keys)
	var values []string
	at := map[string]string{}
	for i := range keys {
		values = append(values, placeholder(i+1))
	}
	for i := range cs {
		c := &cs[i]
		if c.when&atBirth == 0 {
			continue
		}
		value := s.value(c, c.born, given)
		at["{"+c.name+"}"] = value
		names = append(names, c.name)
		values = append(values, value)
	}
	s.sql = "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + named(strings.Join(values, ", "), at) + ")"
	return s
}

// update makes an UPDATE of the row with these keys, whose arguments come last. The first ones, as many as given, are the
// caller's.
func (cs columns[R]) update(table string, given int, keys ...string) statement[R] {
	var s statement[R]
	var list []string
	at := map[string]string{}
	for i := range cs {
		c := &cs[i]
		if c.when&later == 0 {
			continue
		}
		value := s.value(c, c.set, given)
		at["{"+c.name+"}"] = value
		list = append(list, c.name+" = "+value)
	}
	sets := named(strings.Join(list, ", "), at)
	var where []string
	for i, k := range keys {
		where = append(where, k+" = "+placeholder(given+len(s.binds)+i+1))
	}
	s.sql = "UPDATE " + table + " SET " + sets + " WHERE " + strings.Join(where, " AND ")
	return s
}

// named puts the placeholders of columns in the place of their names.
func named(text string, at map[string]string) string {
	for name, value := range at {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// value is what stands for a column: its own text, or the placeholder of its argument.
func (s *statement[R]) value(c *column[R], own string, given int) string {
	if own != "" {
		return own
	}
	s.binds = append(s.binds, c.bind)
	return placeholder(given + len(s.binds))
}

func placeholder(n int) string { return "$" + strconv.Itoa(n) }

// args are the arguments for a row: those of the caller that come first, and room for as many as come last.
func (s *statement[R]) args(t *tx.Tx, r *R, last int, first ...any) []any {
	args := make([]any, 0, len(first)+len(s.binds)+last)
	args = append(args, first...)
	for _, bind := range s.binds {
		args = append(args, bind(t, r))
	}
	return args
}
