package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/telemetry"
)

// Config is what a record works with. All of it is required but what says otherwise.
type Config struct {
	DB      *store.DB
	MAC     func([]byte) []byte // by a key that is not in the database
	IDs     *id.Source
	Log     *slog.Logger
	Process string // who writes: machine and process
	Heads   string // file that each head is written to as well; empty for none
}

// Record is the record of one installation. It is safe for concurrent use, by several processes on one database too.
type Record struct{ c Config }

// New returns a record.
func New(c Config) *Record { return &Record{c} }

// Act is what somebody is about to do.
type Act struct {
	Name      string
	Who       string // as the system vouches for
	Claims    string // as they call themselves
	Shop      string // whose it is; empty for what is no shop's
	Arguments map[string]string
}

// Begun is an act of which the record has the beginning.
type Begun struct {
	seq int64
	act Act
}

// Change is one value that an act has changed. What was not there, or is a secret, says so in words.
type Change struct {
	Name   string          `json:"name"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Outcome is how an act ended.
type Outcome struct {
	Err     error  // nil: it was done
	Made    string // id of what was made
	Changes []Change
}

// Content is what an entry says beyond its columns.
type Content struct {
	Phase     Phase             `json:"phase"`
	Of        int64             `json:"of,omitempty"` // the entry of the beginning
	Claims    string            `json:"claims,omitempty"`
	Process   string            `json:"process,omitempty"`
	Arguments map[string]string `json:"arguments,omitempty"`
	Made      string            `json:"made,omitempty"`
	Changes   []Change          `json:"changes,omitempty"`
	Error     string            `json:"error,omitempty"`
}

// Phase says where in an act an entry stands.
type Phase string

// The phases. An act with a beginning and no end was cut off: nobody knows what came of it.
const (
	PhaseBegun   Phase = "begun"
	PhaseDone    Phase = "done"
	PhaseRefused Phase = "refused" // or failed: Error says why
)

// mostText bounds what an entry keeps of one text.
const mostText = 8 << 10

// Begin records that an act is about to be done. Where that cannot be recorded it must not be done.
func (r *Record) Begin(ctx context.Context, a Act) (Begun, error) {
	kept := make(map[string]string, len(a.Arguments))
	for name, value := range a.Arguments {
		kept[name] = text(value)
	}
	head, err := r.add(ctx, &a, &Content{Phase: PhaseBegun, Claims: text(a.Claims), Process: r.c.Process, Arguments: kept})
	if err != nil {
		return Begun{}, fmt.Errorf("what is not on record is not done: %w", err)
	}
	return Begun{head.Seq, a}, nil
}

// End records how it ended. It does not wait for the caller's patience. An act whose end cannot be recorded has ended all the same: the log
// says so, and the record has its beginning.
func (r *Record) End(ctx context.Context, b Begun, o Outcome) {
	c := Content{Phase: PhaseDone, Of: b.seq, Made: o.Made, Changes: o.Changes}
	if o.Err != nil {
		c.Phase, c.Error = PhaseRefused, text(o.Err.Error())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	if _, err := r.add(ctx, &b.act, &c); err != nil {
		r.c.Log.ErrorContext(ctx, "the end of an act is not on record", "act", b.act.Name, "begun", b.seq, "phase", c.Phase, "error", err)
	}
}

// endPatience bounds how long the end of an act is tried to be recorded.
const endPatience = 10 * time.Second

// rounds bounds how often an entry is tried to be put behind others that come at the same time.
const rounds = 5

func (r *Record) add(ctx context.Context, a *Act, c *Content) (head Head, err error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return head, fmt.Errorf("render an entry of the record: %w", err)
	}
	made, _ := r.c.IDs.New()
	for range rounds {
		if head, err = r.put(ctx, Entry{ID: made, Act: a.Name, Who: text(a.Who), Shop: text(a.Shop), Content: string(raw)}); !errors.Is(err, store.ErrUnique) {
			break // else somebody was first
		}
	}
	if err != nil {
		return head, fmt.Errorf("write the record of acts: %w", err)
	}
	r.export(ctx, head)
	return head, nil
}

// put adds an entry behind the last one, once.
func (r *Record) put(ctx context.Context, e Entry) (head Head, err error) {
	err = r.c.DB.Update(ctx, func(tx *store.Tx) error {
		before, err := headOf(tx)
		if err != nil {
			return err
		}
		if tx.MaybeCommitted() { // an id is of this one writing
			latest, err := tx.Installation().Acts().Latest(Filter{Limit: mostBehind})
			if err != nil {
				return err
			}
			for i := range latest {
				if latest[i].ID == e.ID {
					head = Head{Seq: latest[i].Seq, Hash: latest[i].Hash}
					return nil
				}
			}
		}
		e.Seq, e.At = before.Seq+1, tx.Now()
		e.Hash = bind(r.c.MAC, before.Hash, &e)
		tx.Installation().Acts().Add(&e, before)
		head = Head{Seq: e.Seq, Hash: e.Hash}
		return nil
	})
	return head, err
}

// mostBehind is how many entries others may have added after one whose commit is in doubt.
const mostBehind = 100

// headOf returns the last entry; the zero value where there is none.
func headOf(tx *store.Tx) (Head, error) {
	head, err := tx.Installation().Acts().Head()
	if errors.Is(err, store.ErrNotFound) {
		return Head{}, nil
	}
	return head, err
}

// text is text that every database takes, without card numbers and keys, and not too long.
func text(s string) string {
	s = s[:min(len(s), mostText)]
	return telemetry.MaskSecrets(telemetry.MaskDigits(strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")))
}
