// Package places says where the rows of each table are on an engine that has many nodes. It is a part of package store, and knows
// names of tables only.
package places

import "github.com/sluicepay/sluice/internal/store/tx"

// tables says of every table where its rows are on an engine that has many nodes. All that a shop has is in one part, so that what
// is done for it is done at one node; what is looked up without knowing a shop is on every node, where it is read often and
// written rarely; and what belongs to the installation as a whole is at the coordinator. A table that a migration adds has its
// line here, and a key that is unique begins with the shop in the first kind: tests say so.
var tables = map[string]tx.Spread{
	"payment": tx.Parted, "attempt": tx.Parted, "operation": tx.Parted,
	"idempotency": tx.Parted, "reference": tx.Parted, "chain": tx.Parted,
	"event": tx.Parted, "feed": tx.Parted, "untold": tx.Parted,
	"endpoint": tx.Parted, "delivery": tx.Parted, "delivery_try": tx.Parted,
	"notice": tx.Parted, "manual_update": tx.Parted, "alarm": tx.Parted,
	"merchant_order": tx.Parted, "instruction": tx.Parted,
	"shop_logo": tx.Parted, "card_token": tx.Parted, "spent_token": tx.Parted, "sent_request": tx.Parted, "payment_tally": tx.Parted, "payment_mark": tx.Parted, "payment_histogram": tx.Parted,

	"shop": tx.Copied, "api_key": tx.Copied, "terminal": tx.Copied,

	"node": tx.Single, "lease": tx.Single, "installation": tx.Single, "restoration": tx.Single,
	"signing_key": tx.Single, "data_key": tx.Single, "sealing": tx.Single, "card_range": tx.Single,
	"audit_entry": tx.Single, "audit_head": tx.Single,
	"schema_migration": tx.Single, "schema_lease": tx.Single,
}

// Part is the column by which tables are divided.
const Part = "shop_id"

// Of is where the rows of every table are. It must not be changed.
func Of() map[string]tx.Spread { return tables }
