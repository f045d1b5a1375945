package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/sluicepay/sluice/internal/payment"
)

const (
	inProgress  = "409 ANOTHER_OPERATION_IN_PROGRESS"
	wrongStatus = "400 INVALID_PAYMENT_STATUS"
)

// why is why a command on the order is refused, before its amount is looked at.
func (l *life) why(statuses ...string) string {
	busy := slices.ContainsFunc(l.deeds, func(d *deed) bool { return d.status == "PENDING" }) ||
		slices.ContainsFunc(l.backs, func(b *back) bool { return b.state == "PENDING" })
	switch {
	case busy:
		return inProgress
	case l.rolled || !slices.Contains(statuses, l.status()):
		return wrongStatus
	}
	return ""
}

// named is a name for an operation, or none.
func (l *life) named() string {
	if l.chance("named") {
		l.names++
		return fmt.Sprintf("%s op %d", l.pid, l.names)
	}
	return ""
}

// part is an amount near or within a whole.
func (l *life) part(whole int) int {
	switch l.pick("part", "all", "some", "some", "most", "more") {
	case "all":
		return max(whole, 100)
	case "some":
		return rapid.IntRange(100, max(101, whole)).Draw(l.T, "some")
	case "most":
		return max(whole-rapid.IntRange(1, 150).Draw(l.T, "less"), 100)
	}
	return max(whole, 99) + rapid.IntRange(1, 1000).Draw(l.T, "above")
}

// capture takes the hold, or a part of it, by either dialect.
func (l *life) capture() {
	l.provider("capture", everything, func() bool {
		amount, given := l.authorised, ""
		d := &deed{kind: "CAPTURE", status: "PENDING"}
		if l.chance("with an amount") {
			amount = l.part(l.authorised)
			given = amountOf(amount)
		}
		d.amount = amount
		var a said
		if l.chance("capture by the gateway") {
			body := ""
			if given != "" {
				body = `{"amount":` + given + `}`
			}
			a = l.gateway("POST", "/"+l.pid+"/capture", body)
			l.allowed(a, l.state == "AUTHORIZED" && !l.rolled && amount <= l.authorised, "capture")
		} else {
			d.name = l.named()
			why := l.why("AUTHORIZED")
			if why == "" && amount > l.authorised {
				why = "400 CAPTURE_AMOUNT_TOO_LARGE"
			}
			a = l.yandex("POST", "/v1"+l.path()+"/capture", fields("externalOperationId", d.name, "orderAmount", given))
			l.refused(a, why, "capture")
			d.id = a.at("data.operation.operationId")
		}
		if a.status == 200 {
			l.state, l.deeds = "PENDING", append(l.deeds, d)
		}
		return a.status == 200
	}, func(done bool) {
		d := l.deeds[len(l.deeds)-1]
		if l.state, d.status = "AUTHORIZED", "FAIL"; done {
			l.state, d.status, l.captured = "COMPLETED", "SUCCESS", d.amount
		}
	})
}

// void gives the hold back, by either dialect.
func (l *life) void() {
	word := ""
	l.provider("void", everything, func() bool {
		d := &deed{kind: "VOID", status: "PENDING", amount: l.authorised}
		var a said
		if l.chance("void by the gateway") {
			a = l.gateway("POST", "/"+l.pid+"/void", "")
			l.allowed(a, l.state == "AUTHORIZED", "void")
		} else {
			d.name, word = l.named(), "no stock"
			a = l.yandex("POST", "/v1"+l.path()+"/cancel", fields("externalOperationId", d.name, "reason", word))
			l.refused(a, l.why("AUTHORIZED"), "cancel")
			d.id = a.at("data.operation.operationId")
		}
		if a.status == 200 {
			l.state, l.deeds = "PENDING", append(l.deeds, d)
		}
		return a.status == 200
	}, func(done bool) { l.voided(done, word) })
}

func (l *life) voided(done bool, word string) {
	d := l.deeds[len(l.deeds)-1]
	if l.state, d.status = "AUTHORIZED", "FAIL"; done {
		l.state, d.status, l.word = "CANCELLED", "SUCCESS", word
	}
}

// fields is a JSON object of strings, without those that are empty.
func fields(pairs ...string) string {
	doc := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			doc[pairs[i]] = pairs[i+1]
		}
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// sum adds up the refunds in the states.
func (l *life) sum(states ...string) int {
	n := 0
	for _, b := range l.backs {
		if slices.Contains(states, b.state) {
			n += b.amount
		}
	}
	return n
}

// left is what can still be asked back.
func (l *life) left() int { return l.captured - l.sum("PENDING", "COMPLETED") }

// refund gives money back, by either dialect. While one is open, only the gateway makes another.
func (l *life) refund() {
	b := &back{state: "PENDING", deed: &deed{kind: "REFUND", status: "PENDING"}}
	l.provider("refund", everything, func() bool {
		b.amount = l.part(l.left())
		b.deed.amount = b.amount
		var a said
		if l.chance("refund by the gateway") {
			a = l.gateway("POST", "", fmt.Sprintf(`{"paymentType":"REFUND","parentPaymentId":%q,"currency":"RUB","amount":%s}`, l.pid, amountOf(b.amount)))
			l.allowed(a, l.state == "COMPLETED" && !l.rolled && b.amount <= l.left(), "refund")
			b.id = a.at("result.id")
		} else {
			b.deed.name = l.named()
			why, rest := l.why("CAPTURED", "PARTIALLY_REFUNDED"), l.left()-b.amount
			switch {
			case why != "":
			case rest < 0:
				why = "400 REFUND_AMOUNT_TOO_LARGE"
			case rest > 0 && rest < 100:
				why = "400 BAD_REQUEST"
			}
			version := l.pick("version", "/v1", "/v2")
			a = l.yandex("POST", version+l.path()+"/refund", fields("externalOperationId", b.deed.name, "refundAmount", amountOf(b.amount)))
			l.refused(a, why, "refund")
			b.deed.id = a.at("data.operation.operationId")
			b.id = bare(b.deed.id)
		}
		if a.status == 200 {
			l.backs, l.deeds = append(l.backs, b), append(l.deeds, b.deed)
		}
		return a.status == 200
	}, func(done bool) {
		if b.state, b.deed.status = closed, "FAIL"; done {
			b.state, b.deed.status = "COMPLETED", "SUCCESS"
		}
	})
}

// rollback undoes the order whatever its state.
func (l *life) rollback() {
	ask := func() bool {
		a := l.yandex("POST", "/v1"+l.path()+"/rollback", "")
		why := l.why(l.status())
		if why == wrongStatus {
			why = "" // there is no status in which it is refused
		}
		if l.rolled { // nothing more to undo
			why = ""
		}
		l.refused(a, why, "rollback")
		return a.status == 200 && !l.rolled
	}
	switch {
	case l.reviewed:
		if ask() {
			l.state, l.rolled, l.reviewed = closed, true, false
		}
	case l.state == "PENDING" && !l.rolled && !l.held && !l.atBank && l.chance("heard again"):
		l.w.app.Simulator.ClearScenarios()
		if !ask() {
			return
		}
		l.rolled = true
		ends := l.open
		l.open = nil
		for _, o := range ends { // what was not made yet never will be
			o.end(o.done && !o.later)
		}
	case l.rolled || l.state == closed || l.state == "CANCELLED" || l.state == "PENDING" || l.state == "CHECKOUT" ||
		l.captured > 0 && l.left() == 0:
		if ask() && (l.state == "PENDING" || l.state == "CHECKOUT") {
			l.rolled = true
			if l.state == "CHECKOUT" || l.atBank { // the bank takes the customer's word no more
				l.state, l.atBank = closed, false
			}
		}
	case l.state == "AUTHORIZED":
		l.provider("void", kindly, func() bool {
			if !ask() {
				return false
			}
			l.state, l.rolled = "PENDING", true
			l.deeds = append(l.deeds, &deed{kind: "VOID", status: "PENDING", amount: l.authorised})
			return true
		}, func(done bool) { l.voided(done, "") })
	default:
		b := &back{state: "PENDING"}
		l.provider("refund", kindly, func() bool {
			if !ask() {
				return false
			}
			l.rolled, b.amount = true, l.left()
			l.backs = append(l.backs, b)
			return true
		}, func(bool) { b.state = "COMPLETED" })
	}
}

// settle lets the provider be heard again and the time pass, until nothing is open.
func (l *life) settle() {
	if len(l.open) == 0 {
		return
	}
	l.w.app.Simulator.ClearScenarios()
	for range 12 {
		l.w.app.Clock.Advance(10 * time.Minute)
		state, open := l.readAll()
		if !open && state != "PENDING" {
			break
		}
	}
	ends := l.open
	l.open = nil
	for _, o := range ends {
		o.end(o.done)
	}
}

// readAll reads the payment and its refunds by either dialect, and reports whether anything of it is still open.
func (l *life) readAll() (state string, open bool) {
	if l.chance("read by the gateway") {
		for _, b := range l.refundsAtGateway() {
			open = l.gateway("GET", "/"+textAt(b, "id"), "").at("result.state") == "PENDING" || open
		}
	} else {
		l.yandex("GET", "/v1"+l.path(), "")
		for _, b := range l.refundsAtGateway() {
			open = open || textAt(b, "state") == "PENDING"
		}
	}
	return l.gateway("GET", "/"+l.pid, "").at("result.state"), open
}

// expire lets the time of the link run out.
func (l *life) expire() {
	if l.state != "CHECKOUT" {
		return
	}
	l.w.app.Clock.Advance(2 * time.Hour)
	l.works()
	if err := l.w.app.Engine.Work(context.Background(), l.shop.ID, payment.ID(l.pid)); err != nil {
		l.Fatal(err)
	}
	l.state = closed
}

// finish leaves nothing open.
func (l *life) finish() {
	if l.reviewed {
		l.review()
	}
	l.settle()
	if l.atBank {
		l.bank("approve")
	}
	l.settle()
}
