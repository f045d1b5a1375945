-- The tokens of a payment's last decisions, newest first, so that a commit that nobody confirmed is found again.

ALTER TABLE payment ADD COLUMN tokens TEXT;
