-- What a human is told, until somebody acknowledges it; and events that could not be put into words yet.

CREATE TABLE alarm (
	shop_id  {{id}} NOT NULL, -- empty for what belongs to no shop
	id       {{id}} NOT NULL, -- time-ordered
	key      {{id}} NOT NULL, -- hash of about, subject and why: equal alarms are one row while nobody has acknowledged it
	about    TEXT   NOT NULL, -- payment, notice, endpoint, event, terminal, work
	subject  TEXT   NOT NULL, -- which one
	why      TEXT   NOT NULL,
	detail   TEXT,            -- of the latest time: an error, a stack
	first    BIGINT NOT NULL,
	latest   BIGINT NOT NULL,
	times    BIGINT NOT NULL,
	occasion {{id}} NOT NULL, -- the latest time, so that a transaction that runs again does not count twice
	acked    BIGINT,          -- NULL while nobody has looked at it
	acked_by TEXT,
	note     TEXT,
	PRIMARY KEY (shop_id, id)
);

CREATE UNIQUE INDEX alarm_open ON alarm (shop_id, key) WHERE acked IS NULL;

CREATE INDEX alarm_waiting ON alarm (first, id) WHERE acked IS NULL;

CREATE INDEX alarm_id ON alarm (id);

-- Facts that a dialect could not word when they were stored, and later ones that must not overtake them.
CREATE TABLE untold (
	shop_id    {{id}} NOT NULL,
	payment_id {{id}} NOT NULL, -- in whose order they are told
	dialect    {{id}} NOT NULL,
	number     BIGINT NOT NULL, -- order of the facts within the payment
	fact       TEXT   NOT NULL, -- JSON: the event with its payment and deposit as it left them
	error      TEXT,            -- why it could not be worded the last time; NULL for one that only waits behind another
	created    BIGINT NOT NULL,
	shard      BIGINT NOT NULL,
	due        BIGINT,          -- when it is tried again; NULL while it waits behind another
	fails      BIGINT NOT NULL,
	PRIMARY KEY (shop_id, payment_id, dialect, number)
);

CREATE INDEX untold_due ON untold (due, shard) WHERE due IS NOT NULL;

-- The highest number of the payment's untold facts; NULL while there are none.
ALTER TABLE payment ADD COLUMN untold BIGINT;
