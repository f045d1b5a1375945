-- How the last changes of the payments between two marks are spread over time: see marks/histogram.go. A mark may have none.

CREATE TABLE payment_histogram (
	shop_id {{id}}  NOT NULL,
	n       BIGINT NOT NULL, -- the mark's, with its id and the one before, so that it tells of those payments and no others
	id      {{id}}  NOT NULL,
	after   {{id}}  NOT NULL,
	shift   BIGINT NOT NULL, -- a cell is 2^shift microseconds
	cells   BYTEA  NOT NULL,
	PRIMARY KEY (shop_id, n)
){{clustered}};
