-- What is not known because the installation was restored from a backup.

-- Of which tries the providers have still to be asked: see payment.LostTries. NULL for none.
ALTER TABLE payment ADD COLUMN lost TEXT;

CREATE TABLE restoration (
	epoch    {{id}} NOT NULL PRIMARY KEY, -- the one that the installation was given
	lost     TEXT   NOT NULL,             -- those whose time since the backup nobody remembers
	taken    BIGINT NOT NULL,             -- when the backup was taken
	restored BIGINT NOT NULL
);
