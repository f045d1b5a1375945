package przelewy24

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
)

// notice is one that waits to be delivered.
type notice struct {
	url  string
	body []byte
	sent bool
}

// tell keeps a notice of these members, in their order, with their sum.
func (d *Double) tell(url string, more string, members ...any) {
	sign := sum(slices.Concat(members, []any{"crc", d.c.CRC})...)
	d.notices = append(d.notices, &notice{url: url, body: []byte("{" + listed(members) + "," + more + `"sign":` + plain(sign) + "}")})
}

// tellPaid is the notice of a payment, which is sent for those that succeeded only.
func (d *Double) tellPaid(t *transaction) {
	if t.tell == "" {
		return
	}
	d.tell(t.tell, "", "merchantId", d.c.Merchant, "posId", d.c.POS, "sessionId", t.session, "amount", t.amount, "originAmount", t.amount, "currency", t.currency,
		"orderId", t.order, "methodId", t.method, "statement", "p24-A11-B22-C33 / Zażółć")
}

// result is what an additional notice of BLIK says.
type result struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Status  string `json:"status"`
	TrxRef  string `json:"trxRef"`
}

// tellBlik is the additional notice of BLIK, which tells refusals, too.
func (d *Double) tellBlik(t *transaction, code string) {
	said := result{Error: code, Message: "OK / gotowe", Status: "success", TrxRef: "12345678901"}
	if code != "0" {
		said.Message, said.Status = "Odrzucona przez bank", "error"
	}
	d.tell(t.tellBlik, "", "orderId", t.order, "sessionId", t.session, "method", t.method, "result", said)
}

// tellRefund is the notice of a refund that has ended. The id of its request and the time are not signed.
func (d *Double) tellRefund(r *refund) {
	if r.tell == "" {
		return
	}
	state := map[bool]int{true: 0, false: 1}[r.state == completed]
	more := fmt.Sprintf(`"requestId":%s,"timestamp":%d,`, plain(r.request), d.c.Now().Unix())
	d.tell(r.tell, more, "orderId", r.of.order, "sessionId", r.of.session, "refundsUuid", r.uuid, "merchantId", d.c.Merchant, "amount", r.amount,
		"currency", r.of.currency, "status", state)
}

// Notices returns the bodies of all notices so far, oldest first.
func (d *Double) Notices() (bodies [][]byte) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, n := range d.notices {
		bodies = append(bodies, n.body)
	}
	return bodies
}

// Deliver posts all notices that were not taken yet, oldest first, and returns the first refusal. What was refused waits for the next call.
func (d *Double) Deliver(ctx context.Context, client *http.Client) error {
	d.Mu.Lock()
	waiting := append([]*notice(nil), d.notices...)
	d.Mu.Unlock()
	var failed error
	for _, n := range waiting {
		if n.sent {
			continue
		}
		if err := post(ctx, client, n); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

func post(ctx context.Context, client *http.Client, n *notice) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(n.body))
	if err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	q.Header.Set("Content-Type", "application/json")
	res, err := client.Do(q)
	if err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	defer res.Body.Close()
	if n.sent = res.StatusCode/100 == 2; !n.sent {
		return fmt.Errorf("notice: answered %d", res.StatusCode)
	}
	return nil
}
