// Package nodes is which processes take part in the due work and which of them works on what: the tables node and lease. It is a
// part of package store, which hands its accessors on.
package nodes

import (
	"time"

	"github.com/sluicepay/sluice/internal/store/tx"
)

// Nodes reads and writes which processes take part in the due work: table node.
type Nodes struct{ tx *tx.Tx }

// Leases writes which node does the due work of which shard: table lease.
type Leases struct{ tx *tx.Tx }

// Of is the accessor of nodes in a transaction.
func Of(t *tx.Tx) Nodes { return Nodes{t} }

// LeasesOf is the accessor of leases in a transaction.
func LeasesOf(t *tx.Tx) Leases { return Leases{t} }

// Node is a process that takes part in the due work.
type Node struct {
	ID      string // never used again by another process
	Expires time.Time
	Leaving bool // it only finishes what it has begun, and is no longer counted in sharing
}

// Lease says which node does the due work of a shard. It stands as long as that node has
// a row, whatever the node's expiry says; so one row renewed keeps all leases of a node,
// and taking over from a dead node begins with removing its row.
type Lease struct {
	Shard int64
	Owner string // "" is nobody
	Fence int64  // raised whenever the owner changes; 0 when the shard never had one
}

// Members is who takes part and who works on what, in one snapshot.
type Members struct {
	Nodes  []Node
	Leases []Lease // of shards that ever had one
}

// AtWork lists who counts as alive at an instant.
const AtWork = sqlNodesAtWork

const sqlNodesAtWork = `SELECT id FROM node WHERE expires > $1 ORDER BY id`

// membersKey is the lock key of what looks at nodes and leases.
const membersKey = "members"

const sqlMembers = `SELECT -1 AS shard, id, 0 AS fence, expires, leaving FROM node
	UNION ALL SELECT shard, owner, fence, 0, FALSE FROM lease`

// Members returns nodes and leases, in no order. They are read by one statement: with
// two, a node that joins in between would look like an owner that is gone.
func (t Nodes) Members() (Members, error) {
	t.tx.LockKey(membersKey)
	var m Members
	err := t.tx.Each(func(s tx.Scanner) error {
		var shard, fence, expires int64
		var name string
		var leaving bool
		if err := s.Scan(&shard, &name, &fence, &expires, &leaving); err != nil {
			return err
		}
		if shard < 0 {
			m.Nodes = append(m.Nodes, Node{ID: name, Expires: tx.FromMicros(&expires), Leaving: leaving})
		} else {
			m.Leases = append(m.Leases, Lease{Shard: shard, Owner: name, Fence: fence})
		}
		return nil
	}, sqlMembers)
	if err != nil {
		return Members{}, err
	}
	return m, nil
}

const sqlInsertNode = `INSERT INTO node (id, expires, leaving, seals, tells_late) VALUES ($1, $2, $3, TRUE, TRUE) ON CONFLICT (id) DO NOTHING`

// Insert lets a node take part. The body runs again if there is such a node.
//
// Leases that an earlier row of the same id left behind stand again with it, while others
// may be about to take them: the caller must take or release each of them in the same
// transaction.
func (t Nodes) Insert(n Node) {
	t.tx.Guard("node.create", sqlInsertNode, n.ID, tx.Micros(n.Expires), n.Leaving)
}

const sqlRenewNode = `UPDATE node SET expires = $1, leaving = $2 WHERE id = $3`

// Renew sets a node's expiry and whether it is leaving. Success proves that all leases of the node stood until
// now. The body runs again if the node was removed; a node that is late but still there
// is renewed.
func (t Nodes) Renew(n Node) {
	t.tx.Guard("node.renew", sqlRenewNode, tx.Micros(n.Expires), n.Leaving, n.ID)
}

const sqlRenewQuietNode = `UPDATE node SET expires = $1 WHERE id = $2
	AND NOT EXISTS (SELECT 1 FROM node AS dead WHERE dead.expires < $3)
	AND (SELECT COUNT(*) FROM node) = $4
	AND (SELECT CAST(COALESCE(SUM(fence), 0) AS BIGINT) FROM lease) = $5`

// RenewQuiet is Renew for a node that stays as it is. The body runs again also
// when some node has expired, or when there are not as many nodes as given, or when the
// fences of all leases do not add up to what is given. So a node that has nothing to do
// renews itself and watches the others by one statement.
func (t Nodes) RenewQuiet(n Node, nodes int, fences int64) {
	t.tx.Guard("node.quiet", sqlRenewQuietNode, tx.Micros(n.Expires), n.ID, tx.Micros(t.tx.Now()), nodes, fences)
}

const sqlRemoveNode = `DELETE FROM node WHERE id = $1 AND expires = $2`

// Remove removes a node that has expired, as it was read, and so frees its leases.
// The body runs again if the node was renewed or removed meanwhile.
func (t Nodes) Remove(n Node) {
	t.tx.Guard("node.remove", sqlRemoveNode, n.ID, tx.Micros(n.Expires))
}

const sqlDeleteNode = `DELETE FROM node WHERE id = $1`

// Delete ends a node's own part; its leases are free at once.
func (t Nodes) Delete(id string) {
	t.tx.LockKey(membersKey)
	t.tx.Write("node.delete", sqlDeleteNode, id)
}

const sqlTakeLease = `INSERT INTO lease (shard, owner, fence) VALUES ($1, $2, 1)
	ON CONFLICT (shard) DO UPDATE SET owner = excluded.owner, fence = lease.fence + 1 WHERE lease.fence = $3`

// Take gives a shard to a new owner and raises its fence by one. The lease is given
// as it was read, the zero fence standing for none; its owner must have been nobody or
// without a row. The body runs again if the lease has changed.
func (t Leases) Take(read Lease, owner string) {
	t.tx.Guard("lease.take", sqlTakeLease, read.Shard, owner, read.Fence)
}

const sqlReleaseLease = `UPDATE lease SET owner = '', fence = fence + 1
	WHERE shard = $1 AND owner = $2 AND fence = $3`

// Release gives a shard to nobody. The body runs again if the lease has changed.
func (t Leases) Release(read Lease) {
	t.tx.Guard("lease.release", sqlReleaseLease, read.Shard, read.Owner, read.Fence)
}

const sqlOldNodes = `SELECT id FROM node WHERE NOT seals AND expires >= $1 ORDER BY id`

// Old names the living nodes whose programs cannot open what is sealed.
func (t Nodes) Old() ([]string, error) {
	return tx.List(t.tx, tx.ScanText, sqlOldNodes, tx.Micros(t.tx.Now()))
}
