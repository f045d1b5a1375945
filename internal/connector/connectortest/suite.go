package connectortest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// Suite is what a connector brings to be judged.
type Suite struct {
	// Type is the connector's entry of the registry.
	Type connector.Type
	// Open starts a double of the provider with empty books. It is called once a
	// test and ends what it started with t.Cleanup.
	Open func(t *testing.T) Provider
	// Unmapped is a decline code that the connector has no meaning for, and
	// UnmappedClass what it makes of one: a decline or UNKNOWN.
	Unmapped      string
	UnmappedClass payment.Class
	// Codes are all that the provider has published for refusals, each of which has a meaning of its own in our words.
	Codes []string
	// Unsupported lists currencies that the provider does not take.
	Unsupported []money.Currency
	// Inexpressible lists amounts that the provider has no number for: they are refused before anything is sent.
	Inexpressible []money.Sum
	// Foreign is an id of the provider's form that it has not given; one of its own is taken where it is empty.
	Foreign string
	// But says where the provider's published rules are other than the suite's.
	But Exceptions
}

// Exceptions are rules of a provider that are weaker than what the suite wants otherwise. None of them lets an outcome be guessed.
type Exceptions struct {
	// Prepares: a payment by card is sent after a request that moves nothing. What fails there has provably not been sent.
	Prepares bool
	// Apart: payments and verifications are kept in places of their own, so that the key of one is not found among the other.
	Apart bool
	// Repeats: the provider knows requests by no name of ours, so that one which comes twice is carried out twice. Nothing is ever sent again.
	Repeats bool
	// Busy: of requests with the same key at the same time, all but one are told only that it is in use.
	Busy bool
	// Blind: a fence notices that the provider has what its queries do not show yet, but not how it ended.
	Blind bool
	// Steady: what is pending cannot be cancelled.
	Steady bool
	// Waits: every payment waits for its customer first, and is approved once that one has paid.
	Waits bool
	// Named: the provider knows its own names only. What gave no answer is found, or closed, by a fence; all else is asked for by those names.
	Named bool
	// Follows: captures, voids and refunds are sent after a question about their original. Where it gets no answer they have provably not
	// been sent.
	Follows bool
	// Begun: what was never begun is known without a question, and no outcome can get lost before the customer has come back.
	Begun bool
	// Listed: banks stand in the settings, and nobody is asked for them.
	Listed bool
	// Unique: a key that was used is refused, and that says nothing of what was made under it. A fence uses it up, once.
	Unique bool
	// Silent: that a customer was refused no query tells, so that such a payment waits until its time is over.
	Silent bool
	// Accepted lists kinds of attempts whose request is only taken: how they ended is asked.
	Accepted []payment.AttemptKind
	// Unfenced lists kinds of attempts that cannot be closed before they arrive.
	Unfenced []payment.AttemptKind
}

// Provider is a running double of the provider, as hooks. Cards are copied before use.
type Provider struct {
	// URL is where the double listens; Settings makes a terminal's settings for it,
	// or for any other address put in its place.
	URL      string
	Settings func(url string) json.RawMessage
	// Secrets are texts of the settings that must never be seen, such as keys.
	Secrets []string
	// Good is approved at once, Refused declined at once, and Challenged waits for
	// its customer; nil where the provider has no such card.
	Good, Refused, Challenged *instrument.Card
	// Sale makes the suite's sale one that the provider takes, where it is not by card in EUR: its method, means and currency; nil for none.
	Sale func(q *connector.Request)
	// Said is how answers name our key, where that is not as it is; nil otherwise.
	Said func(key string) string
	// Back has the customer, who was sent away to the page, agree or refuse there, and tells what is brought back: only then the payment
	// is sent. It is nil where a payment is sent before.
	Back func(page string, agree bool) (payment.Brought, error)
	// Now is the clock of the connector; nil for time.Now.
	Now func() time.Time
	// Name is the provider's name of an order by our key, as its notices have told it; empty for none. It is nil where the provider is asked by
	// our key.
	Name func(key string) string
	// Account is who money is paid out to without a card; nil where that cannot be.
	Account *payment.Customer
	// Strike makes the next request of that call meet the fault. It reports false
	// when the double cannot do that.
	Strike func(c Call, f Fault) bool
	// Finish ends what waits for its customer or is pending.
	Finish func(key string, approve bool) error
	// Booked lists the money that was moved under that very key, oldest first.
	Booked func(key string) []Entry
	// Notices are all that the provider has posted by itself so far, oldest first. What a connector whose Traits say Told knows of an attempt
	// is what the last of them tells of it; for others it may be nil.
	Notices func() []Posted
	// Requests counts the requests that have arrived so far, but for those that only prepare another.
	Requests func() int64
	// Prepares tells requests that only prepare others, such as those for access tokens: the double answers them even where a test has
	// something else answer the rest. It may be nil.
	Prepares func(q *http.Request) bool
	// Hanging counts those that were never answered so far. A request is counted once all that it books is booked.
	Hanging func() int64
}

// Posted is a notice as it came.
type Posted struct {
	Header http.Header
	Body   []byte
}

// Call says which of the connector's methods makes a request.
type Call string

// The calls.
const (
	CallStart   Call = "start"
	CallVerify  Call = "verify"
	CallPayout  Call = "payout"
	CallCapture Call = "capture"
	CallVoid    Call = "void"
	CallRefund  Call = "refund"
	CallStatus  Call = "status"
	CallFence   Call = "fence"
)

// Fault is what happens to one request. The zero value is nothing.
type Fault struct {
	Kind FaultKind
	Code string // of FaultDecline
}

// FaultKind names a fault.
type FaultKind string

// The faults. Unless the name says otherwise the request is booked first.
const (
	FaultHang              FaultKind = "never answers"
	FaultHangBefore        FaultKind = "never answers, nothing booked"
	FaultDrop              FaultKind = "drops the connection"
	FaultDropBefore        FaultKind = "drops the connection, nothing booked"
	FaultServerError       FaultKind = "500"
	FaultServerErrorBefore FaultKind = "500, nothing booked"
	FaultGateway           FaultKind = "502 with HTML"
	FaultGatewayBefore     FaultKind = "502 with HTML, nothing booked"
	FaultGarbage           FaultKind = "200 with garbage"
	FaultTruncated         FaultKind = "200 cut in the middle"
	FaultHuge              FaultKind = "200 with a huge body"
	FaultEmpty             FaultKind = "200 without a body"
	FaultErrorInside       FaultKind = "200 with an error inside"
	FaultWrongAmount       FaultKind = "another amount in the answer"
	FaultWrongCurrency     FaultKind = "another currency in the answer"
	FaultWrongID           FaultKind = "another transaction's id in the answer"
	FaultWrongReference    FaultKind = "another reference in the answer"
	FaultRateLimited       FaultKind = "429, documented as not processed"
	FaultUnauthorized      FaultKind = "401, documented as not processed"
	FaultRejected          FaultKind = "422, documented as not processed"
	FaultLag               FaultKind = "drops the connection, then queries find nothing until Finish"
	FaultPending           FaultKind = "pending until Finish"
	FaultDecline           FaultKind = "declined with a code"
	FaultNewStatus         FaultKind = "a status that nobody has published"
	FaultRedirect          FaultKind = "a redirect to elsewhere"
)

// Entry is one movement of money in the double's books.
type Entry struct {
	Moved    Movement
	Amount   money.Amount
	Currency money.Currency
}

// Movement says which way money went.
type Movement string

// The movements.
const (
	Held     Movement = "held"
	Taken    Movement = "taken"
	Released Movement = "released"
	Returned Movement = "returned"
	PaidOut  Movement = "paid out"
)

// Run runs the whole suite as subtests of t. While not even a plain sale is answered, that alone is said.
func Run(t *testing.T, s Suite) {
	if !t.Run("a plain sale is answered", func(t *testing.T) { answered(t, s) }) {
		return
	}
	tests := []struct {
		name string
		run  func(t *testing.T, s Suite)
	}{
		{"settings are read strictly", settings},
		{"every secret is looked for", canaries},
		{"every kind of call is carried out once", everyCall},
		{"amounts stay exact", exactAmounts},
		{"amounts that cannot be said are not sent", inexpressible},
		{"refusals are told apart", refusals},
		{"every published code of a refusal is known", publishedCodes},
		{"customers are sent away and come back", customers},
		{"pending is waiting", pending},
		{"recurring charges need no card", recurring},
		{"banks to choose from can be shown", choices},
		{"cards are verified without money", verifications},
		{"verifications that fail prove nothing", verificationFaults},
		{"verifications are fenced", verificationFences},
		{"the same key books once", sameKey},
		{"the same key books once at the same time", sameKeyAtOnce},
		{"what gave no answer is sent again as the same bytes", sentAgain},
		{"faults prove nothing", faults},
		{"nobody listens", unreachable},
		{"contexts are obeyed", contexts},
		{"answers of nobody", strangeAnswers},
		{"answers cut short", cutAnswers},
		{"answers about somebody else", swappedAnswers},
		{"fences of somebody else", swappedFences},
		{"holds tell what became of them", holds},
		{"follow-ups find their original by key", originals},
		{"queries that fail prove nothing", queryFaults},
		{"not found, then found", lag},
		{"fences hold", fences},
		{"fences that fail prove nothing", fenceFaults},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, s)
		})
	}
}

// kinds lists all kinds of attempts.
func kinds() []payment.AttemptKind {
	return []payment.AttemptKind{
		payment.AttemptDeposit, payment.AttemptWithdrawal, payment.AttemptRefund, payment.AttemptCapture, payment.AttemptVoid,
	}
}

// callOf is the call that makes such an attempt, and movement what it books.
func callOf(kind payment.AttemptKind) Call {
	return map[payment.AttemptKind]Call{
		payment.AttemptDeposit: CallStart, payment.AttemptWithdrawal: CallPayout, payment.AttemptRefund: CallRefund,
		payment.AttemptCapture: CallCapture, payment.AttemptVoid: CallVoid,
	}[kind]
}

func movement(kind payment.AttemptKind) Movement {
	return map[payment.AttemptKind]Movement{
		payment.AttemptDeposit: Taken, payment.AttemptWithdrawal: PaidOut, payment.AttemptRefund: Returned,
		payment.AttemptCapture: Taken, payment.AttemptVoid: Released,
	}[kind]
}
