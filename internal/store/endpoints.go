package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// EndpointState says whether deliveries are made to an endpoint.
type EndpointState string

// The states of an endpoint.
const (
	EndpointUp       EndpointState = "UP"
	EndpointDown     EndpointState = "DOWN"     // several tries in a row failed: one probe at a time
	EndpointDisabled EndpointState = "DISABLED" // the receiver said 410, or an operator stopped it
)

// EndpointKey names an endpoint: an address to which one shop's events are posted.
type EndpointKey struct {
	Shop payment.ShopID
	ID   string
}

// EndpointID is the id of a shop's endpoint with that address. No other shop's endpoint
// has it, even at the same address.
func EndpointID(shop payment.ShopID, url string) string {
	sum := sha256.Sum256([]byte(string(shop) + "\n" + url))
	return hex.EncodeToString(sum[:16])
}

// Shard is the shard to which the deliveries of the endpoint belong.
func (k EndpointKey) Shard() int64 { return ShardOf(k.ID) }

// String spells the key as "shop/endpoint"; ParseEndpointKey reads it.
func (k EndpointKey) String() string { return string(k.Shop) + "/" + k.ID }

// ParseEndpointKey reads what String wrote; ok is false for any other text.
func ParseEndpointKey(s string) (k EndpointKey, ok bool) {
	shop, eid, ok := strings.Cut(s, "/")
	return EndpointKey{payment.ShopID(shop), eid}, ok && shop != "" && eid != ""
}

// Endpoint is where events are posted and how that went lately.
type Endpoint struct {
	EndpointKey
	URL       string
	State     EndpointState
	Fails     int       // failed tries in a row, those of one delivery counted once
	DownSince time.Time // zero unless DOWN
	Hold      time.Time // nothing is posted before; zero when nothing holds it
	LastEvent string    // id of the event whose try failed last, in the present row of failures
	LastError string    // of the last failure, kept when the endpoint is up again
	Created   time.Time
}

const endpointColumns = `shop_id, id, url, state, fails, down_since, hold, COALESCE(last_event, ''),
	COALESCE(last_error, ''), created`

const sqlEndpoint = `SELECT ` + endpointColumns + ` FROM endpoint WHERE shop_id = $1 AND id = $2`

// Get returns an endpoint, or ErrNotFound.
func (t Endpoints) Get(k EndpointKey) (Endpoint, error) {
	return tx.One(t.tx, scanEndpoint, sqlEndpoint, string(k.Shop), k.ID)
}

func scanEndpoint(s tx.Scanner) (Endpoint, error) {
	var e Endpoint
	var shop, state string
	var down, hold *int64
	var created int64
	err := s.Scan(&shop, &e.ID, &e.URL, &state, &e.Fails, &down, &hold, &e.LastEvent, &e.LastError, &created)
	e.Shop, e.State, e.Created = payment.ShopID(shop), EndpointState(state), tx.FromMicros(&created)
	e.DownSince, e.Hold = tx.FromMicros(down), tx.FromMicros(hold)
	return e, err
}

const sqlInsertEndpoint = `INSERT INTO endpoint (shop_id, id, url, shard, state, fails, created)
	VALUES ($1, $2, $3, $4, 'UP', 0, $5) ON CONFLICT (shop_id, id) DO NOTHING`

// insert makes sure that the endpoint exists. It changes no row that is there, so
// that shops with one address do not queue up behind it.
func (t Endpoints) insert(k EndpointKey, url string, at time.Time) {
	t.tx.Write("endpoint.create", sqlInsertEndpoint, string(k.Shop), k.ID, url, k.Shard(), tx.Micros(at))
}

const sqlUpdateEndpoint = `UPDATE endpoint SET state = $1, fails = $2, down_since = $3, hold = $4, last_event = $5,
	last_error = $6 WHERE shop_id = $7 AND id = $8 AND state = $9`

// Update writes the condition of an endpoint that had the state was when it was
// read. If somebody has changed the state since, it stays as it is.
func (t Endpoints) Update(e *Endpoint, was EndpointState) {
	t.tx.Write("endpoint.update", sqlUpdateEndpoint, string(e.State), e.Fails, tx.Micros(e.DownSince), tx.Micros(e.Hold),
		tx.Nullable(e.LastEvent), tx.Nullable(e.LastError), string(e.Shop), e.ID, string(was))
}

// sqlDueEndpoints walks, on one node, over the index of open deliveries from one endpoint to the next,
// so it costs a few look-ups for each endpoint that has any, however many they are. The
// truth about what is due stands in the deliveries alone: a delivery that is committed
// while an endpoint's backlog is being finished cannot be overlooked. The first endpoint of
// each shop comes before any second one, so that a shop with more of them than the limit hides
// nobody's.
const sqlDueEndpoints = `WITH RECURSIVE part (n) AS (
		SELECT 0 UNION ALL SELECT n + 1 FROM part WHERE n < 63
	), busy (shard, endpoint_id) AS (
		SELECT n, (SELECT d.endpoint_id FROM delivery d WHERE d.next IS NOT NULL AND d.shard = n
			ORDER BY d.endpoint_id LIMIT 1)
		FROM part WHERE substr($1, n + 1, 1) = '1'
		UNION ALL
		SELECT b.shard, (SELECT d.endpoint_id FROM delivery d WHERE d.next IS NOT NULL AND d.shard = b.shard
			AND d.endpoint_id > b.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
		FROM busy b WHERE b.endpoint_id IS NOT NULL
	)
	SELECT r.shop_id, r.id, r.due FROM (
	SELECT q.shop_id, q.id, q.due, ROW_NUMBER() OVER (PARTITION BY q.shop_id ORDER BY q.due) AS place FROM (
	SELECT p.shop_id, p.id, p.next, p.hold, CASE WHEN p.hold > p.next THEN p.hold ELSE p.next END AS due FROM (
		SELECT e.shop_id, e.id, COALESCE(e.hold, 0) AS hold,
			(SELECT d.next FROM delivery d WHERE d.next IS NOT NULL AND d.shard = b.shard
				AND d.endpoint_id = b.endpoint_id ORDER BY d.next LIMIT 1) AS next
		FROM busy b JOIN endpoint e ON e.shard = b.shard AND e.id = b.endpoint_id
	) p) q WHERE q.next <= $2 AND q.hold <= $2) r ORDER BY r.place, r.due LIMIT $3`

// dueEndpointsEverywhere is the same where tables are divided among nodes, which take no recursive query: each looks at all
// endpoints of the shards that it has, a look-up for each. The shards are put in.
const dueEndpointsEverywhere = `SELECT r.shop_id, r.id, r.due FROM (
	SELECT q.shop_id, q.id, q.due, ROW_NUMBER() OVER (PARTITION BY q.shop_id ORDER BY q.due) AS place FROM (
	SELECT p.shop_id, p.id, p.next, p.hold, CASE WHEN p.hold > p.next THEN p.hold ELSE p.next END AS due FROM (
		SELECT e.shop_id, e.id, COALESCE(e.hold, 0) AS hold,
			(SELECT d.next FROM delivery d WHERE d.next IS NOT NULL AND d.shop_id = e.shop_id AND d.shard = e.shard
				AND d.endpoint_id = e.id ORDER BY d.next LIMIT 1) AS next
		FROM endpoint e WHERE %s
	) p) q WHERE q.next <= $1 AND q.hold <= $1) r ORDER BY r.place, r.due`

// DueEndpoint names an endpoint with work: deliveries that are due, or that can no longer
// be made because it is disabled.
type DueEndpoint struct {
	EndpointKey
	Due time.Time // since when
}

// Due returns endpoints of the shards with work that is due at or before the
// instant, at most limit: the longest due of each shop first, then the second of each, and so on.
func (t Endpoints) Due(shards []int64, before time.Time, limit int) ([]DueEndpoint, error) {
	if t.tx.Spread() {
		where, args := tx.InShards(shards, []any{before.UnixMicro()})
		text, args := tx.Limited(fmt.Sprintf(dueEndpointsEverywhere, where), args, limit)
		return tx.List(t.tx, scanDueEndpoint, text, args...)
	}
	mask := []byte(strings.Repeat("0", Shards))
	for _, s := range shards {
		mask[s] = '1'
	}
	return tx.List(t.tx, scanDueEndpoint, sqlDueEndpoints, string(mask), before.UnixMicro(), int64(limit))
}

func scanDueEndpoint(s tx.Scanner) (DueEndpoint, error) {
	var d DueEndpoint
	var shop string
	var due int64
	err := s.Scan(&shop, &d.ID, &due)
	d.Shop, d.Due = payment.ShopID(shop), tx.FromMicros(&due)
	return d, err
}

const sqlNextDelivery = `SELECT d.next FROM delivery d WHERE d.next IS NOT NULL AND d.shard = $1 AND d.endpoint_id = $2 AND d.shop_id = $3
	ORDER BY d.next LIMIT 1`

// NextDue returns when there is work for the endpoint next, holds included; the zero
// time when it has no open delivery or does not exist.
func (t Endpoints) NextDue(k EndpointKey) (time.Time, error) {
	b := t.tx.Batch()
	row := tx.OneIn(b, scanEndpoint, sqlEndpoint, string(k.Shop), k.ID)
	next := tx.OneIn(b, tx.ScanInt64, sqlNextDelivery, k.Shard(), k.ID, string(k.Shop))
	if err := b.Run(); err != nil {
		return time.Time{}, err
	}
	if !row.Found || !next.Found {
		return time.Time{}, nil
	}
	due := tx.FromMicros(&next.Value)
	if row.Value.Hold.After(due) {
		due = row.Value.Hold
	}
	return due, nil
}

const sqlEndpoints = `SELECT ` + endpointColumns + `,
		(SELECT COUNT(*) FROM delivery d WHERE d.next IS NOT NULL AND d.shop_id = $1 AND d.shard = endpoint.shard AND d.endpoint_id = endpoint.id)
	FROM endpoint WHERE shop_id = $1 AND id > $2 ORDER BY id LIMIT $3`

// EndpointInfo is an endpoint as operators see it.
type EndpointInfo struct {
	Endpoint
	Open int64 // deliveries that are not finished
}

// List returns the endpoints of a shop in the order of their ids, those after the
// given id, at most limit.
func (t Endpoints) List(shop payment.ShopID, after string, limit int) ([]EndpointInfo, error) {
	return tx.List(t.tx, func(s tx.Scanner) (EndpointInfo, error) {
		var i EndpointInfo
		var err error
		i.Endpoint, err = scanEndpoint(scannerFunc(func(dest ...any) error { return s.Scan(append(dest, &i.Open)...) }))
		return i, err
	}, sqlEndpoints, string(shop), after, int64(limit))
}

// scannerFunc is a tx.Scanner that reads more columns than asked for.
type scannerFunc func(dest ...any) error

func (f scannerFunc) Scan(dest ...any) error { return f(dest...) }
