package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sluicepay/sluice/internal/id"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/store/tx"
)

// Payments have no table of their own for what a customer or an address is: those
// documents are passed on as they are and never queried inside.

const paymentColumns = `p.shop_id, p.id, p.version, p.type, p.state, COALESCE(p.method, ''), COALESCE(p.reference, ''),
	COALESCE(p.parent_id, ''), COALESCE(p.description, ''), COALESCE(CAST(p.amount AS TEXT), ''), p.currency,
	COALESCE(CAST(p.authorised AS TEXT), ''), COALESCE(CAST(p.captured AS TEXT), ''),
	COALESCE(CAST(p.refund_reserved AS TEXT), ''), COALESCE(CAST(p.refunded AS TEXT), ''), p.pre_auth,
	p.start_recurring, COALESCE(p.recurring_token, ''), COALESCE(p.return_url, ''), COALESCE(p.webhook_url, ''), COALESCE(p.terms, ''),
	COALESCE(p.customer, ''), COALESCE(p.billing, ''), COALESCE(p.browser, ''), COALESCE(p.instrument, ''),
	COALESCE(p.terminal, ''), COALESCE(p.error_code, ''), COALESCE(p.external_code, ''),
	COALESCE(CAST(p.fee AS TEXT), ''), COALESCE(p.fee_currency, ''), p.created, p.updated, p.checkout_until, p.live,
	p.tries, p.ops, p.events, p.due, p.due_fails, p.abandoned, COALESCE(p.tokens, ''), p.changed, COALESCE(p.untold, 0), p.went_back, COALESCE(p.lost, '')`

const sqlPayment = `SELECT ` + paymentColumns + ` FROM payment p WHERE p.shop_id = $1 AND p.id = $2`

// Get returns a payment with its attempts, or ErrNotFound. A body that will
// change it may read it once and decide on what it read: its write names the version.
func (t Payments) Get(shop payment.ShopID, pid payment.ID) (payment.Payment, error) {
	t.tx.LockKey(string(pid))
	p, err := t.read(shop, pid)
	for range tornReads {
		if err != nil || !p.Torn() {
			break
		}
		p, err = t.read(shop, pid)
	}
	return p, err
}

// tornReads is how often a payment is read again that was changed between the two reads. Who writes sees it in any case: the
// update names the version.
const tornReads = 3

func (t Payments) read(shop payment.ShopID, pid payment.ID) (payment.Payment, error) {
	b := t.tx.Batch()
	row := tx.OneIn(b, scanPayment, sqlPayment, string(shop), string(pid))
	attempts := tx.ListIn(b, scanAttempt, sqlAttempts, string(shop), string(pid))
	if err := b.Run(); err != nil {
		return payment.Payment{}, err
	}
	p, err := row.Get()
	if err != nil {
		return payment.Payment{}, err
	}
	p.Attempts = *attempts
	return p, nil
}

// Expect says that the body decides on a payment as it was just committed, without
// reading it again: when somebody changed it meanwhile, the guarded update misses and
// the body runs again.
func (t Payments) Expect(p *payment.Payment) { t.tx.LockKey(string(p.ID)) }

func scanPayment(s tx.Scanner) (payment.Payment, error) {
	var p payment.Payment
	var shop, pid, kind, state, method, parent, currency, customer, billing, browser, code, feeCurrency string
	var amount, authorised, captured, reserved, refunded, fee, instrument, terms string
	var created, updated int64
	var until, due, abandoned, changed *int64
	err := s.Scan(&shop, &pid, &p.Version, &kind, &state, &method, &p.Reference, &parent, &p.Description, &amount,
		&currency, &authorised, &captured, &reserved, &refunded, &p.PreAuth, &p.StartRecurring, &p.RecurringToken,
		&p.ReturnURL, &p.WebhookURL, &terms, &customer, &billing, &browser, &instrument, &p.Terminal, &code, &p.ExternalCode,
		&fee, &feeCurrency, &created, &updated, &until, &p.Live, &p.Tries, &p.Ops,
		&p.Told, &due, &p.DueFails, &abandoned, &p.Tokens, &changed, &p.Untold, &p.WentBack, &p.Lost)
	if err != nil {
		return p, err
	}
	p.Shop, p.ID, p.Type, p.Method, p.Parent = payment.ShopID(shop), payment.ID(pid), payment.Type(kind), payment.Method(method), payment.ID(parent)
	p.Currency, p.FeeCurrency, p.ErrorCode = money.Currency(currency), money.Currency(feeCurrency), payment.ErrorCode(code)
	p.Customer, p.Billing, p.Browser = payment.Document(customer), payment.Document(billing), payment.Document(browser)
	p.Created, p.Updated, p.CheckoutUntil = tx.FromMicros(&created), tx.FromMicros(&updated), tx.FromMicros(until)
	p.Due, p.Abandoned, p.Changed = tx.FromMicros(due), tx.FromMicros(abandoned), tx.FromMicros(changed)
	for _, part := range []struct {
		text string
		into *money.Amount
	}{{amount, &p.Amount}, {authorised, &p.Authorised}, {captured, &p.Captured}, {reserved, &p.RefundReserved},
		{refunded, &p.Refunded}, {fee, &p.Fee}} {
		if *part.into, err = readAmount(part.text); err != nil {
			return p, fmt.Errorf("payment %s: %w", pid, err)
		}
	}
	if p.Instrument, err = readInstrument(instrument); err != nil {
		return p, fmt.Errorf("payment %s: %w", pid, err)
	}
	if terms != "" {
		if err := json.Unmarshal([]byte(terms), &p.Terms); err != nil {
			return p, fmt.Errorf("payment %s: terms: %w", pid, err)
		}
	}
	return payment.Restore(p, payment.State(state)), nil
}

const sqlInsertPayment = `INSERT INTO payment (listed, shop_id, id, version, type, state, method, reference, parent_id,
	description, amount, currency, pre_auth, start_recurring, return_url, webhook_url, customer, billing, instrument,
	terminal, error_code, created, updated, checkout_until, live, tries, ops, events, shard, due, due_fails, terms, tokens,
	changed)
	VALUES (` + tx.StampSQL + `, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
	$22, $23, $24, $25, $26, $27, $28, $29, 0, $30, $31, $32)`

// Insert writes a payment that is born, as version 1. Its attempts and
// operations are written by their own methods.
func (t Payments) Insert(p *payment.Payment) {
	t.changes(p)
	t.tx.Write("payment.create", sqlInsertPayment, tx.Stamp{}, string(p.Shop), string(p.ID), string(p.Type), string(p.State()),
		tx.Nullable(string(p.Method)), tx.Nullable(p.Reference), tx.Nullable(string(p.Parent)), tx.Nullable(p.Description),
		amount(p.Amount), string(p.Currency), p.PreAuth, p.StartRecurring, tx.Nullable(p.ReturnURL),
		tx.Nullable(p.WebhookURL), tx.Nullable(string(p.Customer)), tx.Nullable(string(p.Billing)), masked(t.tx, p.Instrument),
		tx.Nullable(p.Terminal), tx.Nullable(string(p.ErrorCode)), tx.Micros(p.Created), tx.Micros(p.Updated),
		tx.Micros(p.CheckoutUntil), p.Live, p.Tries, p.Ops, p.Told, ShardOf(string(p.ID)), tx.Micros(p.Due), terms(t.tx, &p.Terms),
		tx.Nullable(p.Tokens), tx.Micros(p.Changed))
}

const sqlUpdatePayment = `UPDATE payment SET version = version + 1, state = $2, method = $3, amount = $4,
	authorised = $5, captured = $6, refund_reserved = $7, refunded = $8, recurring_token = $9, customer = $10,
	billing = $11, browser = $12, instrument = $13, terminal = $14, error_code = $15, external_code = $16, fee = $17,
	fee_currency = $18, listed = CASE WHEN updated = $19 THEN listed ELSE ` + tx.StampSQL + ` END, updated = $19, live = $20,
	tries = $21, ops = $22, events = $23, due = $24, due_fails = $25, checkout_until = $26, abandoned = $27, pre_auth = $28,
	tokens = $29, changed = $30, went_back = $31, lost = $32 WHERE shop_id = $33 AND id = $34 AND version = $35`

// Update writes everything of a payment that can change, if its version is
// still the one that was read; otherwise the body runs again.
func (t Payments) Update(p *payment.Payment) {
	t.changes(p)
	t.tx.Version("payment.update", sqlUpdatePayment, tx.Stamp{}, string(p.State()), tx.Nullable(string(p.Method)), amount(p.Amount),
		amount(p.Authorised), amount(p.Captured), amount(p.RefundReserved), amount(p.Refunded),
		tx.Nullable(p.RecurringToken), tx.Nullable(string(p.Customer)), tx.Nullable(string(p.Billing)),
		tx.Nullable(string(p.Browser)), masked(t.tx, p.Instrument), tx.Nullable(p.Terminal), tx.Nullable(string(p.ErrorCode)),
		tx.Nullable(p.ExternalCode), amount(p.Fee), tx.Nullable(string(p.FeeCurrency)), tx.Micros(p.Updated), p.Live, p.Tries,
		p.Ops, p.Told, tx.Micros(p.Due), p.DueFails, tx.Micros(p.CheckoutUntil), tx.Micros(p.Abandoned), p.PreAuth, tx.Nullable(p.Tokens),
		tx.Micros(p.Changed), p.WentBack, tx.Nullable(p.Lost), string(p.Shop), string(p.ID), p.Version)
}

const sqlLatestByReference = `SELECT id FROM payment WHERE shop_id = $1 AND substr(reference, 1, 256) = substr($2, 1, 256) AND reference = $2 AND type = $3
	ORDER BY id DESC LIMIT 1`

// LatestByReference returns the newest payment of that type with the merchant's
// reference, or ErrNotFound.
func (t Payments) LatestByReference(shop payment.ShopID, of payment.Type, reference string) (payment.ID, error) {
	found, err := tx.One(t.tx, tx.ScanText, sqlLatestByReference, string(shop), reference, string(of))
	return payment.ID(found), err
}

const sqlListPayments = `SELECT ` + paymentColumns + ` FROM payment p WHERE p.shop_id = $1`

// The page is found in the index first, so that skipped rows are never read.
const pageInIndex = ` AND p.id IN (SELECT q.id FROM payment q WHERE q.shop_id = $1`

// List returns a page of a shop's payments, newest first, and whether more
// follow. The payments come without their attempts.
func (t Payments) List(f payment.Filter) (page []payment.Payment, more bool, err error) {
	text, args := listQuery(f)
	page, err = tx.List(t.tx, scanPayment, text, args...)
	if err != nil {
		return nil, false, err
	}
	if len(page) > f.Limit {
		return page[:f.Limit], true, nil
	}
	return page, false, nil
}

// listQuery joins the fixed conditions that the filter asks for. The instant of
// creation is the start of the id, so that the primary key serves it.
func listQuery(f payment.Filter) (string, []any) {
	args := []any{string(f.Shop)}
	var where strings.Builder
	add := func(condition string, value any) {
		args = append(args, value)
		fmt.Fprintf(&where, " AND %s $%d", condition, len(args))
	}
	if !f.CreatedFrom.IsZero() {
		add("q.id >=", id.Floor(f.CreatedFrom))
	}
	if !f.CreatedBefore.IsZero() {
		add("q.id <", id.Floor(f.CreatedBefore))
	}
	if !f.UpdatedFrom.IsZero() {
		add("q.listed >=", ceilMicros(f.UpdatedFrom))
	}
	if !f.UpdatedBefore.IsZero() {
		add("q.listed <", ceilMicros(f.UpdatedBefore))
	}
	if f.Reference != "" {
		add("substr(q.reference, 1, 256) =", firstRunes(f.Reference, indexedRunes))
		if utf8.RuneCountInString(f.Reference) >= indexedRunes {
			add("q.reference =", f.Reference)
		}
	}
	args = append(args, int64(f.Limit)+1, int64(f.Offset))
	// The casts keep SQLite from preparing the statement anew for each value.
	page := fmt.Sprintf(" ORDER BY q.id DESC LIMIT CAST($%d AS BIGINT) OFFSET CAST($%d AS BIGINT)", len(args)-1, len(args))
	return sqlListPayments + pageInIndex + where.String() + page + ") ORDER BY p.id DESC", args
}

// indexedRunes is how much of a reference the index holds.
const indexedRunes = 256

// firstRunes is what text begins with, at most n characters.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// readAmount reads an amount column; empty is the stored NULL, zero.
func readAmount(text string) (money.Amount, error) {
	if text == "" {
		return money.Amount{}, nil
	}
	return money.ParseFixed(text)
}

// amount is how an amount is stored: fixed width, so that text compares like the
// number on SQLite; zero is NULL.
func amount(a money.Amount) any {
	if a.IsZero() {
		return nil
	}
	return a.Fixed()
}

func readInstrument(text string) (i instrument.Masked, err error) {
	if text == "" {
		return i, nil
	}
	if err := json.Unmarshal([]byte(text), &i); err != nil {
		return i, fmt.Errorf("instrument: %w", err)
	}
	return i, nil
}

func terms(t *tx.Tx, said *payment.Terms) any {
	if said.IsZero() {
		return nil
	}
	raw, err := json.Marshal(said)
	if err != nil {
		t.Fail(fmt.Errorf("terms: %w", err))
		return nil
	}
	return string(raw)
}

func masked(t *tx.Tx, i instrument.Masked) any {
	if i == (instrument.Masked{}) {
		return nil
	}
	raw, err := json.Marshal(i)
	if err != nil {
		t.Fail(fmt.Errorf("instrument: %w", err))
		return nil
	}
	return string(raw)
}
