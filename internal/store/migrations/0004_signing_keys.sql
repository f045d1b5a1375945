-- The keys of this installation by which receivers verify events that are signed tokens. The keys themselves are
-- derived from the key file by their names and salts and stand in no database.

CREATE TABLE signing_key (
	number      BIGINT PRIMARY KEY, -- 1, 2, …
	kid         {{id}} NOT NULL UNIQUE,
	salt        TEXT   NOT NULL,    -- without it nobody who has the key file knows the next key
	created     BIGINT NOT NULL,    -- published since then
	active_from BIGINT NOT NULL,    -- signs from then on
	replaced_at BIGINT              -- the next key's active_from; NULL for the newest
);
