package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// createBody is the sample request of the contract, in full; %s is the card or nothing. The zeroes are replaced by a
// number that grows, as references of shops mostly do.
const createBody = `{"referenceId":"order-00000000000000000000000000000000","paymentType":"DEPOSIT","amount":11.12,"currency":"EUR",` +
	`"description":"Two tickets for the evening","customer":{"referenceId":"customer-4711","firstName":"John","lastName":"Doe",` +
	`"ip":"152.13.130.125","email":"john@example.com","phone":"44 02072243688"},"billingAddress":{"countryCode":"GB",` +
	`"city":"London","addressLine1":"221b Baker St, Marylebone","postalCode":"NW1 6XE"},` +
	`"returnUrl":"https://shop.example/orders/4711/back"%s}`

const cardPart = `,"card":{"cardNumber":"4000000000000408","cardholderName":"JOHN DOE","cardSecurityCode":"123",` +
	`"expiryMonth":"12","expiryYear":"2039"}`

const patchBody = `{"customerIp":"152.13.130.125","ipCountryCode":"GB","customerUserAgent":"Mozilla/5.0 (X11; Linux x86_64) ` +
	`AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36","browserWindowWidth":1280,` +
	`"browserWindowHeight":720,"browserLanguage":"en-GB","browserTimezoneOffset":0}`

// saleBody asks the simulator for what the engine asks for when a deposit is paid.
const saleBody = `{"reference":"direct-00000000000000000000000000000000","amount":"11.12","currency":"EUR","capture":true,` +
	`"method":"CARD","card":{"number":"4000000000000408","expiryMonth":"12","expiryYear":"2039","holder":"JOHN DOE",` +
	`"securityCode":"123"},"returnUrl":"https://shop.example/orders/4711/back","description":"Two tickets for the evening",` +
	`"customer":{"email":"john@example.com","phone":"44 02072243688","ipAddress":"152.13.130.125","country":"GB"}}`

const mockBody = `amount=1112&currency=eur&description=Two+tickets+for+the+evening&receipt_email=john%40example.com` +
	`&metadata[order_id]=order-4711&shipping[name]=John+Doe&shipping[address][line1]=221b+Baker+St&shipping[address][city]=London` +
	`&shipping[address][postal_code]=NW1+6XE&shipping[address][country]=GB`

// request is a whole HTTP request in which a run of digits, or of an id's characters, is replaced for each use.
type request struct {
	raw  []byte
	slot []byte // the part of raw to replace; nil for none
}

// content is the body of a request and what is to be replaced for each use, be it in the path or in the body.
type content struct{ media, body, hole string }

// newRequest renders a request. Where there is a hole, its one occurrence is what number and text replace.
func newRequest(method, path, key string, c content) *request {
	raw := []byte(method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + key + "\r\n")
	if c.body != "" {
		raw = append(raw, "Content-Type: "+c.media+"\r\nContent-Length: "+strconv.Itoa(len(c.body))+"\r\n"...)
	}
	raw = append(append(raw, "\r\n"...), c.body...)
	r := &request{raw: raw}
	if at := bytes.Index(raw, []byte(c.hole)); c.hole != "" && at >= 0 {
		r.slot = raw[at : at+len(c.hole)]
	}
	return r
}

// number writes n into the hole, with leading zeroes.
func (r *request) number(n int64) []byte {
	for i := len(r.slot) - 1; i >= 0; i-- {
		r.slot[i] = byte('0' + n%10)
		n /= 10
	}
	return r.raw
}

// text writes a text that is as long as the hole.
func (r *request) text(s []byte) []byte {
	copy(r.slot, s)
	return r.raw
}

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
	zeroes    = "00000000000000000000000000000000" // an id or a number to be filled in
)

// references numbers orders through the whole run, so that none is used twice.
type references struct{ last atomic.Int64 }

func (r *references) next() int64 { return r.last.Add(1) }

// creating is one connection that creates payments for the hosted page.
func (s *server) creating(refs *references) work {
	return func(ctx context.Context, _ int, deadline time.Time) (step, func(), error) {
		c, err := dial(ctx, s.address, deadline)
		if err != nil {
			return nil, nil, err
		}
		create := s.createRequest("")
		return func() (int, error) {
			_, err := s.create(c, create, refs.next())
			return 1, err
		}, c.close, nil
	}
}

// paying is one connection that creates payments with a card and sees each through to its end.
func (s *server) paying(refs *references) work { return s.payingWith(refs, cardPart) }

// payingWith puts the part, which has a card, into the requests that create the payments.
func (s *server) payingWith(refs *references, part string) work {
	return func(ctx context.Context, _ int, deadline time.Time) (step, func(), error) {
		c, err := dial(ctx, s.address, deadline)
		if err != nil {
			return nil, nil, err
		}
		create, patch := s.createRequest(part), s.patchRequest()
		return func() (int, error) {
			id, err := s.create(c, create, refs.next())
			if err != nil {
				return 0, err
			}
			return 1, s.pay(c, patch, id)
		}, c.close, nil
	}
}

func (s *server) createRequest(card string) *request {
	return newRequest("POST", "/api/v1/payments", s.ready.APIKey, content{mediaJSON, fmt.Sprintf(createBody, card), zeroes})
}

func (s *server) patchRequest() *request {
	return newRequest("PATCH", "/api/v1/payments/"+zeroes, s.ready.APIKey, content{mediaJSON, patchBody, zeroes})
}

// create makes one payment and returns its id, valid until the next request on the connection.
func (s *server) create(c *client, r *request, n int64) ([]byte, error) {
	status, body, err := c.do(r.number(n))
	if err != nil {
		return nil, err
	}
	id := idOf(body)
	if status != 200 || id == nil || !bytes.Contains(body, []byte(`"state":"CHECKOUT"`)) {
		return nil, fmt.Errorf("create answered %d: %.200s", status, body)
	}
	return id, nil
}

// pay executes a created payment and checks that the money moved.
func (s *server) pay(c *client, r *request, id []byte) error {
	status, body, err := c.do(r.text(id))
	if err != nil {
		return err
	}
	if status != 200 || !bytes.Contains(body, []byte(`"state":"COMPLETED"`)) {
		return fmt.Errorf("execute answered %d: %.200s", status, body)
	}
	return nil
}

// idOf finds the payment's id in an answer.
func idOf(body []byte) []byte {
	mark := []byte(`"id":"`)
	at := bytes.Index(body, mark)
	if at < 0 || len(body) < at+len(mark)+len(zeroes) {
		return nil
	}
	return body[at+len(mark) : at+len(mark)+len(zeroes)]
}

// sale asks the simulator directly.
func (s *server) sale(c *client, r *request, n int64) error {
	status, body, err := c.do(r.number(n))
	if err != nil {
		return err
	}
	if status != 201 || !bytes.Contains(body, []byte(`"status":"approved"`)) {
		return fmt.Errorf("the simulator answered %d: %.200s", status, body)
	}
	return nil
}

// mocking is one connection that creates payment intents at stripe-mock.
func (m *mock) mocking(ctx context.Context, _ int, deadline time.Time) (step, func(), error) {
	c, err := dial(ctx, m.address, deadline)
	if err != nil {
		return nil, nil, err
	}
	r := newRequest("POST", "/v1/payment_intents", "sk_test_123", content{mediaForm, mockBody, ""})
	return func() (int, error) {
		status, body, err := c.do(r.raw)
		if err == nil && (status != 200 || len(body) == 0) {
			err = fmt.Errorf("stripe-mock answered %d: %.200s", status, body)
		}
		return 1, err
	}, c.close, nil
}

// errSetup marks what has to be right before anything is measured.
var errSetup = errors.New("setting up")
