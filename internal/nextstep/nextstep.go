package nextstep

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Next is what a customer has to do before an attempt goes on, as a provider's fact says it. The zero value is nothing.
type Next struct {
	Kind Kind   `json:"kind"`
	URL  string `json:"url,omitempty"`  // where to go to, or to post to: absolute. Of the other kinds, the app where it is done, if there is a link
	Form string `json:"form,omitempty"` // what is posted there, as a form is encoded
	Code string `json:"code,omitempty"` // what is shown: text to copy, which may be drawn as a code to scan as well
	// Until is when it makes no sense any more; zero where the provider does not say.
	Until time.Time `json:"until,omitzero"`
}

// Kind is what kind of thing the customer does.
type Kind string

// The kinds.
const (
	Go   Kind = "go"   // open URL
	Post Kind = "post" // post Form to URL, with the browser
	Code Kind = "code" // take Code to another device or app
	Wait Kind = "wait" // confirm in an app of the bank's
	Done Kind = "done" // nothing more: the bank has it, and may take days
	Left Kind = "left" // nothing: the customer pays another way. No provider says so; see payment.BeginAsk
)

// GoTo is the step of opening an address. An empty one is no step.
func GoTo(url string) Next {
	if url == "" {
		return Next{}
	}
	return Next{Kind: Go, URL: url}
}

// Brought is what the customer's browser brought back from the provider. It is bounded in size, kept nowhere and written into
// no log; what a connector passes on is masked like every message.
type Brought struct{ Query, Form url.Values }

// IsZero reports that the customer brought nothing.
func (b Brought) IsZero() bool { return len(b.Query) == 0 && len(b.Form) == 0 }

// IsZero reports that the customer has nothing to do.
func (n Next) IsZero() bool { return n.Kind == "" }

// Leads reports that the customer leaves our page, and comes back.
func (n Next) Leads() bool { return n.Kind == Go || n.Kind == Post }

// MarshalText is how a step is stored: an address to open as it is, all else as JSON.
func (n Next) MarshalText() ([]byte, error) {
	if n.Kind == "" {
		return nil, nil
	}
	if n.Kind == Go && n.Until.IsZero() && !strings.HasPrefix(n.URL, "{") {
		return []byte(n.URL), nil
	}
	type plain Next
	raw, err := json.Marshal(plain(n))
	if err != nil {
		return nil, fmt.Errorf("next step: %w", err)
	}
	return raw, nil
}

// UnmarshalText reads what MarshalText wrote.
func (n *Next) UnmarshalText(text []byte) error {
	if len(text) == 0 || text[0] != '{' {
		*n = GoTo(string(text))
		return nil
	}
	type plain Next
	if err := json.Unmarshal(text, (*plain)(n)); err != nil {
		return fmt.Errorf("next step: %w", err)
	}
	return nil
}

// CodeForm is by whose rules a Code is written.
type CodeForm string

// BRCode is that of the central bank of Brazil.
const BRCode CodeForm = "BR_CODE"
