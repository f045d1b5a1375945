package store

import (
	"slices"
	"sync"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// rows reads rows of a SELECT of columns. What a row is scanned into is made once and used for one row after the other, by one
// reader at a time.
type rows[R any] struct {
	read    []column[R]
	explain func(*R, error) error
	idle    sync.Pool // of *scratch[R]
}

// scratch is what one row is scanned into.
type scratch[R any] struct {
	row  R
	held []cell
	into []any // places in row and held
}

// rows returns what reads rows of selected. What is wrong with a column goes through explain, which gets what was read until
// then.
func (cs columns[R]) rows(explain func(*R, error) error) *rows[R] {
	read := slices.DeleteFunc(slices.Clone(cs), func(c column[R]) bool { return c.read == "" })
	r := &rows[R]{read: read, explain: explain}
	r.idle.New = func() any { return r.scratch() }
	return r
}

func (r *rows[R]) scratch() *scratch[R] {
	s := &scratch[R]{held: make([]cell, len(r.read)), into: make([]any, len(r.read))}
	for i := range r.read {
		s.into[i] = r.read[i].into(&s.row, &s.held[i])
	}
	return s
}

// scan reads a row. It is a function for the kernel.
func (r *rows[R]) scan(from tx.Scanner) (R, error) {
	s, _ := r.idle.Get().(*scratch[R])
	defer r.rest(s)
	err := r.fill(s, from)
	return s.row, err
}

// each returns what reads one row after the other and hands each over, which is gone when use returns.
func (r *rows[R]) each(use func(*R) error) func(tx.Scanner) error {
	s := r.scratch()
	return func(from tx.Scanner) error {
		if err := r.fill(s, from); err != nil {
			return err
		}
		return use(&s.row)
	}
}

func (r *rows[R]) fill(s *scratch[R], from tx.Scanner) error {
	var none R
	s.row = none
	if err := from.Scan(s.into...); err != nil {
		return err
	}
	for i := range r.read {
		if c := &r.read[i]; c.take != nil {
			if err := c.take(&s.row, &s.held[i]); err != nil {
				return r.explain(&s.row, err)
			}
		}
	}
	return nil
}

// rest keeps the scratch for the next row, and nothing of this one.
func (r *rows[R]) rest(s *scratch[R]) {
	var none R
	s.row = none
	clear(s.held)
	r.idle.Put(s)
}
