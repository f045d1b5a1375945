package simulator

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Faults: what the client of a struck request sees.
const (
	FaultHang           = "hang"            // no answer until the client gives up
	FaultDrop           = "drop"            // the connection is closed without an answer
	FaultServerError    = "server_error"    // status 500 with a JSON error
	FaultBadGateway     = "bad_gateway"     // status 502 with an HTML page
	FaultGarbage        = "garbage"         // status 200 with bytes that are no JSON
	FaultTruncated      = "truncated"       // status 200, cut in the middle of the body
	FaultHuge           = "huge"            // status 200 with 8 MiB of JSON
	FaultEmpty          = "empty"           // status 200 without a body
	FaultErrorBody      = "error_body"      // status 200 with an error inside
	FaultWrongAmount    = "wrong_amount"    // the answer tells another amount
	FaultWrongCurrency  = "wrong_currency"  // the answer tells another currency
	FaultWrongID        = "wrong_id"        // the answer carries another transaction's id
	FaultWrongReference = "wrong_reference" // the answer carries another reference
	FaultCardNumber     = "card_number"     // the answer repeats the whole card number as its id and credential
	FaultRateLimited    = "rate_limited"    // status 429, not processed
	FaultUnauthorized   = "unauthorized"    // status 401, not processed
	FaultRejected       = "rejected"        // status 422, not processed
	FaultNotFound       = "not_found"       // status 404; for status queries
)

// Stages: when a fault strikes, seen from the booking.
const (
	StageBefore = "before" // nothing is booked
	StageAfter  = "after"  // booked, then the fault
	StageLate   = "late"   // the client gets no answer; booked after DelayMs
)

// neverBooked are the refusals that promise that nothing was done.
var neverBooked = []string{FaultRateLimited, FaultUnauthorized, FaultRejected, FaultNotFound}

var edited = []string{FaultWrongAmount, FaultWrongCurrency, FaultWrongID, FaultWrongReference, FaultCardNumber}

var allFaults = []string{
	FaultHang, FaultDrop, FaultServerError, FaultBadGateway, FaultGarbage, FaultTruncated, FaultHuge,
	FaultEmpty, FaultErrorBody, FaultWrongAmount, FaultWrongCurrency, FaultWrongID, FaultWrongReference, FaultCardNumber,
	FaultRateLimited, FaultUnauthorized, FaultRejected, FaultNotFound,
}

var noticeModes = []string{"", NoticeAlways, NoticeDuplicate, NoticeLate, NoticeOutOfOrder, NoticeForged, NoticeLost}

const maxEffectMs = 24 * 60 * 60 * 1000

// Effect is what happens to a struck request. Zero fields change nothing.
type Effect struct {
	// Fault is what the client sees instead of the answer.
	Fault string `json:"fault,omitempty"`
	// Stage is before, after or late. Default: after; before for the faults that
	// promise that nothing was done, whose stage cannot be another.
	Stage string `json:"stage,omitempty"`
	// DelayMs delays the answer; at the stage late, the booking.
	DelayMs int64 `json:"delayMs,omitempty"`
	// ResponseCode is the verdict: 00 approves, overruling the card and the
	// amount rules; another two-character code declines.
	ResponseCode string `json:"responseCode,omitempty"`
	// AsyncAfterMs makes the transaction pending first and final this much later
	// on the simulator's clock; -1 leaves it pending until somebody decides it.
	AsyncAfterMs int64 `json:"asyncAfterMs,omitempty"`
	// LagMs is how long status queries answer not found after the booking, on
	// the simulator's clock.
	LagMs int64 `json:"lagMs,omitempty"`
	// Notice is one of the Notice constants.
	Notice string `json:"notice,omitempty"`
	// NoticeDelayMs delays the notices, on the simulator's clock.
	NoticeDelayMs int64 `json:"noticeDelayMs,omitempty"`
	// Correct is what the transaction is corrected to once it is final, one of the
	// Correct constants, CorrectAfterMs later on the simulator's clock.
	Correct        string `json:"correct,omitempty"`
	CorrectAfterMs int64  `json:"correctAfterMs,omitempty"`
}

// normal fills the stage in and refuses what has no meaning.
func (e Effect) normal() (Effect, error) {
	if e.Fault != "" && !slices.Contains(allFaults, e.Fault) {
		return e, fmt.Errorf("fault %.40q is not known", e.Fault)
	}
	if !slices.Contains(noticeModes, e.Notice) {
		return e, fmt.Errorf("notice %.40q is not known", e.Notice)
	}
	if !slices.Contains(corrections, e.Correct) {
		return e, fmt.Errorf("correct %.40q is not known", e.Correct)
	}
	if e.ResponseCode != "" && !validCode(e.ResponseCode) {
		return e, fmt.Errorf("responseCode %.40q is not two digits or capital letters", e.ResponseCode)
	}
	for _, ms := range []int64{e.DelayMs, e.LagMs, e.NoticeDelayMs, e.CorrectAfterMs, max(e.AsyncAfterMs, 0)} {
		if ms < 0 || ms > maxEffectMs {
			return e, fmt.Errorf("a delay is 0 to %d milliseconds", maxEffectMs)
		}
	}
	if e.AsyncAfterMs < -1 {
		return e, errors.New("asyncAfterMs is -1 (never) or more")
	}
	return e.withStage()
}

func (e Effect) withStage() (Effect, error) {
	never := slices.Contains(neverBooked, e.Fault)
	if e.Stage == "" {
		e.Stage = StageAfter
		if never {
			e.Stage = StageBefore
		}
	}
	switch {
	case e.Stage != StageBefore && e.Stage != StageAfter && e.Stage != StageLate:
		return e, fmt.Errorf("stage %.40q is not before, after or late", e.Stage)
	case never && e.Stage != StageBefore:
		return e, fmt.Errorf("fault %s promises that nothing was done: its stage is before", e.Fault)
	case slices.Contains(edited, e.Fault) && e.Stage != StageAfter:
		return e, fmt.Errorf("fault %s edits an answer: its stage is after", e.Fault)
	case e.Stage == StageLate && e.Fault != FaultHang:
		return e, errors.New("only the fault hang has the stage late")
	case e.Stage == StageBefore && e.Fault == "":
		return e, errors.New("the stage before needs a fault")
	}
	return e, nil
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// magic is one row of the published fault table: amount 6600.NN or card
// 4000 0066 00NN 000c.
type magic struct {
	nn     string
	effect Effect
	note   string
}

// magicWhole is the whole part of the amounts that ask for faults.
const magicWhole = "6600."

// magicTable is the published fault table; docs/simulator.md prints it.
var magicTable = []magic{
	{"01", Effect{DelayMs: 2000}, "answers 2 s late"},
	{"02", Effect{Fault: FaultHang}, "books, then never answers"},
	{"03", Effect{Fault: FaultHang, Stage: StageBefore}, "never answers, books nothing"},
	{"04", Effect{Fault: FaultDrop, Stage: StageBefore}, "drops the connection, books nothing"},
	{"05", Effect{Fault: FaultDrop}, "books, then drops the connection"},
	{"06", Effect{Fault: FaultServerError, Stage: StageBefore}, "status 500, books nothing"},
	{"07", Effect{Fault: FaultServerError}, "books, then status 500"},
	{"08", Effect{Fault: FaultBadGateway, Stage: StageBefore}, "status 502 with HTML, books nothing"},
	{"09", Effect{Fault: FaultBadGateway}, "books, then status 502 with HTML"},
	{"10", Effect{Fault: FaultGarbage}, "books, then status 200 with garbage"},
	{"11", Effect{Fault: FaultTruncated}, "books, then status 200 cut in the middle"},
	{"12", Effect{Fault: FaultHuge}, "books, then 8 MiB of JSON"},
	{"13", Effect{Fault: FaultErrorBody}, "books, then status 200 with an error inside"},
	{"14", Effect{Fault: FaultWrongAmount}, "books, answers with another amount"},
	{"15", Effect{Fault: FaultWrongID}, "books, answers with another transaction's id"},
	{"16", Effect{Fault: FaultWrongReference}, "books, answers with another reference"},
	{"17", Effect{Fault: FaultDrop, LagMs: 5000}, "books, drops the connection, and status says not found for 5 s"},
	{"18", Effect{AsyncAfterMs: 2000}, "pending, approved after 2 s"},
	{"19", Effect{AsyncAfterMs: 2000, ResponseCode: "05"}, "pending, declined (05) after 2 s"},
	{"20", Effect{Fault: FaultRateLimited}, "status 429, books nothing"},
	{"21", Effect{Fault: FaultUnauthorized}, "status 401, books nothing"},
	{"22", Effect{Fault: FaultRejected}, "status 422, books nothing"},
	{"23", Effect{AsyncAfterMs: -1}, "pending until the tester decides"},
	{"24", Effect{Fault: FaultWrongCurrency}, "books, answers with another currency"},
	{"25", Effect{Fault: FaultEmpty}, "books, then status 200 with an empty body"},
	{"26", Effect{Fault: FaultHang, Stage: StageLate, DelayMs: 3000}, "never answers, books 3 s later"},
	{"27", Effect{Fault: FaultCardNumber}, "books, answers with the card number as id and credential"},
	{"31", Effect{AsyncAfterMs: 1000, Notice: NoticeDuplicate}, "pending, approved after 1 s, each notice three times"},
	{"32", Effect{AsyncAfterMs: 1000, Notice: NoticeLate}, "pending, approved after 1 s, notices 10 s late"},
	{"33", Effect{AsyncAfterMs: 1000, Notice: NoticeOutOfOrder}, "pending, approved after 1 s, then a stale notice"},
	{"34", Effect{AsyncAfterMs: 1000, Notice: NoticeForged}, "pending, approved after 1 s, only a forged notice"},
	{"35", Effect{AsyncAfterMs: 1000, Notice: NoticeLost}, "pending, approved after 1 s, no notice"},
	{"36", Effect{DelayMs: 1000, Notice: NoticeAlways}, "the notice comes a second before the answer"},
	{"41", Effect{Correct: CorrectDeclined, CorrectAfterMs: 2000}, "approved or held, and undone 2 s later"},
	{"42", Effect{ResponseCode: "05", Correct: CorrectApproved, CorrectAfterMs: 2000}, "declined, and approved after all 2 s later"},
	{"43", Effect{Correct: CorrectCaptured, CorrectAfterMs: 2000}, "a hold that the provider takes by itself 2 s later"},
	{"44", Effect{Correct: CorrectVoided, CorrectAfterMs: 2000}, "a hold that the provider releases by itself 2 s later"},
}

// magicEffect finds the fault that an amount or a card asks for. Captures and
// refunds ask by an amount of their own only, and only when it is not the whole
// of their payment, so that a magic payment can be refunded in peace.
func magicEffect(c *command, parentAmount decimal) Effect {
	nn := ""
	if len(c.fullAmount()) == len(magicWhole)+2 && c.fullAmount()[:len(magicWhole)] == magicWhole {
		nn = c.fullAmount()[len(magicWhole):]
	}
	if c.whole || (c.parent != "" && c.amount == parentAmount) {
		nn = ""
	}
	if c.card != nil && len(c.card.Number) == 16 &&
		c.card.Number[:10] == faultCardPrefix+"00" && c.card.Number[12:15] == "000" {
		nn = c.card.Number[10:12]
	}
	if nn == "" {
		return Effect{}
	}
	for i := range magicTable {
		if magicTable[i].nn == nn {
			effect, _ := magicTable[i].effect.normal() // a test checks that every row is valid
			return effect
		}
	}
	return Effect{}
}

// fullAmount is the amount with two decimals if it needs no more: 6600.10.
func (c *command) fullAmount() string {
	text := c.amount.String()
	switch c.amount.Decimals() {
	case 0:
		return text + ".00"
	case 1:
		return text + "0"
	}
	return text
}
