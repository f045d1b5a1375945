-- When a terminal was removed, NULL for never. Its settings stay for a day: a request that began before may still send a payment there.
ALTER TABLE terminal ADD COLUMN removed BIGINT;
