-- Shops, their keys and terminals; payments with their attempts and operations.
-- An amount that is NULL is zero. Optional texts are NULL when empty.

CREATE TABLE shop (
	id          {{id}}  NOT NULL PRIMARY KEY,
	merchant    TEXT    NOT NULL,
	name        TEXT    NOT NULL UNIQUE,
	live        BOOLEAN NOT NULL,
	active      BOOLEAN NOT NULL,
	signing_key TEXT    NOT NULL,
	settings    TEXT    NOT NULL, -- JSON
	created     BIGINT  NOT NULL
);

CREATE TABLE api_key (
	shop_id {{id}} NOT NULL,
	id      {{id}} NOT NULL,
	prefix  {{id}} NOT NULL,
	hash    BYTEA  NOT NULL, -- keyed; the key itself is nowhere
	label   TEXT   NOT NULL,
	created BIGINT NOT NULL,
	revoked BIGINT,
	PRIMARY KEY (shop_id, id)
);

CREATE INDEX api_key_prefix ON api_key (prefix);

CREATE TABLE terminal (
	shop_id    {{id}}  NOT NULL,
	id         {{id}}  NOT NULL,
	name       TEXT    NOT NULL,
	connector  TEXT    NOT NULL,
	config     TEXT    NOT NULL, -- JSON of the connector
	types      TEXT    NOT NULL, -- JSON arrays
	methods    TEXT    NOT NULL,
	currencies TEXT    NOT NULL,
	pre_auth   BOOLEAN NOT NULL,
	recurring  BOOLEAN NOT NULL,
	enabled    BOOLEAN NOT NULL,
	priority   BIGINT  NOT NULL,
	PRIMARY KEY (shop_id, id),
	UNIQUE (shop_id, name)
);

CREATE INDEX terminal_id ON terminal (id);

CREATE TABLE payment (
	shop_id         {{id}}  NOT NULL,
	id              {{id}}  NOT NULL,
	version         BIGINT  NOT NULL, -- every change of the payment, its attempts or operations raises it
	type            TEXT    NOT NULL,
	state           TEXT    NOT NULL, -- what the log of operations folds to
	method          TEXT,
	reference       {{id}},
	parent_id       {{id}},
	description     TEXT,
	amount          {{amount}},
	currency        TEXT    NOT NULL,
	authorised      {{amount}},
	captured        {{amount}},
	refund_reserved {{amount}},
	refunded        {{amount}},
	pre_auth        BOOLEAN NOT NULL,
	start_recurring BOOLEAN NOT NULL,
	recurring_token TEXT,
	return_url      TEXT,
	webhook_url     TEXT,
	terms           TEXT, -- JSON; what only some APIs ask for
	customer        TEXT, -- JSON
	billing         TEXT, -- JSON
	browser         TEXT, -- JSON
	instrument      TEXT, -- JSON; never more of a card than first six and last four
	terminal        TEXT,
	error_code      TEXT,
	external_code   TEXT,
	fee             {{amount}},
	fee_currency    TEXT,
	created         BIGINT  NOT NULL, -- the instant in id
	updated         BIGINT  NOT NULL, -- last change of something that is shown
	checkout_until  BIGINT,
	abandoned       BIGINT,           -- since when the merchant wants it undone
	live            BIGINT  NOT NULL, -- the attempt whose outcome is open; 0 for none
	tries           BIGINT  NOT NULL,
	ops             BIGINT  NOT NULL,
	events          BIGINT  NOT NULL, -- events so far
	shard           BIGINT  NOT NULL, -- whose work it is when something comes due
	due             BIGINT,           -- when: the checkout ends or the provider is to be asked
	due_fails       BIGINT  NOT NULL, -- times in a row that the work failed; parked when due is NULL and this is not 0
	PRIMARY KEY (shop_id, id),
	CHECK (captured IS NULL OR authorised IS NOT NULL AND captured <= authorised),
	CHECK (refund_reserved IS NULL OR captured IS NOT NULL AND refund_reserved <= captured),
	CHECK (refunded IS NULL OR refund_reserved IS NOT NULL AND refunded <= refund_reserved)
);

-- References can be longer than what PostgreSQL indexes.
CREATE INDEX payment_reference ON payment (shop_id, substr(reference, 1, 256), id);

-- The refunds of a deposit.
CREATE INDEX payment_parent ON payment (shop_id, parent_id, id) WHERE parent_id IS NOT NULL;

CREATE INDEX payment_updated ON payment (shop_id, updated);

CREATE INDEX payment_due ON payment (due, shard) WHERE due IS NOT NULL;

CREATE TABLE attempt (
	shop_id      {{id}}  NOT NULL,
	payment_id   {{id}}  NOT NULL,
	seq          BIGINT  NOT NULL,
	kind         TEXT    NOT NULL,
	terminal_id  {{id}}  NOT NULL,
	terminal     TEXT    NOT NULL,
	key          {{id}}  NOT NULL, -- what the provider knows the attempt by
	class        TEXT    NOT NULL,
	amount       {{amount}},
	currency     TEXT    NOT NULL,
	op           BIGINT  NOT NULL, -- the running operation; 0 for none
	lease_owner  TEXT,
	lease_until  BIGINT,
	next_check   BIGINT,
	checks       BIGINT  NOT NULL,
	not_found_at BIGINT,
	provider_ref TEXT,
	own_ref      {{id}}, -- provider_ref of the payment's own tries: one transaction is never booked twice
	code         TEXT,
	raw_code     TEXT,
	redirect     TEXT,
	redirected   BOOLEAN NOT NULL,
	returned     BOOLEAN NOT NULL,
	credential   TEXT,
	reverses     BIGINT  NOT NULL, -- the attempt whose late success this one gives back; 0 for none
	reversed     BOOLEAN NOT NULL, -- a late success that is given back, or was
	started      BIGINT  NOT NULL,
	PRIMARY KEY (shop_id, payment_id, seq),
	UNIQUE (shop_id, terminal_id, key),
	UNIQUE (shop_id, terminal_id, own_ref)
){{clustered}};

CREATE TABLE operation (
	shop_id    {{id}} NOT NULL,
	payment_id {{id}} NOT NULL,
	seq        BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	started    BIGINT NOT NULL,
	completed  BIGINT, -- NULL while it runs; never changes afterwards
	state      TEXT   NOT NULL,
	attempt    BIGINT NOT NULL, -- 0 for none
	outgoing   TEXT, -- JSON arrays of masked messages
	incoming   TEXT,
	began      BIGINT NOT NULL, -- versions of the payment that start and end made; ended is 0 while it runs
	ended      BIGINT NOT NULL,
	PRIMARY KEY (shop_id, payment_id, seq)
){{clustered}};

CREATE TABLE idempotency (
	shop_id     {{id}} NOT NULL,
	route       {{id}} NOT NULL,
	key         {{id}} NOT NULL,
	fingerprint BYTEA  NOT NULL,
	payment_id  {{id}} NOT NULL,
	created     BIGINT NOT NULL,
	PRIMARY KEY (shop_id, route, key)
){{clustered}};

CREATE TABLE reference (
	shop_id     {{id}}  NOT NULL,
	type        {{id}}  NOT NULL,
	reference   {{id}}  NOT NULL,
	payment_id  {{id}}  NOT NULL,
	fingerprint BYTEA   NOT NULL,
	forever     BOOLEAN NOT NULL, -- stays when the payment fails
	PRIMARY KEY (shop_id, type, reference)
){{clustered}};

CREATE TABLE chain (
	shop_id     {{id}}  NOT NULL,
	token       {{id}}  NOT NULL,
	payment_id  {{id}}  NOT NULL,
	terminal_id {{id}}  NOT NULL,
	terminal    TEXT    NOT NULL,
	credential  TEXT    NOT NULL, -- the provider's handle
	method      TEXT    NOT NULL,
	currency    TEXT    NOT NULL,
	instrument  TEXT,
	stopped     BIGINT,           -- when; NULL while it can be continued
	PRIMARY KEY (shop_id, token)
){{clustered}};
