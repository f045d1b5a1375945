-- A route is a record. Payments of older programs have none, and nothing is tried after what is under way of them.

ALTER TABLE operation ADD COLUMN plan TEXT; -- lines of JSON: the plan beside the intent, what followed beside a refusal; NULL for nothing
ALTER TABLE attempt ADD COLUMN rest TEXT;   -- JSON: what the plan has after this try; NULL where nothing is tried after it
