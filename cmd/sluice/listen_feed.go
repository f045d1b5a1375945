package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/webhook"
)

// feedLatest is the cursor that stands for the end of the feed.
const feedLatest = "latest"

// What can be wrong with a server.
var (
	errFeedAway  = errors.New("the server does not answer")
	errFeedPlace = errors.New("the server does not know this place in the feed")
)

// feedClient reads the feed of a shop over the merchant API.
type feedClient struct {
	server string
	key    string
	client *outbound.Client
}

type feedPage struct {
	Cursor string      `json:"cursor"`
	Result []feedEvent `json:"result"`
}

type feedEvent struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	PaymentID string          `json:"paymentId"`
	Created   time.Time       `json:"created"`
	Cursor    string          `json:"cursor"`
	Payload   json.RawMessage `json:"payload"` // kept to the byte, for the signatures
}

// read returns what follows the cursor and waits for it a while. Errors: errFeedAway when trying again may help,
// errFeedPlace, and others that need a human.
func (f *feedClient) read(ctx context.Context, after string) (feedPage, error) {
	query := url.Values{"limit": {"100"}}
	if after != "" {
		query.Set("after", after)
	}
	if after != feedLatest {
		query.Set("wait", strconv.Itoa(int(feedWait/time.Second)))
	}
	res, err := f.client.Do(ctx, &outbound.Request{
		Method: http.MethodGet, URL: f.server + "/api/v1/events?" + query.Encode(),
		Header: http.Header{"Authorization": {"Bearer " + f.key}, "Accept": {"application/json"}},
	})
	if err != nil {
		return feedPage{}, fmt.Errorf("%w: %w", errFeedAway, err)
	}
	switch res.Status {
	case http.StatusOK:
	case http.StatusBadRequest:
		return feedPage{}, errFeedPlace
	case http.StatusUnauthorized:
		return feedPage{}, errors.New("the server refuses the API key")
	case http.StatusForbidden:
		return feedPage{}, errors.New("the shop is inactive")
	case http.StatusNotFound:
		return feedPage{}, fmt.Errorf("there is no feed at %s: is it a Sluice server?", f.server)
	default:
		return feedPage{}, fmt.Errorf("%w: status %d", errFeedAway, res.Status)
	}
	var page feedPage
	if err := json.Unmarshal(res.Body, &page); err != nil || page.Cursor == "" {
		return feedPage{}, fmt.Errorf("%s does not answer like a Sluice server", f.server)
	}
	return page, nil
}

// poster posts events the way webhooks are posted.
type poster struct {
	url    string
	key    string // signing key; empty signs nothing
	client *outbound.Client
	now    func() time.Time
	grace  time.Duration // that a post may still take when ctx ends
}

// post returns the status of the answer. A post that was begun is given a moment to end when ctx ends, so that what
// the other side received is not sent to it again later.
func (p *poster) post(ctx context.Context, e *feedEvent) (int, error) {
	ctx, cancel := outlast(ctx, p.grace)
	defer cancel()
	message := webhook.Message{ID: e.ID, At: p.now(), Body: e.Payload}
	if p.key != "" {
		message.Keys = []string{p.key}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	body, err := webhook.SignGateway(header, message)
	if err != nil {
		return 0, err
	}
	res, err := p.client.Do(ctx, &outbound.Request{Method: http.MethodPost, URL: p.url, Header: header, Body: body})
	if err != nil {
		return 0, err
	}
	return res.Status, nil
}

// outlast returns a context that ends only some time after ctx has.
func outlast(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}
