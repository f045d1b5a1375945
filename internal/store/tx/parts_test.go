package tx

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TestAGroupIsDividedByParts: a transaction of one part is one node's business; what is of several parts, or of none, spoils nobody's.
func TestAGroupIsDividedByParts(t *testing.T) {
	t.Parallel()
	db := &DB{tables: Tables{Part: "shop_id"}}
	set := func(shops ...any) *writeSet {
		s := &writeSet{}
		for _, shop := range shops {
			w := write{sql: "UPDATE payment SET due = NULL WHERE shop_id = $1", args: []any{shop}}
			if shop == nil {
				w = write{sql: "UPDATE node SET expires = 1"}
			}
			s.writes = append(s.writes, w)
		}
		s.part = db.partOf(s)
		return s
	}
	group := []*writeSet{set("a"), set("b", "b"), set(nil), set("a", "b"), set("a", "a"), set("a", nil), set("b"), set(nil)}
	want := [][]int{{0, 4}, {1, 6}, {2}, {3}, {5}, {7}}
	if got := byPart(group); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestALostConnectionBeforeCommitLeavesNothing: on many nodes COMMIT is sent by itself, so that whoever is lost before it was sent is
// known to have written nothing.
func TestALostConnectionBeforeCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	away := &pgconn.PgError{Severity: "ERROR", Code: "08006", Message: "connection to the remote node failed"}
	before := statementError("x", away)
	if !isLost(before) {
		t.Fatalf("in a batch with its COMMIT: %v", before)
	}
	if err := notSent(before); isLost(err) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("before COMMIT was sent: %v", err)
	}
	if err := committed(pgconn.NewCommandTag(""), away); !isLost(err) {
		t.Errorf("at COMMIT: %v", err)
	}
	if err := committed(pgconn.NewCommandTag("ROLLBACK"), nil); !errors.Is(err, errRetry) {
		t.Errorf("COMMIT answered by ROLLBACK: %v", err)
	}
	if err := committed(pgconn.NewCommandTag("COMMIT"), nil); err != nil {
		t.Errorf("COMMIT answered by COMMIT: %v", err)
	}
}

// TestWhereNobodyAnswersIsAskedOnce for all parts of a group: each would wait as long as the first.
func TestWhereNobodyAnswersIsAskedOnce(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig("postgres://nobody@127.0.0.1:1/none")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
		asked++
		return errors.New("nobody is there")
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := &postgresCommitter{
		db: &DB{groupLimit: time.Minute}, pool: pool, texts: map[string]string{}, spread: true,
		statistics: &statistics{pool: pool, log: slog.New(slog.DiscardHandler), closed: true},
	}
	errs := make([]error, 3)
	asked = 0 // by the pool itself, which keeps none
	c.commit([]*writeSet{{part: "a"}, {part: "b"}, {part: "a"}}, errs)
	for i, err := range errs {
		if !errors.Is(err, ErrUnavailable) || isLost(err) {
			t.Errorf("set %d: %v", i, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}
