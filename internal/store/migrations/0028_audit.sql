-- What people did: each entry is bound by a keyed hash to the one before it. Rows are only ever added. The head says which the last one is.
CREATE TABLE audit_entry (
	seq     BIGINT PRIMARY KEY, -- 1, 2, 3, … without a gap
	id      {{id}} NOT NULL,    -- of this one writing
	at      BIGINT NOT NULL,
	act     TEXT NOT NULL,
	who     TEXT NOT NULL,
	shop    TEXT,           -- whose it is; NULL for what is no shop's
	content TEXT NOT NULL,  -- a JSON object
	hash    {{id}} NOT NULL
);

CREATE INDEX audit_entry_shop ON audit_entry (shop, seq) WHERE shop IS NOT NULL;

CREATE TABLE audit_head (
	name {{id}} PRIMARY KEY, -- of the chain: there is one
	seq  BIGINT NOT NULL,
	hash {{id}} NOT NULL
);
