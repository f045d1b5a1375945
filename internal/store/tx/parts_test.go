package tx

import (
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestPartArgument(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]int{
		"SELECT id FROM payment WHERE shop_id = $1":                                                  1,
		"UPDATE payment SET due = $1 WHERE id = $3 AND shop_id = $2":                                 2,
		"INSERT INTO event (shop_id, id) VALUES ($1, $2)":                                            1,
		"INSERT INTO event (id, shop_id) VALUES ($1, $2) ON CONFLICT (shop_id, id) DO NOTHING":       2,
		"INSERT INTO payment (listed, shop_id) VALUES (CAST($1 AS BIGINT), $12)":                     12,
		"INSERT INTO event (number, shop_id) VALUES (1 + COALESCE((SELECT 1, 2 FROM event), 0), $3)": 3,
		"INSERT INTO delivery_try (shop_id) SELECT shop_id FROM delivery WHERE shop_id = $4":         4,
		"SELECT 1 FROM delivery d JOIN event e ON e.shop_id = d.shop_id WHERE d.shop_id = $8":        8,
		"SELECT 1 FROM delivery d JOIN event e ON e.shop_id = d.shop_id":                             0,
		"SELECT 1 FROM payment WHERE workshop_id = $1":                                               0,
		"INSERT INTO node (id) VALUES ($1)":                                                          0,
		"INSERT INTO event (shop_id) VALUES ('')":                                                    0,
		"INSERT INTO event (id, shop_id) VALUES ($1)":                                                0,
	} {
		if got := PartArgument(sql, "shop_id"); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
}

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
