package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Areas: what an answer has to look like.
const (
	areaGateway = "gateway"
	areaYandex  = "yandexpay"
	areaPage    = "page"
	areaNotice  = "notice"
	areaOther   = "other"
)

// areaOf is the area of a request as the server understands it.
func areaOf(q *sent) string {
	target, _, _ := strings.Cut(q.target, "?")
	if q.method == http.MethodConnect { // which the mux takes in another way
		return areaOther
	}
	if rest, ok := strings.CutPrefix(target, "http://"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		target = "/" + rest
	}
	for area, base := range map[string]string{
		areaGateway: "/api/v1", areaYandex: "/api/merchant", areaPage: "/payment", areaNotice: "/notices",
	} {
		if strings.HasPrefix(target, base+"/") || target == base && area != areaPage && area != areaNotice {
			return area
		}
	}
	return areaOther
}

// insides are words of our insides, none of which any mutation sends. The project's own address, which the documents of the
// APIs give, is none.
var insides = regexp.MustCompile(`(?i)\bgoroutine\b|runtime error|\.go:\d|\bsqlstate\b|\bsqlite\b|\bpgconn\b|constraint failed|/tmp/|github\.com/[\w.-]+/[\w-]+[/.@]|\bpanic\b|stack trace|\bselect \w+,`)

// judge tells what is wrong with an answer.
func judge(q *sent, a *got) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if a.status == 0 || beneath(q, a) {
		return nil
	}
	if a.status == 503 && q.broken { // it is told that the caller is gone
		return nil
	}
	if a.status >= 500 {
		fault("an answer of %d", a.status)
	}
	if found := insides.Find(a.body); found != nil {
		fault("%q in the answer", found)
	}
	for name, values := range a.header {
		if len(values) != 1 || strings.ContainsAny(values[0], "\r\n\x00") || name == "X-Injected" {
			fault("header %s is %q", name, values)
		}
	}
	if a.header.Get("X-Request-Id") == "" {
		fault("no X-Request-Id")
	}
	if q.method == http.MethodHead {
		if len(a.body) > 0 {
			fault("a body after HEAD")
		}
		return faults
	}
	switch areaOf(q) {
	case areaGateway:
		shapeGateway(a, fault)
	case areaYandex:
		shapeYandex(a, fault)
	case areaPage:
		shapePage(a, fault)
	case areaOther:
		if allowed := []int{200, 400, 401, 404, 405}; !slices.Contains(allowed, a.status) {
			fault("status %d", a.status)
		}
	case areaNotice:
		if allowed := []int{204, 400, 401, 404, 405, 413, 415}; !slices.Contains(allowed, a.status) {
			fault("status %d", a.status)
		}
	}
	return faults
}

// beneath reports whether the answer is one of the HTTP server itself to what is no HTTP; no handler saw the request.
func beneath(q *sent, a *got) bool {
	if a.header.Get("X-Request-Id") != "" || !slices.Contains([]int{400, 413, 417, 431, 501, 505}, a.status) && q.target != "*" {
		return false
	}
	text := strings.TrimSpace(string(a.body))
	return text == "" || strings.HasPrefix(text, fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))) && len(text) < 80 ||
		a.status == 501 && text == "Unsupported transfer encoding" || text == "Not implemented"
}

func apiHeaders(a *got, fault func(string, ...any)) {
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if a.header.Get(name) != want {
			fault("header %s is %q", name, a.header.Get(name))
		}
	}
	if (a.status == 401) != (a.header.Get("WWW-Authenticate") != "") {
		fault("WWW-Authenticate %q", a.header.Get("WWW-Authenticate"))
	}
	if (a.status == 405) != (a.header.Get("Allow") != "") {
		fault("Allow %q", a.header.Get("Allow"))
	}
}

// keysOf are the names in an object in their order, "" for anything else.
func keysOf(raw []byte) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return ""
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return ""
		}
		names = append(names, fmt.Sprint(name))
	}
	return strings.Join(names, " ")
}

func shapeGateway(a *got, fault func(string, ...any)) {
	apiHeaders(a, fault)
	var body struct {
		Status  int
		Error   string
		Message string
		Path    string
		Errors  []json.RawMessage
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		fault("body: %v", err)
		return
	}
	want := []string{"status error message timestamp path"}
	switch a.status {
	case 200:
		want = []string{"timestamp status result", "timestamp status hasMore result", "timestamp status hasMore cursor result"}
	case 400:
		want = []string{"timestamp status error message path", "timestamp status error message errors path"}
	case 401, 403, 404, 405, 413, 415, 422:
	default:
		fault("status %d", a.status)
	}
	if keys := keysOf(a.body); !slices.Contains(want, keys) || body.Status != a.status {
		fault("members %q, status %d in it", keys, body.Status)
	}
	if a.status != 200 && (body.Error != http.StatusText(a.status) || body.Message == "" || !strings.HasPrefix(body.Path, "/")) {
		fault("error %q, message %q, path %q", body.Error, body.Message, body.Path)
	}
	for _, one := range body.Errors {
		if keys := keysOf(one); keys != "codes arguments defaultMessage objectName field bindingFailure" {
			fault("entry with members %q", keys)
		}
	}
	if len(a.body) > 64<<10 && a.status != 200 {
		fault("an error of %d bytes", len(a.body))
	}
}

// reasonCodes are the statuses of every code of the contract.
var reasonCodes = map[string]int{
	"AUTHENTICATION_ERROR": 401, "FORBIDDEN": 403, "ORDER_AMOUNT_MISMATCH": 400, "ORDER_CART_DATA_ERROR": 400, "ANOTHER_OPERATION_IN_PROGRESS": 409,
	"DUPLICATE_EXTERNAL_OPERATION_ID": 409, "ORDER_ALREADY_EXISTS": 409, "ORDER_NOT_FOUND": 404, "OPERATION_NOT_FOUND": 404,
	"SUBSCRIPTION_NOT_FOUND": 404, "INVALID_PAYMENT_STATUS": 400, "CAPTURE_AMOUNT_TOO_LARGE": 400, "REFUND_AMOUNT_TOO_LARGE": 400,
	"BAD_REQUEST": 400, "METHOD_NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405,
}

func shapeYandex(a *got, fault func(string, ...any)) {
	apiHeaders(a, fault)
	var body struct {
		Code       int
		Status     string
		ReasonCode string
		Reason     string
		Data       json.RawMessage
		Details    json.RawMessage
	}
	if err := json.Unmarshal(a.body, &body); err != nil || body.Code != a.status {
		fault("body: %v, code %d in it", err, body.Code)
		return
	}
	keys := keysOf(a.body)
	switch {
	case a.status == 200 && (keys != "code status data" || body.Status != "success" || body.Data[0] != '{'):
		fault("members %q, status %q", keys, body.Status)
	case a.status != 200 && (strings.TrimSuffix(keys, " details") != "status code reasonCode reason" || body.Status != "fail" || body.Reason == ""):
		fault("members %q, status %q, reason %q", keys, body.Status, body.Reason)
	case a.status != 200 && reasonCodes[body.ReasonCode] != a.status:
		fault("reasonCode %q with %d", body.ReasonCode, a.status)
	case body.ReasonCode == "BAD_REQUEST" && keysOf(body.Details) != "errors description":
		fault("details %s", body.Details)
	}
}

func shapePage(a *got, fault func(string, ...any)) {
	if !slices.Contains([]int{200, 303, 400, 404, 405, 413, 422}, a.status) {
		fault("status %d", a.status)
	}
	if a.status == 405 {
		return
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
	} {
		if a.header.Get(name) != want {
			fault("header %s is %q", name, a.header.Get(name))
		}
	}
	policy := a.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'none'") && !strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "unsafe") {
		fault("policy %q", policy)
	}
	if at := a.header.Get("Location"); a.status == 303 && !strings.HasPrefix(at, "/payment/") && !strings.HasPrefix(at, "https://shop.example/") {
		fault("it leads to %q", at)
	}
	ours := strings.Count(policy, "'sha256-") // each script of ours has its hash in the policy; what else there were would not run
	if bytes.Count(a.body, []byte("<script")) > ours || bytes.Contains(a.body, []byte("javascript:")) {
		fault("a script")
	}
}
