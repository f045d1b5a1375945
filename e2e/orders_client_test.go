package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// merchant calls the Yandex Pay merchant API for a shop, and pays its orders as customers do.
type merchant struct {
	*client
	id       string // merchantId
	twoStage bool
}

// newMerchant makes a shop whose orders are held first or not, and whose events go to the address.
func (s *server) newMerchant(t testing.TB, sim *simulator, callback string, twoStage bool) *merchant {
	t.Helper()
	shop := s.newImpatientHookShop(t, sim, object{"yandexPay": object{"callbackUrl": callback, "twoStage": twoStage}}, callLimit)
	return &merchant{shop.client, dashed(shop.id), twoStage}
}

// dashed spells an id as a UUID of version 4; bare takes that back.
func dashed(id string) string {
	if len(id) != 32 {
		return id
	}
	return strings.Join([]string{id[:8], id[8:12], "4" + id[13:16], id[16:20], id[20:]}, "-")
}

func bare(id string) string {
	if text := strings.ReplaceAll(id, "-", ""); len(text) == 32 {
		return text[:12] + "7" + text[13:]
	}
	return id
}

// payCall is one call of the API.
type payCall struct {
	method, path string // below /api/merchant
	id           string // X-Request-Id
	attempt      int
	body         object
}

func ordersPath(id string) string { return "/v1/orders/" + url.PathEscape(id) }

// payOperation and payOrder are shown by the API, as far as these tests look.
type payOperation struct {
	OperationID, OperationType, OrderID, Amount, Status, ExternalOperationID string
}

func (o *payOperation) final() bool { return o.Status == "SUCCESS" || o.Status == "FAIL" }

type payOrder struct {
	OrderID, MerchantID, PaymentStatus, PaymentURL, OrderAmount, Reason string
}

// payAnswer is an answer of the API.
type payAnswer struct {
	status int
	header http.Header
	code   string // reasonCode
	data   struct {
		PaymentURL, SubscriptionID, OperationID string

		Operation  payOperation
		Order      payOrder
		Operations []payOperation
	}
	body []byte
}

func (a *payAnswer) String() string { return fmt.Sprintf("status %d: %.400s", a.status, a.body) }

// tryAgain: the answer asks for the same call again.
func (a *payAnswer) tryAgain() bool {
	return a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests || a.busy()
}

// busy: another operation on the order is under way.
func (a *payAnswer) busy() bool { return a.code == "ANOTHER_OPERATION_IN_PROGRESS" }

// call sends one call. An error means that no whole answer came: the server may or may not have acted.
func (m *merchant) call(ctx context.Context, q payCall) (*payAnswer, error) {
	var body io.Reader
	if q.body != nil {
		raw, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, m.base+"/api/merchant"+q.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Api-Key "+m.key)
	req.Header.Set("X-Request-Attempt", strconv.Itoa(q.attempt))
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	}
	if q.id != "" {
		req.Header.Set("X-Request-Id", q.id)
	}
	res, err := m.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	a := &payAnswer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	if err := a.decode(); err != nil {
		a.status, a.body = 0, []byte(err.Error()) // no answer of this API
	}
	return a, nil
}

func (a *payAnswer) decode() error {
	envelope := struct {
		Code               int
		Status, ReasonCode string
		Data               any
	}{Data: &a.data}
	if err := json.Unmarshal(a.body, &envelope); err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	a.code = envelope.ReasonCode
	if good := a.status == http.StatusOK; envelope.Code != a.status || good != (envelope.Status == "success") || good == (a.code != "") {
		return fmt.Errorf("not an envelope of this API: %s", a)
	}
	return nil
}

var (
	errPage  = errors.New("the page is not as expected")
	errLater = errors.New("the page asks to come again later")
)

var nonceField = regexp.MustCompile(`name="nonce" value="([^"]*)"`)

// payAt fills in the hosted page's form as a customer's browser does; nil also where there is nothing to fill in.
func (m *merchant) payAt(ctx context.Context, page, number, code string) error {
	status, shown, err := m.browse(ctx, page, nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusServiceUnavailable:
		return errLater
	case status != http.StatusOK:
		return fmt.Errorf("%w: status %d %.200s", errPage, status, shown)
	}
	nonce := nonceField.FindSubmatch(shown)
	if nonce == nil {
		return nil
	}
	status, shown, err = m.browse(ctx, page, url.Values{
		"nonce": {html.UnescapeString(string(nonce[1]))}, "method": {"BASIC_CARD"}, "number": {number}, "code": {code},
		"expiry": {fmt.Sprintf("12/%02d", (time.Now().Year()+3)%100)}, "holder": {"Jane Doe"},
	})
	closed := status == http.StatusOK && nonceField.Find(shown) == nil // rolled back meanwhile
	switch {
	case err == nil && status == http.StatusServiceUnavailable:
		err = errLater
	case err == nil && status != http.StatusSeeOther && !closed:
		err = fmt.Errorf("%w: form answered by %d %.200s", errPage, status, shown)
	}
	return err
}

// browse loads a page, or sends its form.
func (m *merchant) browse(ctx context.Context, page string, form url.Values) (int, []byte, error) {
	method, body := "GET", ""
	if form != nil {
		method, body = "POST", form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, page, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := m.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	shown, err := io.ReadAll(res.Body)
	return res.StatusCode, shown, err
}

// orderOf reads an order.
func (m *merchant) orderOf(ctx context.Context, id string) (*payAnswer, error) {
	return m.call(ctx, payCall{method: "GET", path: ordersPath(id)})
}

// cartOf is a cart with one line.
func cartOf(amount string) object {
	return object{
		"items": []object{{"productId": "p", "title": "Tea", "quantity": object{"count": "1"}, "total": amount}},
		"total": object{"amount": amount},
	}
}
