package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// contract holds the two published documents and the one that this server gives out.
type contract struct {
	payments, operations *openapi3.T // as published
	own                  *openapi3.T
	// partial is payments without the lists of required fields of Customer and BillingAddress. The published
	// document uses the same schemas for requests, where they are demanded, and for answers, which show only what was
	// supplied: a refund or a shop with relaxed demands may have supplied less.
	partial *openapi3.T
}

var loadContract = sync.OnceValues(func() (*contract, error) {
	var c contract
	for _, d := range []struct {
		into **openapi3.T
		path string
	}{
		{&c.payments, "testdata/gateway-payments.openapi.json"}, {&c.partial, "testdata/gateway-payments.openapi.json"},
		{&c.operations, "testdata/gateway-operations.openapi.json"}, {&c.own, "openapi.json"},
	} {
		doc, err := openapi3.NewLoader().LoadFromFile(filepath.FromSlash(d.path))
		if err != nil {
			return nil, err
		}
		*d.into = doc
	}
	for _, name := range []string{"Customer", "BillingAddress"} {
		c.partial.Components.Schemas[name].Value.Required = nil
	}
	longer := uint64(300) // as later versions of the contract have it
	for _, doc := range []*openapi3.T{c.payments, c.partial} {
		address := doc.Components.Schemas["BillingAddress"].Value.Properties
		address["addressLine1"].Value.MaxLength, address["addressLine2"].Value.MaxLength = &longer, &longer
		documents := doc.Components.Schemas["DocumentType"].Value
		for _, word := range []string{"KZ_IIN", "RU_PP", "TR_CKK", "UK_PP", "UK_NIC", "UK_DL", "UK_BTI", "UK_TIN"} {
			documents.Enum = append(documents.Enum, word)
		}
	}
	return &c, nil
})

func contractFor(t testing.TB) *contract {
	t.Helper()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exchange is one request and its answer.
type exchange struct {
	method, pattern string // pattern is the path in the documents; empty where they have none
	status          int
	header          http.Header
	body            []byte
	partial         bool // the answer may show a customer or address of which less was supplied than is published
}

// check holds the answer against our own document and against whatever is published about it.
func (c *contract) check(t testing.TB, x exchange) {
	t.Helper()
	if x.pattern != "" {
		validate(t, "own document", c.own, x, true)
	}
	published := c.payments
	if x.partial {
		published = c.partial
	}
	schemas := published.Components.Schemas
	switch {
	case x.status == http.StatusOK && strings.HasSuffix(x.pattern, "/operations"):
		validate(t, "published operations", c.operations, x, true)
	case x.status == http.StatusOK && x.method == http.MethodGet && strings.HasSuffix(x.pattern, "/payments"):
		validate(t, "published payments", published, x, true)
	case x.status == http.StatusOK && x.pattern != "":
		var envelope map[string]any
		decode(t, x.body, &envelope)
		visit(t, "published Payment", schemas["Payment"], envelope["result"])
	case x.status == http.StatusBadRequest:
		visitBody(t, "published BadRequestError", schemas["BadRequestError"], x.body)
	case x.status == http.StatusNotFound:
		visitBody(t, "published NotFoundError", c.operations.Components.Schemas["NotFoundError"], x.body)
	default:
		visitBody(t, "published UnauthorizedError", schemas["UnauthorizedError"], x.body)
	}
}

func validate(t testing.TB, what string, doc *openapi3.T, x exchange, strict bool) {
	t.Helper()
	item := doc.Paths.Value(x.pattern)
	if item == nil || item.GetOperation(x.method) == nil {
		t.Errorf("%s has no %s %s", what, x.method, x.pattern)
		return
	}
	r, err := http.NewRequestWithContext(context.Background(), x.method, "http://localhost"+x.pattern, nil)
	if err != nil {
		t.Fatal(err)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: &routers.Route{
			Spec: doc, Path: x.pattern, PathItem: item, Method: x.method, Operation: item.GetOperation(x.method),
		}},
		Status: x.status, Header: x.header, Body: io.NopCloser(bytes.NewReader(x.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: strict, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(r.Context(), input); err != nil {
		t.Errorf("%s: %s %s %d: %v\n%s", what, x.method, x.pattern, x.status, err, x.body)
	}
}

func visitBody(t testing.TB, what string, schema *openapi3.SchemaRef, body []byte) {
	t.Helper()
	var v any
	decode(t, body, &v)
	visit(t, what, schema, v)
}

func visit(t testing.TB, what string, schema *openapi3.SchemaRef, v any) {
	t.Helper()
	if err := schema.Value.VisitJSON(v, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func decode(t testing.TB, body []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("answer is not JSON: %v\n%s", err, body)
	}
}

func readJSON(t testing.TB, path string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	decode(t, raw, &v)
	return v
}
