-- Cards that shops keep for their customers, each under a token that is the shop's own. No row is written for a shop that has not switched
-- them on. The number is sealed and stands nowhere else; there is no security code, in any form.
CREATE TABLE card_token (
	shop_id  {{id}}  NOT NULL,
	token    {{id}}  NOT NULL, -- a keyed hash of customer and number: the same card of the same customer has the same one
	customer {{id}}  NOT NULL, -- the merchant's id of the customer
	number   TEXT    NOT NULL, -- sealed, never in clear
	masked   TEXT    NOT NULL, -- first six and last four digits
	brand    TEXT    NOT NULL,
	holder   TEXT    NOT NULL,
	month    TEXT    NOT NULL, -- of the expiry, two digits
	year     TEXT    NOT NULL, -- four digits
	expires  BIGINT  NOT NULL, -- when the card is no good any more
	saved    BOOLEAN NOT NULL, -- the customer asked for it
	proven   BOOLEAN NOT NULL, -- a payment with it was approved; until then nobody can use it or is shown it
	due      BIGINT  NOT NULL, -- when it is forgotten
	created  BIGINT  NOT NULL,
	updated  BIGINT  NOT NULL,
	PRIMARY KEY (shop_id, token)
);

CREATE INDEX card_token_customer ON card_token (shop_id, customer);
CREATE INDEX card_token_due ON card_token (due);

INSERT INTO sealing (part, version, round, at_shop, at_id, at_seq, unopened, shard, due, fails) VALUES ('cards', 1, 0, '', '', 0, 0, 7, 0, 0);
