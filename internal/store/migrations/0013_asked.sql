-- The amount of a deposit is what was asked for, whatever was captured of it.
UPDATE payment SET amount = authorised WHERE captured IS NOT NULL AND captured < authorised AND amount = captured;
