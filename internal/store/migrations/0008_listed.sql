-- The instant that lists by last change compare: not before the change can be read, see changed.go.

ALTER TABLE payment ADD COLUMN listed BIGINT NOT NULL DEFAULT 0;

UPDATE payment SET listed = updated;

CREATE INDEX payment_listed ON payment (shop_id, listed, id);

DROP INDEX payment_updated;
