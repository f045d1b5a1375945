-- Alone: to a server before this step a deposit in review is one between tries, which its customer may pay and its clock may end.

-- Payments that their screening did not let pass at once. Nothing of it is written for those that passed.
ALTER TABLE payment ADD COLUMN review BIGINT;  -- until when a review holds it; NULL while none does
ALTER TABLE payment ADD COLUMN screened TEXT;  -- the last verdict that was not to pass, a JSON object: see payment.Screening

CREATE INDEX payment_review ON payment (shop_id, review, id) WHERE review IS NOT NULL;
