package frame

import (
	"context"
	"sync"
)

// Frame is the part of a double that all have. Its zero value is ready; a double embeds one and holds Mu while it works.
type Frame struct {
	Mu sync.Mutex
	// Wait lets time pass in answers that never come. It returns when the client has gone at the latest; nil returns at once.
	Wait func(ctx context.Context) error
	// Twists and Spoilt are how this provider's answers are spoilt.
	Twists Twists
	Spoilt Spoilt

	faults  []Fault
	books   []Entry
	hanging int64
}

// Entry is one movement of money, under the caller's key of the request that led to it.
type Entry struct {
	Key      string
	Moved    Movement
	Amount   string // as the provider writes it
	Currency string
}

// Movement says which way money went.
type Movement string

// The movements.
const (
	Held     Movement = "held"
	Taken    Movement = "taken"
	Released Movement = "released"
	Returned Movement = "returned"
	PaidOut  Movement = "paid out"
)

// Book enters a movement. The caller holds Mu.
func (f *Frame) Book(key string, m Movement, amount, currency string) {
	f.books = append(f.books, Entry{key, m, amount, currency})
}

// Booked lists what was moved under a key, oldest first.
func (f *Frame) Booked(key string) (found []Entry) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for _, e := range f.books {
		if e.Key == key {
			found = append(found, e)
		}
	}
	return found
}

// Books lists all that was moved, oldest first.
func (f *Frame) Books() []Entry {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return append([]Entry(nil), f.books...)
}

// Hanging counts requests that were never answered so far. What they had booked is booked when they count.
func (f *Frame) Hanging() int64 {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return f.hanging
}
