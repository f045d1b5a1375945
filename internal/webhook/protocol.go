package webhook

import (
	"context"
	"net/http"
	"time"
)

// Protocol is how the events of one dialect are posted: what its receivers verify, what
// counts as their consent, and how long it is asked for. Start from Gateway or YandexPay.
type Protocol struct {
	Sign Signer
	// Accepts reports whether an answer with that status means that the receiver has it.
	Accepts func(status int) bool
	Ladder  Ladder
	// Burst is how many tries at the beginning of the ladder follow each other at once; to
	// the endpoint's health they are one try.
	Burst int
	// Gone: an answer 410 disables the endpoint. Elsewhere it is a failure like others.
	Gone bool
	// Probe is how long an endpoint that has been down for so long is left alone.
	Probe func(down time.Duration) time.Duration
}

// Signer puts into the header what the receivers of one dialect expect, and returns the
// body to post. An error keeps the message from being posted and counts as a failed try,
// but not against the endpoint.
type Signer func(ctx context.Context, h http.Header, m Message) ([]byte, error)

// Gateway is the protocol of the gateway dialect: SignGateway, any 2xx, 75 hours.
func Gateway() Protocol {
	return Protocol{
		Sign:    func(_ context.Context, h http.Header, m Message) ([]byte, error) { return SignGateway(h, m) },
		Accepts: func(status int) bool { return status >= 200 && status < 300 },
		Ladder:  gatewayLadder,
		Gone:    true,
		Probe:   func(time.Duration) time.Duration { return probeWait },
	}
}

// YandexPay is the protocol of the yandexpay dialect: a token signed with the
// installation's key, the status 200 alone, ten tries at once and then 24 hours. An
// endpoint that is down is left alone for as long as it has been down, so that a short
// break costs little.
func YandexPay(keys *KeyRing) Protocol {
	return Protocol{
		Sign:    tokenSigner(keys),
		Accepts: func(status int) bool { return status == http.StatusOK },
		Ladder:  yandexPayLadder,
		Burst:   burst,
		Probe:   func(down time.Duration) time.Duration { return min(max(down, time.Second), probeWait) },
	}
}

// unknown is for events of a dialect that nobody knows: they are not posted, and wait as
// long as the gateway's.
func unknown() *Protocol {
	p := Gateway()
	p.Sign = nil
	return &p
}
