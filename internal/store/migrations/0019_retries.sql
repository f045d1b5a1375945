-- How often the customer of a payment may try again on our page after a try that was refused, and whether the customer chose the
-- method. Of payments that there are, none may.

ALTER TABLE payment ADD COLUMN retries BIGINT NOT NULL DEFAULT 0;

ALTER TABLE payment ADD COLUMN chosen BOOLEAN NOT NULL DEFAULT FALSE;
