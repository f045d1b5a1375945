-- Who does the work that comes due; facts that merchants are told; notices from providers.

CREATE TABLE node (
	id      {{id}}  NOT NULL PRIMARY KEY,
	expires BIGINT  NOT NULL, -- a node that has not renewed by then counts as dead and may be removed
	leaving BOOLEAN NOT NULL  -- it only finishes what it has begun
);

CREATE TABLE lease (
	shard BIGINT NOT NULL PRIMARY KEY,
	owner {{id}} NOT NULL, -- stands as long as there is such a node
	fence BIGINT NOT NULL  -- raised whenever the owner changes
);

CREATE TABLE event (
	shop_id      {{id}} NOT NULL,
	id           {{id}} NOT NULL,
	dialect      TEXT   NOT NULL,
	payment_id   {{id}} NOT NULL,
	seq          BIGINT NOT NULL, -- 1, 2, … within the payment
	type         TEXT   NOT NULL,
	content_type TEXT   NOT NULL,
	body         TEXT   NOT NULL, -- what is posted, to the byte
	created      BIGINT NOT NULL, -- later than the payment's event before it, whatever the clocks say
	position     BIGINT,          -- in the shop's feed; given when the feed is read
	PRIMARY KEY (shop_id, id),
	UNIQUE (shop_id, payment_id, seq)
);

CREATE UNIQUE INDEX event_position ON event (shop_id, position) WHERE position IS NOT NULL;

CREATE INDEX event_unplaced ON event (shop_id, created, id) WHERE position IS NULL;

CREATE TABLE feed (
	shop_id {{id}} NOT NULL PRIMARY KEY,
	last    BIGINT NOT NULL -- the newest position given
);

CREATE TABLE endpoint (
	shop_id    {{id}}  NOT NULL,
	id         {{id}}  NOT NULL, -- from the shop and the address: see EndpointID
	url        TEXT    NOT NULL,
	shard      BIGINT  NOT NULL,
	state      TEXT    NOT NULL, -- UP, DOWN, DISABLED
	fails      BIGINT  NOT NULL, -- failed tries in a row, those of one delivery counted once
	down_since BIGINT,
	hold       BIGINT,           -- nothing is posted before: the next probe, or what the receiver asked for
	last_event {{id}},           -- whose try failed last, in the present row of failures
	last_error TEXT,
	created    BIGINT  NOT NULL,
	PRIMARY KEY (shop_id, id)
);

CREATE INDEX endpoint_shard ON endpoint (shard, id);

CREATE TABLE delivery (
	shop_id     {{id}}  NOT NULL,
	payment_id  {{id}}  NOT NULL,
	seq         BIGINT  NOT NULL, -- of the event within the payment
	endpoint_id {{id}}  NOT NULL,
	shard       BIGINT  NOT NULL, -- by endpoint
	state       TEXT    NOT NULL, -- WAITING, DELIVERED, FAILED
	tries       BIGINT  NOT NULL, -- in all
	rung        BIGINT  NOT NULL, -- tries since the ladder of waits began
	began       BIGINT,           -- the first of them
	next        BIGINT,           -- when the next try is due; NULL unless WAITING
	done        BIGINT,           -- when it became DELIVERED or FAILED
	took        BIGINT,           -- of the try that was accepted; like took, status and answer of delivery_try
	status      BIGINT,
	answer      TEXT,
	PRIMARY KEY (shop_id, payment_id, seq, endpoint_id)
){{clustered}};

CREATE INDEX delivery_due ON delivery (shard, endpoint_id, next, payment_id, seq) WHERE next IS NOT NULL;

CREATE INDEX delivery_failed ON delivery (shop_id, payment_id, seq, endpoint_id) WHERE state = 'FAILED';

-- Tries that failed; the one that was accepted stands in the delivery until it is sent again.
CREATE TABLE delivery_try (
	shop_id     {{id}}  NOT NULL,
	payment_id  {{id}}  NOT NULL,
	seq         BIGINT  NOT NULL,
	endpoint_id {{id}}  NOT NULL,
	try         BIGINT  NOT NULL,
	at          BIGINT  NOT NULL,
	took        BIGINT  NOT NULL, -- microseconds
	status      BIGINT  NOT NULL, -- 0 when no answer came
	error       TEXT,
	answer      TEXT,             -- the first part of the body
	PRIMARY KEY (shop_id, payment_id, seq, endpoint_id, try)
){{clustered}};

CREATE TABLE notice (
	shop_id     {{id}}  NOT NULL,
	terminal_id {{id}}  NOT NULL,
	key         {{id}}  NOT NULL, -- the provider's event id, or a hash of the body
	received    BIGINT  NOT NULL,
	attempt_key TEXT,             -- what it is about, as the provider names it
	payment_id  {{id}},           -- once it is known
	state       TEXT    NOT NULL, -- WAITING, APPLIED, PARKED
	headers     TEXT    NOT NULL,
	body        BYTEA   NOT NULL, -- raw
	shard       BIGINT  NOT NULL,
	due         BIGINT,
	fails       BIGINT  NOT NULL,
	PRIMARY KEY (shop_id, terminal_id, key)
);

CREATE INDEX notice_due ON notice (due, shard) WHERE due IS NOT NULL;

CREATE INDEX notice_parked ON notice (received) WHERE state = 'PARKED';

CREATE TABLE manual_update (
	shop_id     {{id}} NOT NULL,
	id          {{id}} NOT NULL,
	payment_id  {{id}} NOT NULL,
	to_state    TEXT   NOT NULL,
	code        TEXT,
	reason      TEXT   NOT NULL,
	asked_by    TEXT   NOT NULL,
	asked_at    BIGINT NOT NULL,
	approved_by TEXT,             -- a second person, where the shop demands one
	done_at     BIGINT,           -- NULL while it waits for approval
	PRIMARY KEY (shop_id, id)
);

CREATE INDEX manual_update_payment ON manual_update (shop_id, payment_id, id);

CREATE TABLE installation (
	id    BIGINT NOT NULL PRIMARY KEY, -- always 1
	proof TEXT   NOT NULL              -- of the keys that belong to this database, see vault.Keyring.Proof
);
