-- What is asked of providers about attempts that are settled already, and deposits that are abandoned when all of them
-- has been refunded.

ALTER TABLE attempt ADD COLUMN doubts BIGINT NOT NULL DEFAULT 0; -- times that it became due to ask about it

ALTER TABLE payment ADD COLUMN went_back BOOLEAN NOT NULL DEFAULT FALSE; -- all was refunded before it was abandoned
