-- The picture by which customers know a shop on its payment page; the name of the present one stands in the shop's settings.
CREATE TABLE shop_logo (
	shop_id {{id}} NOT NULL PRIMARY KEY,
	name    TEXT   NOT NULL, -- what it is served under: a hash of the content, and the ending of its kind
	content BYTEA  NOT NULL
);
