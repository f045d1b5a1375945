package frame

import "time"

// Fault is what happens to the next request of an operation.
type Fault struct {
	Op     string
	Kind   Kind
	Before bool          // nothing is carried out
	Code   string        // of Decline
	Lag    time.Duration // how long queries do not find what is made
}

// Kind is a kind of fault.
type Kind string

// The kinds. Unless they say otherwise the request is carried out, and only its answer suffers.
const (
	Hang           Kind = "hang" // no answer ever
	Drop           Kind = "drop" // the connection is closed
	ServerError    Kind = "500"
	BadGateway     Kind = "502"       // a web page
	Garbage        Kind = "garbage"   // 200 with bytes
	Truncated      Kind = "truncated" // half of the answer
	Huge           Kind = "huge"
	Empty          Kind = "empty"
	ErrorInside    Kind = "error inside" // 200 with an error
	Elsewhere      Kind = "redirect"
	WrongAmount    Kind = "wrong amount"
	WrongCurrency  Kind = "wrong currency"
	WrongID        Kind = "wrong id"
	WrongReference Kind = "wrong reference"
	NewStatus      Kind = "new status" // one that was not published yet
	RateLimited    Kind = "429"        // not carried out
	Unauthorized   Kind = "401"        // not carried out
	Rejected       Kind = "400"        // not carried out
	Pending        Kind = "pending"
	Decline        Kind = "decline"
)

// LagOf is how long a fault of that name hides what was made.
const LagOf = time.Minute

// named are the faults by the names that the suite of connectors has for them.
var named = map[string]Fault{
	"never answers":                          {Kind: Hang},
	"never answers, nothing booked":          {Kind: Hang, Before: true},
	"drops the connection":                   {Kind: Drop},
	"drops the connection, nothing booked":   {Kind: Drop, Before: true},
	"500":                                    {Kind: ServerError},
	"500, nothing booked":                    {Kind: ServerError, Before: true},
	"502 with HTML":                          {Kind: BadGateway},
	"502 with HTML, nothing booked":          {Kind: BadGateway, Before: true},
	"200 with garbage":                       {Kind: Garbage},
	"200 cut in the middle":                  {Kind: Truncated},
	"200 with a huge body":                   {Kind: Huge},
	"200 without a body":                     {Kind: Empty},
	"200 with an error inside":               {Kind: ErrorInside},
	"another amount in the answer":           {Kind: WrongAmount},
	"another currency in the answer":         {Kind: WrongCurrency},
	"another transaction's id in the answer": {Kind: WrongID},
	"another reference in the answer":        {Kind: WrongReference},
	"429, documented as not processed":       {Kind: RateLimited},
	"401, documented as not processed":       {Kind: Unauthorized},
	"422, documented as not processed":       {Kind: Rejected},
	"drops the connection, then queries find nothing until Finish": {Kind: Drop, Lag: LagOf},
	"pending until Finish":               {Kind: Pending},
	"declined with a code":               {Kind: Decline},
	"a status that nobody has published": {Kind: NewStatus},
	"a redirect to elsewhere":            {Kind: Elsewhere},
}

// Named is the fault with the name that package connectortest has for it, for an operation and with a code. It reports false for a name
// that it does not know.
func Named(name, op, code string) (Fault, bool) {
	f, known := named[name]
	f.Op, f.Code = op, code
	return f, known
}

// Strike makes the next request of the operation meet the fault.
func (f *Frame) Strike(fault Fault) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.faults = append(f.faults, fault)
}

// Take takes the fault for an operation, if one waits; else it is the zero value.
func (f *Frame) Take(op string) Fault {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	for i, fault := range f.faults {
		if fault.Op == op {
			f.faults = append(f.faults[:i:i], f.faults[i+1:]...)
			return fault
		}
	}
	return Fault{}
}
