-- A small table with one column of every kind that the portable subset has.
CREATE TABLE t_account (
	shop_id    {{id}}   NOT NULL,
	id         {{id}}   NOT NULL,
	version    BIGINT   NOT NULL,
	balance    {{amount}} NOT NULL,
	units      BIGINT   NOT NULL CHECK (units >= 0),
	open       BOOLEAN  NOT NULL,
	secret     BYTEA,
	note       TEXT,
	created_at BIGINT   NOT NULL,
	PRIMARY KEY (shop_id, id)
){{clustered}};

CREATE UNIQUE INDEX t_account_note ON t_account (shop_id, note);
