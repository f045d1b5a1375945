-- What merchants' APIs keep beside payments: orders, and operations that have names of their own.

CREATE TABLE merchant_order (
	shop_id     {{id}} NOT NULL,
	key         {{id}} NOT NULL, -- hash of the merchant's id of the order, which is long
	payment_id  {{id}} NOT NULL,
	fingerprint BYTEA  NOT NULL, -- of what was asked for
	document    TEXT   NOT NULL, -- JSON of the dialect that made it; never changed
	PRIMARY KEY (shop_id, key)
){{clustered}};

CREATE UNIQUE INDEX merchant_order_payment ON merchant_order (shop_id, payment_id);

CREATE TABLE instruction (
	shop_id     {{id}} NOT NULL,
	payment_id  {{id}} NOT NULL, -- the deposit
	attempt     BIGINT NOT NULL, -- Seq of the capture or void; 0 for a refund
	refund_id   {{id}} NOT NULL, -- the refund; empty for a capture or void
	name        TEXT,            -- the merchant's own id of the operation
	name_key    {{id}},          -- hash of it
	request     TEXT,            -- the request's idempotency key
	fingerprint BYTEA  NOT NULL, -- of what was asked for
	detail      TEXT   NOT NULL, -- JSON of the dialect; never changed
	PRIMARY KEY (shop_id, payment_id, attempt, refund_id),
	UNIQUE (shop_id, name_key)
){{clustered}};
