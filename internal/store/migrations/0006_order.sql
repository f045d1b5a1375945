-- What keeps an order whatever clocks say and however many work at once.

-- The last instant that is on record of the payment: what happens to it next is not recorded with an earlier one. NULL,
-- or behind "updated", where only older programs wrote: then it is "updated".
ALTER TABLE payment ADD COLUMN changed BIGINT;

UPDATE payment SET changed = (SELECT MAX(COALESCE(o.completed, o.started)) FROM operation o
	WHERE o.shop_id = payment.shop_id AND o.payment_id = payment.id) WHERE due IS NOT NULL OR live <> 0;

-- 1, 2, … within the payment and the dialect, as merchants see it. NULL in older events, which show seq.
ALTER TABLE event ADD COLUMN number BIGINT;

-- Raised by every change, which names the version that it was made from.
ALTER TABLE shop ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE terminal ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
