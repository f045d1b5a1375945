// Package connector says what an adapter to a provider's API is: a small interface
// plus optional capabilities that are found by type assertion. Connectors report
// provider facts in the words of package payment; they never see or set a
// payment's state, open transactions or decide what happens next.
//
// The sandbox subfolder is the example to read: the connector to the built-in
// simulator. connectortest holds the suite that every connector has to pass.
package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payer"
	"github.com/sluicepay/sluice/internal/payment"
)

// ErrIncomplete is outbound.ErrNotSent for a request that lacks what the provider needs, such as a payout that says
// neither to which card nor to which account. The same request is no better another time.
var ErrIncomplete = fmt.Errorf("%w: the request is incomplete", outbound.ErrNotSent)

// Connector is one configured account at one provider. Its methods may be called
// concurrently. A method that returns an error has not proved anything: the engine
// takes it as UNKNOWN, unless the error is outbound.ErrNotSent. One that is outbound.ErrOurs
// besides says that the call did not leave for a reason of our own: it is made again.
// All calls have to go by the client that Deps gives.
type Connector interface {
	// Start makes the payment's own call: a sale, or a hold where PreAuth is set.
	Start(ctx context.Context, r Request) (payment.Fact, error)
	// Status asks the provider, by our key, how an attempt of any kind stands now. Settled attempts are asked about as
	// well: a hold that was captured is APPROVED with what was taken, one that was released CANCELLED, and what turned
	// out not to have been done is refused. Of a key that stands for an attempt of another kind nothing is known: it is an error,
	// or UNKNOWN.
	Status(ctx context.Context, ref Ref) (payment.Fact, error)
	// Traits tells what type assertions cannot.
	Traits() Traits
}

// Verifier checks a card without moving money: Request.Amount is zero. It asks the customer's bank where that is
// needed, and its fact has a Credential for later charges when Request.StartRecurring is set. APPROVED means that the
// card can be charged.
type Verifier interface {
	Verify(ctx context.Context, r Request) (payment.Fact, error)
}

// Capturer takes held money: Request.Amount of Request.Original.
type Capturer interface {
	Capture(ctx context.Context, r Request) (payment.Fact, error)
}

// Voider gives held money back: all of Request.Original. APPROVED means done.
type Voider interface {
	Void(ctx context.Context, r Request) (payment.Fact, error)
}

// Refunder gives Request.Amount of the captured Request.Original back.
type Refunder interface {
	Refund(ctx context.Context, r Request) (payment.Fact, error)
}

// Payer pays Request.Amount out to the customer.
type Payer interface {
	Payout(ctx context.Context, r Request) (payment.Fact, error)
}

// Fencer closes an attempt that the provider says it does not know, or that is open
// and that nobody wants any more: after a fact of class REJECTED the provider refuses
// the original even if it still arrives. Otherwise the fact tells how it stands.
type Fencer interface {
	Fence(ctx context.Context, ref Ref) (payment.Fact, error)
}

// Resumer goes on with an attempt whose customer came back, with what the customer has brought: some providers tell the
// outcome only against it, or take nothing before they are told to (Traits.Completes). It is asked before Status, and like Status
// it may be asked again: what was brought is the same or more. Nothing that came back is proof of anything by itself; it is the
// customer who has brought it.
type Resumer interface {
	Resume(ctx context.Context, ref Ref, back payment.Brought) (payment.Fact, error)
}

// Prober takes a cheap look at the provider that needs the terminal's credentials and moves nothing, such as asking about
// a key that was never used. An error says what was answered; it must hold no credentials.
type Prober interface {
	Probe(ctx context.Context) error
}

// Chooser knows several banks for a method, of which the customer takes one.
type Chooser interface {
	// Banks lists those that can be paid from now, in the order in which they are shown. It moves nothing, and is asked while a
	// customer waits for a page.
	Banks(ctx context.Context, of Choice) ([]Bank, error)
}

// Choice is what banks are wanted for.
type Choice struct {
	Method   payment.Method
	Currency money.Currency
	// Alias is of a customer whom apps of banks may know: then those that do are listed, to be named by an [instrument.Code].
	Alias string
}

// Bank is one that can be chosen. Its ID becomes that of an [instrument.Bank].
type Bank struct{ ID, Name string }

// Notifier understands what the provider posts to us by itself.
type Notifier interface {
	// ParseNotice verifies the signature over the raw body and returns what the post
	// tells. ErrUnreadable means that the provider sent it and it is not understood; any
	// other error that it is not the provider's, or too old: nothing of it may be believed.
	ParseNotice(header http.Header, body []byte) ([]Notice, error)
	// ReadNotice reads, from the body of a post that was verified when it came, the
	// notice with that key; with no key the only one that there is.
	ReadNotice(body []byte, key string) (Notice, error)
}

// Acknowledger wants its provider's notices to be answered with certain words.
type Acknowledger interface {
	// Acknowledgement is the body that the provider wants to read once a notice was taken: plain text.
	Acknowledgement() string
}

// ErrUnreadable says of a provider's post that its signature holds and that what it tells is not understood. It is
// kept for a human.
var ErrUnreadable = errors.New("signed by the provider, but not understood")

// Notice is one fact that a provider told by itself.
type Notice struct {
	EventKey string // the provider's own id of the event, or a hash of the body: one effect for each
	Subject  Subject
	Key      string // our key of the attempt that it is about, or to which the dispute belongs
	Fact     payment.Fact
	// Hint: the post does not prove by itself what it says, for want of a signature. The provider is asked at once, and its answer is what is booked.
	Hint bool

	// ProviderRef is the provider's id of what a dispute belongs to, where it does not tell our key.
	ProviderRef string
}

// Subject is what a notice is about.
type Subject string

// The subjects. Notices about others than attempts are kept for a human, with the payment that Key names; their facts are not read.
const (
	OfAttempt Subject = ""
	OfDispute Subject = "dispute" // a chargeback, its stages and its end
	OfPayout  Subject = "payout"  // what the provider settles with the merchant
)

// Request is what a provider call is about. Fields that a kind of call has no use
// for are zero.
type Request struct {
	Key            string // our name of the attempt; the same key never books twice
	Amount         money.Amount
	Currency       money.Currency
	Method         payment.Method
	PreAuth        bool
	Verify         bool             // check the card, move nothing: see Verifier
	Origin         string           // the merchant API that the payment came by; empty for the gateway API
	Until          time.Time        // when the customer's time is over; zero where nothing ends
	StartRecurring bool             // ask for a Credential
	OnPage         bool             // a code that the provider gives is shown now: on our page, or by the merchant who executes the payment
	Means          instrument.Means // what the customer pays with, or is paid to; wiped by the engine after the call
	Customer       payment.Customer
	Billing        payment.BillingAddress
	Browser        payment.Browser
	Description    string
	ReturnURL      string // where the provider sends the customer back to
	NoticeURL      string // where the provider posts notices; empty for none
	Original       Ref    // what a capture, void or refund refers to
}

// Ref names an earlier attempt at the provider.
type Ref struct {
	Kind        payment.AttemptKind
	Key         string
	ProviderRef string // empty when no answer ever came
	Amount      money.Amount
	Currency    money.Currency
	Started     time.Time // when the attempt was begun, before its call; zero where that is not known
	Page        string    // where the customer was sent last, as the connector's fact had it; empty where nobody was sent away
	Waiting     bool      // the provider has said that it has the attempt, and that it waits
	Of          Original  // what a capture, void or refund refers to, where the provider finds those by it only: see Traits.ByOriginal
}

// Original names the attempt to which a capture, void or refund refers. The zero value names none.
type Original struct{ Key, ProviderRef string }

// RefOf names an attempt as the provider may know it.
func RefOf(a *payment.Attempt) Ref {
	return Ref{
		Kind: a.Kind, Key: a.Key, ProviderRef: a.ProviderRef, Amount: a.Sent.Amount, Currency: a.Sent.Currency, Started: a.Started, Page: a.Next.URL,
		Waiting: a.Class == payment.ClassWaiting,
	}
}

// OriginalOf names an attempt as that to which another refers. Of nil it is the zero value.
func OriginalOf(a *payment.Attempt) Original {
	if a == nil {
		return Original{}
	}
	return Original{Key: a.Key, ProviderRef: a.ProviderRef}
}

// Traits describes a connector where its methods cannot. The zero value is the
// careful one.
type Traits struct {
	Methods   []payment.Method
	Timeout   time.Duration // of one call; 30 s when zero
	PreAuth   bool
	Recurring bool
	// WithoutCode: the provider takes cards without their security code. A card that came with one goes to it without, where
	// the code is lost because another process got it; for any other provider the customer is asked for the code once more.
	WithoutCode bool
	// Wants is what the provider has to be told of a customer who pays; nothing is sent to it that lacks it. What is missing
	// our page asks for.
	Wants payer.Wants
	// NoAskByKey: what gave no answer cannot be asked about, because the provider knows its own names of transactions
	// only. Such an attempt stays open until a notice comes or a human looks.
	NoAskByKey bool
	// ByName: the same is so of payments, but one whose name is not known can be closed by our key: Status finds nothing of it and asks
	// nobody, and Fence closes it.
	ByName bool
	// Told: nothing can be asked about at all, not even by the provider's own name. How an attempt ended is told by the answer to its
	// call, to what its customer brought back, or by a notice. Status is UNKNOWN and asks nobody.
	Told bool
	// ByOriginal: a capture, void or refund that gave no answer is found through what it refers to, and not by our key alone.
	// Whoever asks about one has to say so in Ref.Of.
	ByOriginal bool
	// Completes: the provider leaves it to the merchant to take what a customer has approved. A Resumer is asked about every live attempt then,
	// with what the customer has brought, which may be nothing; Status alone takes nothing.
	Completes bool
	// KeyLife is how long the provider finds an attempt by its key: after it an answer "not found" proves nothing. Zero: for ever.
	KeyLife time.Duration
	// Visible is how long a status query may still not find what was booked. It counts on top of MaxInFlight.
	Visible time.Duration
	// MaxInFlight is how long a request may still be under way at the provider
	// after its call has failed. Two answers "not found" at least that far apart
	// prove that nothing was booked. Zero: such answers prove nothing.
	MaxInFlight time.Duration
	// Resend says how an outcome that no query tells can be learned by making the same call once more.
	Resend Resend
}

// Resend is for providers that publish it as the way to learn an outcome: the same request under the same key is carried out once,
// however often it comes, and answered as it was. The engine makes the call of an attempt again where neither a query nor a fence has
// told how it ended, and only as the very same bytes: requests that do something have to say so by outbound.Request.Once, and
// one that is not among those that were sent at first does not leave. A payout is never sent again, nor what was sent with something that only
// the customer has. The zero value is for never.
type Resend struct {
	// Within is how long after its start an attempt may be sent again: the least that the provider remembers a key, less a
	// margin for clocks that differ.
	Within time.Duration
}

// Config is a terminal's decoded settings for one type of connector.
type Config interface {
	// Open checks the settings and returns the connector.
	Open(d Deps) (Connector, error)
	// Addresses lists the base of every address that the connector will call. Settings may be refused for them.
	Addresses() []string
}

// Deps is what a connector is given instead of taking it.
type Deps struct {
	Client *outbound.Client // does not re-send, follow redirects or forget messages
	Now    func() time.Time
	Random io.Reader
	Log    *slog.Logger
}

// Type is one entry of the registry: how to read the settings of a kind of terminal
// and what its messages may show.
type Type struct {
	Name string
	// Parse decodes settings strictly: unknown keys are errors.
	Parse func(settings json.RawMessage) (Config, error)
	// Loggable lists the fields, headers and query keys whose values may be kept.
	Loggable outbound.Allowlist
	// Settings are what an operator writes for a terminal, in the order of its page.
	Settings []Setting
	// Expires lists when the certificates end that stand in settings which Parse takes. It is nil where settings hold none.
	Expires func(settings json.RawMessage) []Expiry
}

// Expiry is when a certificate in a terminal's settings is no good any more.
type Expiry struct {
	Setting string // in which it stands
	Subject string // as it says
	At      time.Time
}
