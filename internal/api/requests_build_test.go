package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"math/rand/v2"
	"net/url"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// builder makes valid requests from the schemas of a document, and from nothing else but what the scene has: ids of
// things that exist, currencies of the shop.
type builder struct {
	*rand.Rand
	scene *scene
}

// operation is one of a document.
type operation struct {
	dialect, method, path string
	*openapi3.Operation
}

func operationsOf(dialect string, doc *openapi3.T) (all []operation) {
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{dialect, method, path, op})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// request builds one for an operation.
func (b *builder) request(op *operation) sent {
	area := areaGateway
	if op.dialect == "yandexpay" {
		area = areaYandex
	}
	q := b.scene.json(area, op.method, op.path, "")
	query := url.Values{}
	for _, p := range op.Parameters {
		switch p.Value.In {
		case openapi3.ParameterInPath:
			q.target = strings.ReplaceAll(q.target, "{"+p.Value.Name+"}", url.PathEscape(b.known(p.Value.Name, p.Value.Schema.Value)))
		case openapi3.ParameterInQuery:
			if b.IntN(4) == 0 {
				query.Set(p.Value.Name, b.text(p.Value.Name, p.Value.Schema.Value))
			}
		case openapi3.ParameterInHeader:
			if b.IntN(4) == 0 {
				q.set(p.Value.Name, b.text(p.Value.Name, p.Value.Schema.Value))
			}
		}
	}
	if len(query) > 0 {
		q.target += "?" + query.Encode()
	}
	if op.RequestBody != nil && (op.RequestBody.Value.Required || b.IntN(4) > 0) {
		body := b.value("", op.RequestBody.Value.Content.Get("application/json").Schema.Value, 0)
		if whole, ok := body.(map[string]any); ok && b.IntN(4) > 0 {
			addUp(whole)
		}
		q.body, _ = json.Marshal(body) // made of what JSON has
	}
	return q
}

// addUp makes the total of a cart what its lines come to, which no schema can demand.
func addUp(body map[string]any) {
	cart, _ := body["cart"].(map[string]any)
	total, _ := cart["total"].(map[string]any)
	items, _ := cart["items"].([]any)
	if total == nil {
		return
	}
	sum := new(big.Rat)
	for _, item := range items {
		if part, ok := new(big.Rat).SetString(fmt.Sprint(item.(map[string]any)["total"])); ok {
			sum.Add(sum, part)
		}
	}
	delete(cart, "discounts")
	total["amount"] = sum.FloatString(2)
	if _, ok := body["amount"]; ok {
		body["amount"] = total["amount"]
	}
}

// known is a value for a name that has to be that of something, most often of something there is.
func (b *builder) known(name string, s *openapi3.Schema) string {
	deposits := []func() string{b.scene.checkout, b.scene.held, b.scene.paid, b.scene.unknown}
	some := deposits[b.IntN(len(deposits))]
	switch name {
	case "id", "parentPaymentId":
		return some()
	case "order_id", "parentOrderId":
		return []func() string{
			b.scene.order, b.scene.subscriber, func() string { return b.scene.reference(b.scene.held()) },
			func() string { return b.scene.reference(b.scene.paid()) }, b.scene.fresh,
		}[b.IntN(5)]()
	case "external_operation_id":
		return []func() string{b.scene.operation, b.scene.fresh}[b.IntN(2)]()
	case "subscription_id":
		return []func() string{b.scene.subscription, b.scene.fresh}[b.IntN(2)]()
	case "recurringToken":
		return []func() string{b.scene.token, b.scene.fresh}[b.IntN(2)]()
	case "customerReferenceId":
		return []func() string{b.scene.customer, b.scene.fresh}[b.IntN(2)]()
	case "cardToken":
		return []func() string{b.scene.cardToken, b.scene.fresh}[b.IntN(2)]()
	case "after":
		return ""
	case "orderId", "externalOperationId":
		return b.scene.fresh()
	case "webhookUrl", "returnUrl", "onSuccess", "onError", "onAbort":
		return []string{"", "https://shop.example/back?x=1", "https://shop.example/", "http://shop.example:8080/a"}[b.IntN(4)]
	case "currencyCode":
		return []string{"", "RUB", "RUB", "RUB", "RUB", "RUB"}[b.IntN(6)]
	}
	return ""
}

// text is a value as it stands in a query or a header.
func (b *builder) text(name string, s *openapi3.Schema) string {
	switch v := b.value(name, s, 0).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// value is one that the schema allows.
func (b *builder) value(name string, s *openapi3.Schema, depth int) any {
	known := b.known(name, s)
	switch {
	case known != "":
		return known
	case len(s.OneOf) > 0:
		return b.value("", s.OneOf[b.IntN(len(s.OneOf))].Value, depth)
	case len(s.Enum) > 0:
		return s.Enum[b.IntN(len(s.Enum))]
	case s.Const != nil:
		return s.Const
	case len(s.Examples) > 0 && b.IntN(4) > 0:
		return s.Examples[b.IntN(len(s.Examples))]
	case s.Type.Includes("object"):
		return b.object(s, depth)
	case s.Type.Includes("array"):
		return b.array(s, depth)
	case s.Type.Includes("boolean"):
		return b.IntN(2) == 0
	case s.Type.Includes("integer"):
		return json.Number(strconv.FormatInt(b.between(s), 10))
	case s.Type.Includes("number"):
		return b.number(s)
	}
	return b.word(s)
}

func (b *builder) object(s *openapi3.Schema, depth int) map[string]any {
	made := map[string]any{}
	wish := 2 + depth // the deeper the fewer
	if b.IntN(3) == 0 {
		wish = 1 << 20 // what is demanded and nothing else
	}
	required := s.Required
	if len(s.AnyOf) > 0 {
		required = slices.Concat(required, s.AnyOf[b.IntN(len(s.AnyOf))].Value.Required)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if slices.Contains(required, name) || b.IntN(wish) == 0 {
			made[name] = b.value(name, s.Properties[name].Value, depth+1)
		}
	}
	for has, needs := range s.DependentRequired {
		for _, name := range needs {
			if _, ok := made[has]; ok && made[name] == nil {
				made[name] = b.value(name, s.Properties[name].Value, depth+1)
			}
		}
	}
	if len(s.Properties) == 0 && b.IntN(2) == 0 {
		if made["any"] = any("thing"); s.AdditionalProperties.Schema == nil && b.IntN(2) == 0 {
			made["any"] = []any{json.Number("1.5"), nil, map[string]any{"deep": true}}
		}
	}
	return made
}

func (b *builder) array(s *openapi3.Schema, depth int) []any {
	most := uint64(3)
	if s.MaxItems != nil {
		most = *s.MaxItems
	}
	made := []any{}
	if s.Contains != nil {
		made = append(made, s.Contains.Value.Const)
	}
	for n := s.MinItems + b.Uint64N(max(most-s.MinItems, 1)+1); uint64(len(made)) < min(n, most); {
		made = append(made, b.value("", s.Items.Value, depth+1))
	}
	return made
}

func limitOf(given *float64, otherwise float64) float64 {
	if given == nil {
		return otherwise
	}
	return *given
}

func (b *builder) between(s *openapi3.Schema) int64 {
	least, most := int64(limitOf(s.Min, 0)), int64(limitOf(s.Max, 1<<31-1))
	switch b.IntN(8) {
	case 0:
		return least
	case 1:
		return most
	}
	return least + b.Int64N(min(most-least, 1000)+1)
}

// number has up to two decimals, or is one of the ends.
func (b *builder) number(s *openapi3.Schema) json.Number {
	least, most := limitOf(s.Min, 0), limitOf(s.Max, 1e9)
	n := math.Max(least, math.Floor(b.Float64()*math.Min(most-least, 1000)*100)/100)
	switch b.IntN(10) {
	case 0:
		n = least
	case 1:
		n = most
	}
	return json.Number(strconv.FormatFloat(n, 'f', -1, 64))
}

// letters are what texts are made of where nothing is said about them.
var letters = []rune("abcXYZ 019-_.,;:@/%+&<>\"'\\{}[]()äßжщ漢€😀")

func (b *builder) word(s *openapi3.Schema) string {
	switch {
	case strings.Contains(s.Format, "YYYY-MM-DD'T'"):
		return "20" + strconv.Itoa(10+b.IntN(80)) + "-0" + strconv.Itoa(1+b.IntN(9)) + "-1" + strconv.Itoa(b.IntN(10)) + "T10:26:18"
	case strings.Contains(s.Format, "YYYY-MM-DD"):
		return "19" + strconv.Itoa(10+b.IntN(80)) + "-0" + strconv.Itoa(1+b.IntN(9)) + "-1" + strconv.Itoa(b.IntN(10))
	case s.Format == "date-time":
		return "20" + strconv.Itoa(30+b.IntN(60)) + "-01-02T03:04:05+03:00"
	case strings.HasPrefix(s.Format, "ISO 4217"):
		return []string{"EUR", "RUB", "USD", "JPY", "BTC"}[b.IntN(5)]
	case s.Pattern != "":
		for {
			if made := b.matching(s.Pattern); within(made, s) {
				return made
			}
		}
	}
	most := s.MinLength + 20
	if s.MaxLength != nil {
		most = min(most, *s.MaxLength)
		if *s.MaxLength <= 300 && b.IntN(10) == 0 {
			most = *s.MaxLength
			s = &openapi3.Schema{MinLength: most}
		}
	}
	made := make([]rune, s.MinLength+b.Uint64N(most-s.MinLength+1))
	for i := range made {
		made[i] = letters[b.IntN(len(letters))]
	}
	return string(made)
}

func within(text string, s *openapi3.Schema) bool {
	n := uint64(len([]rune(text)))
	return n >= s.MinLength && (s.MaxLength == nil || n <= *s.MaxLength)
}

// matching is a text that the pattern accepts as a whole.
func (b *builder) matching(pattern string) string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		b.scene.Fatal(err)
	}
	var made strings.Builder
	b.match(&made, tree)
	return made.String()
}

func (b *builder) match(made *strings.Builder, node *syntax.Regexp) {
	repeat := func(least, most int) {
		if most < 0 {
			most = least + 5
		}
		for range least + b.IntN(most-least+1) {
			b.match(made, node.Sub[0])
		}
	}
	switch node.Op {
	case syntax.OpLiteral:
		made.WriteString(string(node.Rune))
	case syntax.OpCharClass:
		at := 2 * b.IntN(len(node.Rune)/2)
		made.WriteRune(node.Rune[at] + rune(b.IntN(int(min(node.Rune[at+1]-node.Rune[at], 100)+1))))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		made.WriteRune(letters[b.IntN(len(letters))])
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(node.Min, node.Max)
	case syntax.OpAlternate:
		b.match(made, node.Sub[b.IntN(len(node.Sub))])
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range node.Sub {
			b.match(made, sub)
		}
	}
}
