-- What a payment is to be paid with, such as the number of a card, for as long as it may be needed: sealed, and never in clear.
-- A security code is not among it.

ALTER TABLE payment ADD COLUMN means TEXT; -- NULL where nothing is kept, which is nearly always

CREATE INDEX payment_means ON payment (shop_id, id) WHERE means IS NOT NULL;

INSERT INTO sealing (part, version, round, at_shop, at_id, at_seq, unopened, shard, due, fails) VALUES ('payments', 1, 0, '', '', 0, 0, 7, 0, 0);
