package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
)

// Ready answers whether this process should be sent requests. However many ask, it looks once a second at most, and whoever
// comes while it looks is told what it saw the last time.
type Ready struct {
	// Checks return nil for what is well. The word by which each goes is all that a caller is told; errors are for the log.
	Checks map[string]func(context.Context) error
	Now    func() time.Time
	Log    *slog.Logger
	// Patience is how long a look may take before what has not answered counts as wrong; 2 s when zero.
	Patience time.Duration

	mu       sync.Mutex
	stopping bool
	looking  chan struct{} // closed when the look that is under way has come to a verdict; nil while there is none
	busy     bool          // some check of a look has not ended
	seen     time.Time     // when the last look that came to a verdict began; zero for never
	wrong    []string
}

// lookEvery is how old an answer may be.
const lookEvery = time.Second

// Stop makes every answer from now on say that the process is stopping.
func (r *Ready) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopping = true
}

// Stopping reports that Stop was called.
func (r *Ready) Stopping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopping
}

// ServeHTTP answers 200, or 503 with the words for what is wrong.
func (r *Ready) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	answer := struct {
		Ready bool     `json:"ready"`
		Wrong []string `json:"wrong,omitempty"`
	}{Wrong: r.verdict(q.Context())}
	status := http.StatusOK
	if answer.Ready = len(answer.Wrong) == 0; !answer.Ready {
		status = http.StatusServiceUnavailable
		Wanted(w) // what is wrong is logged where it is found
	}
	w.Header().Set("Content-Type", "application/json")
	SetAPIHeaders(w.Header())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // the caller is gone if this fails
}

// verdict returns what is wrong, as it is now or was a moment ago.
func (r *Ready) verdict(ctx context.Context) []string {
	looking := r.begin(ctx)
	if looking != nil {
		select {
		case <-looking:
		case <-ctx.Done(): // nobody waits for the answer
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.stopping:
		return []string{"stopping"}
	case r.seen.IsZero():
		return []string{"starting"}
	}
	return r.wrong
}

// begin begins a look where the last is too old. It returns what ends with the look that is under way, or nil.
func (r *Ready) begin(ctx context.Context) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Now()
	fresh := !r.seen.IsZero() && now.Before(r.seen.Add(lookEvery))
	if r.stopping || fresh {
		return nil
	}
	if r.looking == nil && !r.busy {
		r.looking, r.busy = make(chan struct{}), true
		go r.look(context.WithoutCancel(ctx), now)
	}
	return r.looking
}

// look makes all checks at once. One that takes too long counts as failed, and nothing is begun again before it has ended.
func (r *Ready) look(ctx context.Context, began time.Time) {
	patience := r.Patience
	if patience == 0 {
		patience = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers := make(chan checked, len(r.Checks))
	open := make(map[string]bool, len(r.Checks))
	for word, check := range r.Checks {
		open[word] = true
		go func() { answers <- checked{word, rescue.Call(func() error { return check(ctx) })} }()
	}
	var wrong []string
	for late := false; len(open) > 0 && !late; {
		select {
		case a := <-answers:
			delete(open, a.word)
			if a.err != nil {
				wrong = r.note(ctx, wrong, a.word, a.err)
			}
		case <-ctx.Done():
			late = true
			for word := range open {
				wrong = r.note(ctx, wrong, word, ctx.Err())
			}
		}
	}
	slices.Sort(wrong)
	r.told(began, wrong)
	for range open {
		<-answers
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
}

// checked is what came of one check.
type checked struct {
	word string
	err  error
}

func (r *Ready) note(ctx context.Context, wrong []string, word string, err error) []string {
	r.Log.WarnContext(ctx, "not ready", "what", word, "error", err)
	return append(wrong, word)
}

func (r *Ready) told(began time.Time, wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.wrong = began, wrong
	close(r.looking)
	r.looking = nil
}
