CREATE TABLE t_entry (
	shop_id    {{id}}  NOT NULL,
	account_id {{id}}  NOT NULL,
	seq        BIGINT  NOT NULL,
	text       TEXT    NOT NULL,
	PRIMARY KEY (shop_id, account_id, seq)
);
