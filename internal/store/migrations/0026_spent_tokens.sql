-- Tokens of wallets that a try was made with: each pays once. No row is written for a shop that takes none. A row says nothing of
-- the token but that it was there.
CREATE TABLE spent_token (
	shop_id    {{id}} NOT NULL,
	hash       {{id}} NOT NULL, -- of the wallet and the token's own id
	payment_id {{id}} NOT NULL, -- that it was spent on
	due        BIGINT,          -- from when on nobody would take it any more; NULL for never
	created    BIGINT NOT NULL,
	PRIMARY KEY (shop_id, hash)
);

CREATE INDEX spent_token_due ON spent_token (due) WHERE due IS NOT NULL;
