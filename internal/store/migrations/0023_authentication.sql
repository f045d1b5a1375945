-- How the holder of the card was authenticated, as the provider tells: JSON, see instrument.Authentication. NULL where it tells nothing.
ALTER TABLE attempt ADD COLUMN auth TEXT;
