-- Secrets are sealed: texts that begin with "sluice-sealed:" name the data key that opens them. Those in clear are of older
-- programs; they are read as they are and sealed by and by.

CREATE TABLE data_key (
	number  BIGINT NOT NULL PRIMARY KEY, -- 1, 2, …
	id      {{id}} NOT NULL UNIQUE,      -- what sealed texts name it by
	master  {{id}} NOT NULL,             -- id of the master key that wraps it, which stands in no database
	wrapped BYTEA  NOT NULL,
	created BIGINT NOT NULL,
	active  BIGINT                       -- seals since then; NULL while a node lives that cannot open
);

-- How far the sealing of what stands in the database has come, one row a part. Every rotation begins anew, but for the part
-- "file", which is to leave nothing behind of what stood there in clear, once.
CREATE TABLE sealing (
	part     {{id}} NOT NULL PRIMARY KEY,
	version  BIGINT NOT NULL, -- raised by every change
	round    BIGINT NOT NULL, -- passes that are over
	at_shop  {{id}} NOT NULL, -- the last row that this pass has looked at
	at_id    {{id}} NOT NULL,
	at_seq   BIGINT NOT NULL,
	unopened BIGINT NOT NULL, -- rows of this pass whose secret cannot be opened, so that it stays as it is
	shard    BIGINT NOT NULL,
	due      BIGINT,          -- when it goes on; NULL when there is nothing to be done
	fails    BIGINT NOT NULL
);

INSERT INTO sealing (part, version, round, at_shop, at_id, at_seq, unopened, shard, due, fails) VALUES
	('attempts', 1, 0, '', '', 0, 0, 7, 0, 0), ('chains', 1, 0, '', '', 0, 0, 7, 0, 0),
	('shops', 1, 0, '', '', 0, 0, 7, 0, 0), ('file', 1, 0, '', '', 0, 0, 7, 0, 0), ('terminals', 1, 0, '', '', 0, 0, 7, 0, 0);

ALTER TABLE node ADD COLUMN seals BOOLEAN NOT NULL DEFAULT FALSE; -- it can open what is sealed: programs before this one do not say so

CREATE INDEX attempt_credential ON attempt (shop_id, payment_id, seq) WHERE credential IS NOT NULL;
