-- The sums of a payment beside what was asked for, a JSON object: see payment.Roles.
ALTER TABLE payment ADD COLUMN sums TEXT; -- NULL where it is all one currency and nobody has told of a settlement
