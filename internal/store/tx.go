package store

import (
	"time"

	"github.com/sluicepay/sluice/internal/store/audit"
	"github.com/sluicepay/sluice/internal/store/cards"
	"github.com/sluicepay/sluice/internal/store/contents"
	"github.com/sluicepay/sluice/internal/store/marks"
	"github.com/sluicepay/sluice/internal/store/nodes"
	"github.com/sluicepay/sluice/internal/store/sent"
	"github.com/sluicepay/sluice/internal/store/signing"
	"github.com/sluicepay/sluice/internal/store/spent"
	"github.com/sluicepay/sluice/internal/store/tx"
	"github.com/sluicepay/sluice/internal/vault"
)

// Tx is one run of a transaction body: a transaction of the kernel in the form that callers get, who reach each table by its
// accessor and nothing else. It is valid until the body returns and only in the body's own goroutine.
type Tx tx.Tx

// kernel is the transaction as the tables use it.
func (t *Tx) kernel() *tx.Tx { return (*tx.Tx)(t) }

// Now returns the instant of this run of the body, UTC, in whole microseconds. It does not move while
// the body runs.
func (t *Tx) Now() time.Time { return t.kernel().Now() }

// After has f called when the writes of this run are committed, in the caller's goroutine.
// Whatever matters must be in the writes: a process can end before f is called.
func (t *Tx) After(f func()) { t.kernel().After(f) }

// MaybeCommitted reports that an earlier run of this body may have been committed, although its
// acknowledgement was lost: see [tx.Tx.MaybeCommitted] for what the body has to do then.
func (t *Tx) MaybeCommitted() bool { return t.kernel().MaybeCommitted() }

// Again says that what this run has read does not fit together, because somebody wrote in between: whatever the body
// returns, it runs again with fresh reads.
func (t *Tx) Again() { _ = t.kernel().Again() }

// Seal returns the text sealed for the place, as DB.Seal does; the transaction fails where nothing can be sealed.
func (t *Tx) Seal(p vault.Place, plain string) string { return secrets{t.kernel()}.seal(p, plain) }

// Open returns what was sealed for the place. A text in clear is returned as it is. A key that this process does not know is
// looked for in the database: another node may have made it a moment ago.
func (t *Tx) Open(p vault.Place, text string) (string, error) {
	return secrets{t.kernel()}.open(p, text)
}

// Payments reads and writes payments: table payment.
type Payments struct{ tx *tx.Tx }

// Attempts reads and writes the attempts of payments at providers: table attempt.
type Attempts struct{ tx *tx.Tx }

// Operations reads and writes the log of payments: table operation.
type Operations struct{ tx *tx.Tx }

// Orders reads and writes what a dialect keeps beside a payment under the merchant's own id: table merchant_order.
type Orders struct{ tx *tx.Tx }

// Instructions reads and writes what merchants said with captures, voids and refunds: table instruction.
type Instructions struct{ tx *tx.Tx }

// IdempotencyKeys reads and writes the keys by which merchants repeat a command: table idempotency.
type IdempotencyKeys struct{ tx *tx.Tx }

// References reads and writes the references that a shop allows once: table reference.
type References struct{ tx *tx.Tx }

// Chains reads and writes recurring chains: table chain.
type Chains struct{ tx *tx.Tx }

// Events writes events; they are read as deliveries and by DB.ReadFeed: table event.
type Events struct{ tx *tx.Tx }

// Deliveries reads and writes events on their way to endpoints, and the log of tries: tables delivery and delivery_try.
type Deliveries struct{ tx *tx.Tx }

// Endpoints reads and writes the addresses that events are posted to: table endpoint.
type Endpoints struct{ tx *tx.Tx }

// Notices reads and writes notices of providers that were kept to be booked: table notice.
type Notices struct{ tx *tx.Tx }

// UntoldFacts reads and writes facts that wait to be put into words: table untold.
type UntoldFacts struct{ tx *tx.Tx }

// Alarms reads and writes what humans are told: table alarm.
type Alarms struct{ tx *tx.Tx }

// ManualUpdates reads and writes what operators do to payments by hand: table manual_update.
type ManualUpdates struct{ tx *tx.Tx }

// Shops reads and writes shops: table shop.
type Shops struct{ tx *tx.Tx }

// Terminals reads and writes the terminals of shops: table terminal.
type Terminals struct{ tx *tx.Tx }

// APIKeys reads and writes the keys of shops for the API: table api_key.
type APIKeys struct{ tx *tx.Tx }

// SigningKeys reads and writes what is known of the keys that sign events: table signing_key.
type SigningKeys = signing.Keys

// DataKeys reads and writes the wrapped keys that seal secrets: table data_key.
type DataKeys struct{ tx *tx.Tx }

// Sealings seals what stands in the database, and keeps how far that has come: table sealing.
type Sealings struct{ tx *tx.Tx }

// Nodes reads and writes which processes take part in the due work: table node.
type Nodes = nodes.Nodes

// Leases writes which node does the due work of which shard: table lease.
type Leases = nodes.Leases

// Logos reads and writes the pictures of shops: table shop_logo.
type Logos = contents.Logos

// RangeTables reads and writes the table of card ranges that an operator has imported: table card_range.
type RangeTables = contents.RangeTables

// CardTokens reads and writes the cards that shops keep: table card_token.
type CardTokens = cards.Tokens

// SpentTokens reads and writes the tokens of wallets that have paid: table spent_token.
type SpentTokens = spent.Tokens

// SentRequests reads and writes what calls without an answer have sent: table sent_request.
type SentRequests = sent.Requests

// Installation reads and writes which keys the database belongs to, and that it was restored: tables installation and restoration.
type Installation struct{ tx *tx.Tx }

// Tallies reads and writes the counts that lists go by: tables payment_tally, payment_mark and payment_histogram.
type Tallies = marks.Tallies

// Work says what comes due in several tables at once.
type Work struct{ tx *tx.Tx }

// Payments is the accessor of its table.
func (t *Tx) Payments() Payments { return Payments{t.kernel()} }

// Attempts is the accessor of its table.
func (t *Tx) Attempts() Attempts { return Attempts{t.kernel()} }

// Operations is the accessor of its table.
func (t *Tx) Operations() Operations { return Operations{t.kernel()} }

// Orders is the accessor of its table.
func (t *Tx) Orders() Orders { return Orders{t.kernel()} }

// Instructions is the accessor of its table.
func (t *Tx) Instructions() Instructions { return Instructions{t.kernel()} }

// IdempotencyKeys is the accessor of its table.
func (t *Tx) IdempotencyKeys() IdempotencyKeys { return IdempotencyKeys{t.kernel()} }

// References is the accessor of its table.
func (t *Tx) References() References { return References{t.kernel()} }

// Chains is the accessor of its table.
func (t *Tx) Chains() Chains { return Chains{t.kernel()} }

// Events is the accessor of its table.
func (t *Tx) Events() Events { return Events{t.kernel()} }

// Deliveries is the accessor of its table.
func (t *Tx) Deliveries() Deliveries { return Deliveries{t.kernel()} }

// Endpoints is the accessor of its table.
func (t *Tx) Endpoints() Endpoints { return Endpoints{t.kernel()} }

// Notices is the accessor of its table.
func (t *Tx) Notices() Notices { return Notices{t.kernel()} }

// UntoldFacts is the accessor of its table.
func (t *Tx) UntoldFacts() UntoldFacts { return UntoldFacts{t.kernel()} }

// Alarms is the accessor of its table.
func (t *Tx) Alarms() Alarms { return Alarms{t.kernel()} }

// ManualUpdates is the accessor of its table.
func (t *Tx) ManualUpdates() ManualUpdates { return ManualUpdates{t.kernel()} }

// Shops is the accessor of its table.
func (t *Tx) Shops() Shops { return Shops{t.kernel()} }

// Terminals is the accessor of its table.
func (t *Tx) Terminals() Terminals { return Terminals{t.kernel()} }

// APIKeys is the accessor of its table.
func (t *Tx) APIKeys() APIKeys { return APIKeys{t.kernel()} }

// SigningKeys is the accessor of its table.
func (t *Tx) SigningKeys() SigningKeys { return signing.Of(t.kernel()) }

// DataKeys is the accessor of its table.
func (t *Tx) DataKeys() DataKeys { return DataKeys{t.kernel()} }

// Sealings is the accessor of its table.
func (t *Tx) Sealings() Sealings { return Sealings{t.kernel()} }

// Nodes is the accessor of its table.
func (t *Tx) Nodes() Nodes { return nodes.Of(t.kernel()) }

// Leases is the accessor of its table.
func (t *Tx) Leases() Leases { return nodes.LeasesOf(t.kernel()) }

// Installation is the accessor of its table.
func (t *Tx) Installation() Installation { return Installation{t.kernel()} }

// Tallies is the accessor of its tables.
func (t *Tx) Tallies() Tallies { return marks.Of(t.kernel()) }

// Work is the accessor of its table.
func (t *Tx) Work() Work { return Work{t.kernel()} }

// Logos is the accessor of its table.
func (t *Tx) Logos() Logos { return contents.LogosOf(t.kernel()) }

// RangeTables is the accessor of its table.
func (t *Tx) RangeTables() RangeTables { return contents.RangeTablesOf(t.kernel()) }

// CardTokens is the accessor of its table.
func (t *Tx) CardTokens() CardTokens { return cards.Of(t.kernel()) }

// SpentTokens is the accessor of its table.
func (t *Tx) SpentTokens() SpentTokens { return spent.Of(t.kernel()) }

// SentRequests is the accessor of its table.
func (t *Tx) SentRequests() SentRequests { return sent.Of(t.kernel()) }

// Acts is the accessor of what is on record of what people did: tables audit_entry and audit_head.
func (t Installation) Acts() audit.Entries { return audit.Of(t.tx) }
