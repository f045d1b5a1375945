package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/admin"
)

type webhookCommands struct {
	List      webhookListCommand      `cmd:"" help:"List deliveries of events to a shop's endpoints; of one event also each try."`
	Resend    webhookResendCommand    `cmd:"" help:"Have events sent again, under the same webhook-id: failed ones only, unless a state, an event or a payment is named."`
	Endpoints webhookEndpointsCommand `cmd:"" help:"List a shop's endpoints and how they fare."`
	Enable    webhookEnableCommand    `cmd:"" help:"Deliver to an endpoint again that is disabled or down."`
	Disable   webhookDisableCommand   `cmd:"" help:"Stop delivering to an endpoint; what is open for it is given up."`
	Untold    webhookUntoldCommand    `cmd:"" help:"List events that could not be put into words yet, or try them again."`
	RotateKey webhookRotateCommand    `cmd:"" help:"Replace a shop's signing key. The new one is shown this once."`

	TokenKeys      webhookTokenKeysCommand      `cmd:"" help:"List this installation's keys for events that are signed tokens (JWT)."`
	RotateTokenKey webhookRotateTokenKeyCommand `cmd:"" help:"Publish a new key for signed tokens, which takes over after a day."`
}

type webhookListCommand struct {
	operator
	admin.ListDeliveries
}

// Run lists deliveries, then the tries of each.
func (c *webhookListCommand) Run(s *surroundings) error {
	deliveries := listed("WEBHOOK-ID|TYPE|PAYMENT|SEQ|ENDPOINT|STATE|TRIES|CREATED|NEXT TRY|DONE", func(d *admin.Delivery) []string {
		return []string{
			d.WebhookID, d.Type, string(d.Payment), strconv.Itoa(d.Seq), d.Endpoint, string(d.State), strconv.Itoa(d.Tries),
			shortTime(d.Created), shortTime(d.Next), shortTime(d.Done),
		}
	})
	return perform(s, &c.operator, admin.OpListDeliveries, c.ListDeliveries, func(out io.Writer, l admin.List[admin.Delivery]) error {
		if err := deliveries(out, l); err != nil {
			return err
		}
		for i := range l.Items {
			if err := printTries(out, l.Items[i].Log); err != nil {
				return err
			}
		}
		return nil
	})
}

func printTries(out io.Writer, tries []admin.Try) error {
	if len(tries) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	return listed("TRY|AT|TOOK|STATUS|ERROR|ANSWER", func(t *admin.Try) []string {
		return []string{
			strconv.Itoa(t.Number), shortTime(t.At), (time.Duration(t.TookMs) * time.Millisecond).String(), strconv.Itoa(t.Status),
			cmp.Or(oneLine(t.Error), "–"), cmp.Or(oneLine(t.Answer), "–"),
		}
	})(out, admin.List[admin.Try]{Items: tries})
}

type webhookResendCommand struct {
	operator
	admin.Deliveries
}

// Run sends again.
func (c *webhookResendCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpResendDeliveries, c.Deliveries,
		sentence("%d deliveries are due again", func(r admin.Resent) []any { return []any{r.Deliveries} }))
}

type webhookEndpointsCommand struct {
	operator
	admin.OfShop
}

// Run lists endpoints.
func (c *webhookEndpointsCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListEndpoints, c.OfShop,
		listed("ENDPOINT|STATE|OPEN|FAILS|DOWN SINCE|NOT BEFORE|URL|LAST ERROR", func(e *admin.Endpoint) []string {
			return []string{
				e.ID, string(e.State), strconv.FormatInt(e.Open, 10), strconv.Itoa(e.Fails), shortTime(e.DownSince), shortTime(e.Hold),
				e.URL, cmp.Or(oneLine(e.LastError), "–"),
			}
		}))
}

type webhookEnableCommand struct {
	operator
	Shop     string `name:"shop" required:"" placeholder:"ID" help:"The shop that the endpoint belongs to."`
	Endpoint string `arg:"" name:"endpoint" help:"The endpoint's id, as listed."`
}

type webhookDisableCommand webhookEnableCommand

// Run enables an endpoint.
func (c *webhookEnableCommand) Run(s *surroundings) error { return c.switched(s, true) }

// Run disables an endpoint.
func (c *webhookDisableCommand) Run(s *surroundings) error {
	return (*webhookEnableCommand)(c).switched(s, false)
}

func (c *webhookEnableCommand) switched(s *surroundings, on bool) error {
	to := admin.EndpointOff
	if on {
		to = admin.EndpointOn
	}
	return perform(s, &c.operator, admin.OpSwitchEndpoint, admin.SwitchEndpoint{Shop: c.Shop, Endpoint: c.Endpoint, To: to},
		sentence("%s is %s", func(r admin.EndpointSwitched) []any { return []any{r.Endpoint, r.State} }))
}

type webhookUntoldCommand struct {
	operator
	Retry bool `name:"retry" help:"Try to word all of them again at once, instead of when they are due."`
}

// Run lists events that wait for their words.
func (c *webhookUntoldCommand) Run(s *surroundings) error {
	op := admin.OpListUntold
	if c.Retry {
		op = admin.OpRetryUntold
	}
	return perform(s, &c.operator, op, admin.Nothing{},
		listed("SHOP|PAYMENT|API|SINCE|FAILED|DUE|ERROR", func(u *admin.Untold) []string {
			due := shortTime(u.Due)
			if c.Retry {
				due = "now"
			}
			return []string{string(u.Shop), string(u.Payment), u.API, shortTime(u.Since), strconv.Itoa(u.Fails), due, oneLine(u.Error)}
		}))
}

type webhookRotateCommand struct {
	operator
	admin.RotateKey
}

// Run replaces the signing key.
func (c *webhookRotateCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRotateKey, c.RotateKey, document)
}

type webhookTokenKeysCommand struct{ operator }

// Run lists keys.
func (c *webhookTokenKeysCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpListTokenKeys, admin.Nothing{},
		listed("KID|STATE|CREATED|SIGNS FROM|SIGNS UNTIL|PUBLISHED UNTIL", func(k *admin.TokenKey) []string {
			return []string{k.KID, k.State, toMinute(k.Created), toMinute(k.SignsFrom), toMinute(k.SignsUntil), toMinute(k.PublishedUntil)}
		}))
}

// toMinute is an instant in a table that has many.
func toMinute(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

type webhookRotateTokenKeyCommand struct {
	operator
	admin.RotateTokenKey
}

// Run replaces the key.
func (c *webhookRotateTokenKeyCommand) Run(s *surroundings) error {
	return perform(s, &c.operator, admin.OpRotateTokenKey, c.RotateTokenKey, document)
}
