-- Settings of a terminal that were replaced and still verify notices: a JSON array, NULL for none.
ALTER TABLE terminal ADD COLUMN retired TEXT;
