-- The table that tells where cards were issued, as an operator has imported it: one row, or none.

CREATE TABLE card_range (
	id       BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
	version  {{id}}  NOT NULL, -- another one for each import
	source   TEXT    NOT NULL, -- what the operator imported it from
	spans    BIGINT  NOT NULL, -- how many it has
	imported BIGINT  NOT NULL,
	packed   BYTEA   NOT NULL  -- see package cardrange
);
