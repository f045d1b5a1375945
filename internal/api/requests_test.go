package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// defaultRequests is how many requests each database gets. SLUICE_TEST_REQUESTS says another number, and
// SLUICE_TEST_REQUESTS_SEED which ones they are.
const defaultRequests = 800

// rules are the refusals of requests that the documents allow, with the reason why no schema says so. N stands for every
// number and [] for every place in a list. Everything else that a request by the documents is refused for is a fault of
// the documents or of the code.
var rules = []struct{ refusal, why string }{
	{`gateway 404 Payment not found: `, "the path names nothing of the shop's"},
	{`gateway 400 1.00 Illegal Workflow State: `, "the payment is in another state"},
	{`gateway 400 (amount|parentPaymentId|paymentMethod|currency): must not be null`, "demanded of some types of payments only"},
	{`gateway 400 card.cardNumber: must not be null`, "demanded where there is a card"},
	{`gateway 400 amount: must be (greater|less) than or equal to N`, "an amount as a string has no range in a schema"},
	{`gateway 400 amount: .* can be (captured|refunded)`, "sums: not more than there is"},
	{`gateway 400 currency: must be an ISO N code or the symbol of a known cryptocurrency`, "the table of currencies"},
	{`gateway 400 amount: [A-Z]+ has N decimals`, "decimals of the currency"},
	{`gateway 422 The Idempotency-Key was used with another request: `, "keys that are taken"},
	{`gateway 400 currency: the deposit is in [A-Z]+`, "a refund has the currency of its deposit"},
	{`gateway 400 (customerIp|customer.ip): must be an IPvN or IPvN address`, "an address of either version"},
	{`gateway 400 customer.email: must be a well-formed email address`, "an address"},
	{`gateway 400 (webhookUrl|returnUrl): ` + addressed, "an address"},
	{`gateway 400 after: must be a cursor from an earlier answer to this shop`, "a cursor"},
	{`gateway 400 card.cardNumber: invalid card number`, "check digits"},
	{`gateway 400 card.cardToken: no such card token`, "unknown names"},
	{`gateway 404 Card token not found: `, "the path names no card of the shop's"},
	{`gateway 400 card.cardNumber: must not be given beside cardToken`, "one or the other"},
	{`gateway 400 card.expiry(Month|Year): must not be null`, "demanded beside a number, and not beside a token"},
	{`gateway 400 additionalParameters.(blikCode|bankCode): is of no use for [A-Z_]+`, "what goes together"},
	{`gateway 400 (applePay|googlePay): must not be given beside (applePay|googlePay|card)`, "one or the other"},
	{`gateway 400 (applePay|googlePay): the shop has no account by which tokens of this wallet are opened`, "the shop's settings"},
	{`gateway 400 paymentMethod: must match "[A-Z_]+"(, which the payment has| where (applePay|googlePay) is given)`, "what goes together"},
	{`gateway 400 card.expiryMonth: month and year of the expiry must be given together`, "what goes together"},
	{`gateway 400 paymentMethod: (must match "BASIC_CARD" where card is given|a (refund|follow-up) has the method of its (deposit|chain))`, "what goes together"},
	{`gateway 400 parentPaymentId: (no such payment|only a completed deposit can be refunded|another payment started this chain)`, "unknown parents"},
	{`gateway 400 recurringToken: (no such chain|only deposits continue a chain)`, "unknown chains"},
	{`yandexpay 404 (ORDER|OPERATION|SUBSCRIPTION)_NOT_FOUND: `, "the path or the parent names nothing of the shop's"},
	{`yandexpay 400 INVALID_PAYMENT_STATUS: `, "the order is in another state"},
	{`yandexpay 400 (ORDER_CART_DATA_ERROR|ORDER_AMOUNT_MISMATCH|REFUND_AMOUNT_TOO_LARGE|CAPTURE_AMOUNT_TOO_LARGE): `, "sums"},
	{`yandexpay 409 (ORDER_ALREADY_EXISTS|DUPLICATE_EXTERNAL_OPERATION_ID|ANOTHER_OPERATION_IN_PROGRESS): `, "names that are taken, operations that run"},
	{`yandexpay 400 (cart|intervalUnit|intervalCount): must be given`, "demanded unless only a card is bound"},
	{`yandexpay 400 cart.total.amount: must be N where only a card is bound`, "nothing is paid then"},
	{`yandexpay 400 cart.items: must not be empty`, "something must be taken"},
	{`yandexpay 400 cart.items\[\].total: must be given for a product that the order does not have`, "lines of the order"},
	{`yandexpay 400 (targetCart|refundCart|cart).items\[\].*: is not in the cart`, "lines of the order"},
	{`yandexpay 400 (trialEndAt|refundCart): must not be given beside .*`, "one or the other"},
	{`gateway 400 after: must not come with an offset`, "one or the other"},
	{`yandexpay 400 currencyCode: must be a currency of the merchant`, "the shop's settings"},
	{`yandexpay 400 [a-zA-Z.]*[aA]mount: must be at (least|most) N`, "the least of a currency; an amount as a string has no range in a schema"},
	{`yandexpay 400 (targetShipping|shipping).amount: is more than was paid for the delivery`, "sums"},
	{`yandexpay 400 refundAmount: must leave nothing or at least N`, "the least of a currency"},
	{`yandexpay 400 refundExternalAmount: is more than was paid elsewhere`, "sums"},
	{`yandexpay 400 redirectUrls.on(Success|Error|Abort): ` + addressed, "an address"},
}

// addressed is what may be wrong with a text that has to be an address, which no format of a schema says.
const addressed = `must (be an absolute address such as https://shop.example/path|be an https or http address(, or one of an app's own scheme)?|` +
	`have a port from N to N|hold two hexadecimal digits after every %|name a host that can be looked up|` +
	`name a host that does not depend on the payment|not hold a blank: %N stands for one|` +
	`not hold a fragment \(what follows #\): it is never sent|not hold user information)`

// ruled reports whether a refusal is by one of the rules.
func ruled(refusal string) bool {
	for i := range rules {
		if whole, err := regexp.MatchString("^(?:"+rules[i].refusal+")$", refusal); whole || err != nil {
			return err == nil
		}
	}
	return false
}

// TestRequestsByTheDocuments builds random requests from the documents that the server gives out. Each is carried out or
// refused by one of the rules, never because of its shape; and a mutation of it meets no failure of ours.
func TestRequestsByTheDocuments(t *testing.T) {
	t.Parallel()
	count, seed := setting.Number(t, "SLUICE_TEST_REQUESTS", defaultRequests), uint64(setting.Number(t, "SLUICE_TEST_REQUESTS_SEED", 1))
	var ops []operation
	for _, dialect := range slices.Sorted(maps.Keys(documents)) {
		ops = append(ops, operationsOf(dialect, servedDocument(t, dialect))...)
	}
	storetest.Each(t, func(t *testing.T, d *storetest.Database) {
		log := &quietLog{}
		s := newScene(t, d, log)
		met, refused := map[string]int{}, map[string]int{}
		for i := range count {
			b := builder{Rand: rand.New(rand.NewPCG(seed, uint64(i))), scene: s}
			op := &ops[i%len(ops)]
			q := b.request(op)
			a, err := s.send(&q)
			if err != nil {
				t.Fatalf("request %d of seed %d: %v\n%.2000q", i, seed, err, q.wire())
			}
			met[op.dialect+" "+strconv.Itoa(a.status)]++
			for _, why := range refusals(op, a) {
				refused[why]++
				if !ruled(why) {
					t.Errorf("request %d of seed %d is refused by no rule: %s\n%.3000s %s %s\n%.1500s", i, seed, why, q.method, q.target, q.body, a.body)
				}
			}
			if a.status < 400 && op.method != http.MethodGet && (strings.Contains(op.path, "{") || bytes.Contains(q.body, []byte(`"parentPaymentId"`))) {
				s.spend("") // whatever it was about may be used up
			}
			mutant := q
			mutate(b.Rand, &mutant)
			if a, err = s.send(&mutant); err != nil {
				t.Fatalf("mutation of request %d of seed %d: %v\n%.2000q", i, seed, err, mutant.wire())
			}
			kind := "mutated " + strconv.Itoa(a.status)
			if beneath(&mutant, a) { // no handler saw it
				kind += " by net/http"
			}
			met[kind]++
			if a.status < 400 && mutant.method != http.MethodGet {
				s.spend("")
			}
			faults := judge(&mutant, a)
			for _, line := range log.loud() {
				faults = append(faults, "logged: "+line)
			}
			if len(faults) > 0 {
				t.Errorf("mutation of request %d of seed %d: %s\n%.1500q\n%d %.1500q", i, seed, strings.Join(faults, "; "), mutant.wire(), a.status, a.body)
			}
		}
		t.Logf("%d requests, each with a mutation: %v", count, met)
		for _, why := range slices.Sorted(maps.Keys(refused)) {
			t.Logf("%6d %s", refused[why], why)
		}
	})
}

var (
	someNumber = regexp.MustCompile(`\d+(\.\d+)?`)
	somePlace  = regexp.MustCompile(`\[\d+\]`)
)

// refusals are the reasons of a refusal, without what differs each time; of what is 404 by its path there is none.
func refusals(op *operation, a *got) (all []string) {
	if a.status < 400 {
		return nil
	}
	var said struct {
		Message, ReasonCode, Reason string
		Errors                      []struct{ Field, DefaultMessage string }
		Details                     struct {
			Errors []struct{ Field, Message string }
		}
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return []string{fmt.Sprintf("%s %d: %v", op.dialect, a.status, err)}
	}
	add := func(field, why string) {
		why = someNumber.ReplaceAllString(why, "N")
		all = append(all, fmt.Sprintf("%s %d %s: %s", op.dialect, a.status, somePlace.ReplaceAllString(field, "[]"), why))
	}
	for _, e := range said.Errors {
		add(e.Field, e.DefaultMessage)
	}
	for _, e := range said.Details.Errors {
		add(e.Field, e.Message)
	}
	switch {
	case len(all) > 0:
	case said.ReasonCode != "":
		add(said.ReasonCode, "")
	default:
		add(said.Message, "")
	}
	return all
}
