-- What an attempt sent, as keyed hashes, so that it can be sent again as the very same bytes: only of attempts whose call gave no
-- answer, at providers that publish that as the way to learn an outcome. A row says nothing of what was sent.
CREATE TABLE sent_request (
	shop_id    {{id}} NOT NULL,
	payment_id {{id}} NOT NULL,
	seq        BIGINT NOT NULL, -- of the attempt
	sums       TEXT NOT NULL,
	tries      BIGINT NOT NULL, -- how often it was sent again
	due        BIGINT NOT NULL, -- from when on it is not sent any more
	PRIMARY KEY (shop_id, payment_id, seq)
);

CREATE INDEX sent_request_due ON sent_request (due);
