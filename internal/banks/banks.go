// Package banks keeps the lists of banks that providers have for a method, while customers choose from them.
//
// It asks a provider no more often than the lists need it, and leaves out what cannot be shown. Which terminal a payment goes to is
// not its business, nor is what a customer has chosen.
package banks

import (
	"context"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/rescue"
)

// Lists of banks are asked for while a customer waits, so they are kept: a bank that is out of order is gone from one a minute
// later. Where the provider does not answer, the last list serves for a while, and after it nobody is asked to choose: the
// provider's own page does that.
const (
	fresh   = time.Minute
	stale   = 30 * time.Minute
	again   = 10 * time.Second // after one that did not come
	timeout = 3 * time.Second
	most    = 500 // on a page
	lists   = 4096
)

// Lists are those of all terminals. Safe for concurrent use.
type Lists struct {
	Now func() time.Time
	Log *slog.Logger

	mu    sync.Mutex
	known map[key]*list
}

type key struct {
	terminal string
	of       connector.Choice
}

type list struct {
	mu    sync.Mutex // held while one customer has it asked for; others wait for that
	banks []connector.Bank
	at    time.Time // when banks came
	again time.Time // not asked for before
}

func (l *Lists) of(k key) *list {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.known[k]
	if found == nil {
		if l.known == nil || len(l.known) >= lists { // of terminals that are long gone, mostly
			l.known = map[key]*list{}
		}
		found = &list{}
		l.known[k] = found
	}
	return found
}

// Get lists the banks that c, the connector of the terminal, has for the choice; none where the provider does not answer and did not for
// half an hour.
func (l *Lists) Get(ctx context.Context, terminal string, c connector.Chooser, of connector.Choice) []connector.Bank {
	found := &list{} // of one customer: it is asked for each time, and nobody else waits for it
	if of.Alias == "" {
		found = l.of(key{terminal, of})
	}
	found.mu.Lock()
	defer found.mu.Unlock()
	now := l.Now()
	if !now.Before(found.again) {
		found.again = now.Add(again)
		if got, err := ask(ctx, c, of); err != nil {
			l.Log.WarnContext(ctx, "the banks of a provider cannot be listed", "terminal_id", terminal, "method", string(of.Method), "error", err)
		} else {
			found.banks, found.at, found.again = got, now, now.Add(fresh)
		}
	}
	if now.Sub(found.at) > stale {
		return nil
	}
	return found.banks
}

// ask asks the provider, and leaves out what cannot be shown.
func ask(ctx context.Context, c connector.Chooser, of connector.Choice) (usable []connector.Bank, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout) // the list is for others, too
	defer cancel()
	var all []connector.Bank
	if err := rescue.Call(func() (err error) {
		all, err = c.Banks(ctx, of)
		return err
	}); err != nil {
		return nil, err //nolint:wrapcheck // the log names the terminal
	}
	seen := map[string]bool{}
	for _, b := range all {
		if b.ID == "" || len(b.ID) > 64 || b.Name == "" || !utf8.ValidString(b.Name) || utf8.RuneCountInString(b.Name) > 80 || seen[b.ID] {
			continue
		}
		if seen[b.ID] = true; len(usable) < most {
			usable = append(usable, b)
		}
	}
	return usable, nil
}
