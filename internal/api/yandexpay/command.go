package yandexpay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/engine"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	idempotencyAge = 24 * time.Hour // of X-Request-Id

	mostRoute  = 512 // characters of a route that are kept as they are
	mostHeader = 255 // likewise of X-Request-Id
)

// command is a capture, cancel or refund that is about to be carried out.
type command struct {
	idem        engine.Idempotency
	instruction engine.Instruction
	wait        time.Duration
}

// asked returns the order that a command is about, and the object in the command's body.
func (y *YandexPay) asked(c *call) (*orderView, *api.Value, error) {
	v, err := y.find(c, c.id)
	if err != nil {
		return nil, nil, err
	}
	doc, err := readObject(c)
	return v, doc, err
}

// newCommand prepares a command on an order. Two requests are the same when content is: what was asked for beside the
// name, in one spelling.
func (y *YandexPay) newCommand(c *call, v *orderView, name string, content []string) command {
	text := strings.Join(append([]string{string(v.Payment.ID), name}, content...), "\n")
	fingerprint := y.engine.Fingerprint([]byte(text))
	k := command{
		instruction: engine.Instruction{Name: name, Fingerprint: fingerprint},
		wait:        y.patience(c.Header),
	}
	if given := c.Header.Get("X-Request-Id"); given != "" {
		k.idem = engine.Idempotency{
			Route:       bounded(c.Method+" "+c.URL.EscapedPath(), mostRoute),
			Key:         bounded(given, mostHeader) + ":" + hex.EncodeToString(fingerprint),
			Fingerprint: fingerprint, MaxAge: idempotencyAge,
		}
		k.instruction.Request = k.idem.Route + " " + k.idem.Key
	}
	return k
}

// bounded is a text as keys in the database may be: a hash stands for one that is long, or not printable ASCII.
func bounded(text string, most int) string {
	odd := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) >= 0
	if len(text) <= most && !odd {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256 " + hex.EncodeToString(sum[:])
}

// say sets what is kept with the command.
func (k *command) say(d *detail) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("render what was said with an operation: %w", err)
	}
	k.instruction.Detail = string(raw)
	return nil
}

// target is the command as the engine takes it.
func (k *command) target(c *call, v *orderView) engine.Target {
	return engine.Target{Shop: c.shop, ID: v.Payment.ID, Idem: k.idem, Instruction: &k.instruction, Wait: k.wait}
}

// repeated returns the operation that the same command has led to before: by the request's own id, then by the name of
// the operation. A name that cannot be used again is errDuplicateName. Nil means that the command is new, as far as it
// was not begun after the order was looked at.
func (y *YandexPay) repeated(c *call, v *orderView, k *command) (*operation, error) {
	if op := y.requested(v, k); op != nil || k.instruction.Name == "" {
		return op, nil
	}
	by, err := y.records.InstructionNamed(c.Context(), c.shop.ID, k.instruction.Name)
	if errors.Is(err, payment.ErrNotFound) {
		return nil, nil //nolint:nilnil // nothing was found, which is no error
	}
	if err != nil {
		return nil, err
	}
	same := string(by.Fingerprint) == string(k.instruction.Fingerprint) && by.Payment == v.Payment.ID
	if !same {
		return nil, errDuplicateName
	}
	now, err := y.view(c, v.Payment.ID) // it may be younger than what was seen of the order
	if err != nil {
		return nil, err
	}
	if op := y.requested(now, k); op != nil {
		return op, nil
	}
	for i := range now.operations {
		if o := &now.operations[i]; o.name() == by.Name && o.Status != operationSuccess {
			return o, nil
		}
	}
	return nil, errDuplicateName
}

// requested returns the operation that the same request has led to not long ago.
func (y *YandexPay) requested(v *orderView, k *command) *operation {
	if k.idem.Key == "" {
		return nil
	}
	since := y.engine.Now().Add(-idempotencyAge)
	for i := range v.operations {
		o := &v.operations[i]
		if o.Said != nil && o.Said.Request == k.instruction.Request && o.Created.After(since) {
			return o
		}
	}
	return nil
}

// settled finds the operation of a command that the engine has carried out, or has seen before.
func (y *YandexPay) settled(c *call, v *orderView, k *command, attempt int) (*orderView, *operation, error) {
	after, err := y.view(c, v.Payment.ID)
	if err != nil {
		return nil, nil, err
	}
	for i := range slices.Backward(after.operations) { // the latest: a request's id may be used again after its time
		o := &after.operations[i]
		if attempt != 0 && o.attempt == attempt || attempt == 0 && o.Said != nil && o.Said.Request == k.instruction.Request {
			return after, o, nil
		}
	}
	return nil, nil, fmt.Errorf("payment %s: no operation of attempt %d: %w", v.Payment.ID, attempt, errNotShown)
}

// errNotShown: what the engine has carried out is not among the operations.
var errNotShown = errors.New("an operation is not shown")

// explain turns the refusal of a command that was decided on an older state than the present one into the answer to
// it: the order is looked at again.
func (y *YandexPay) explain(c *call, v *orderView, err error, refuse func(*orderView) error) error {
	var refusal *payment.Refusal
	var named *engine.NameTaken
	switch {
	case errors.As(err, &named), errors.Is(err, context.Canceled):
		return err
	case !errors.As(err, &refusal) && !errors.Is(err, payment.ErrBusy):
		return err
	}
	now, failed := y.view(c, v.Payment.ID)
	if failed != nil {
		return failed
	}
	if why := refuse(now); why != nil {
		return why
	}
	return err
}

// replayed says in the answer that it stands for something that was done before.
func (c *call) replayed() { c.w.Header().Set("Idempotency-Replayed", "true") }

// answerAgain shows one operation that an earlier request has led to.
func answerAgain(c *call, p *payment.Payment, op *operation) {
	c.replayed()
	answerOperation(c, p, op)
}

// answerOperation shows one operation.
func answerOperation(c *call, p *payment.Payment, op *operation) {
	answer(c.w, func(o *object) {
		o.child("operation", func(o *object) { op.write(o, p) })
	})
}
