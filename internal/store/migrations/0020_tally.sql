-- Lists count the payments of a shop once: see marks/marks.go. Payments are never deleted and ids begin with the instant of
-- creation, so how many lie below an id of long ago changes only by one that is written late.

ALTER TABLE payment ADD COLUMN late BIGINT; -- the stamp of its birth, where that came long after the instant in its id; else NULL

CREATE INDEX payment_late ON payment (shop_id, late, id) WHERE late IS NOT NULL;

-- Shops whose payments are counted.
CREATE TABLE payment_tally (
	shop_id {{id}}  NOT NULL PRIMARY KEY,
	version BIGINT NOT NULL, -- raised whenever marks are made or given up
	asof    BIGINT  NOT NULL, -- payments written late up to then are counted
	changed BIGINT  NOT NULL  -- what the marks say of last changes holds for payments whose last change is not after it
);

-- Marks: n payments of the shop have a smaller id. They stand a fixed number of payments apart, the first at 0 and ''.
CREATE TABLE payment_mark (
	shop_id {{id}}  NOT NULL,
	n       BIGINT NOT NULL,
	id      {{id}}  NOT NULL,
	after   {{id}}  NOT NULL, -- the mark before
	least   BIGINT NOT NULL, -- bounds of the last changes (payment.listed) of the payments between the two
	most    BIGINT NOT NULL,
	PRIMARY KEY (shop_id, n)
){{clustered}};

CREATE UNIQUE INDEX payment_mark_id ON payment_mark (shop_id, id);

ALTER TABLE node ADD COLUMN tells_late BOOLEAN NOT NULL DEFAULT FALSE; -- it writes payment.late: programs before this one do not
