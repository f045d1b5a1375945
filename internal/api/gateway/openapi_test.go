package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/api/gateway"
)

func TestOpenAPIDocumentIsValid(t *testing.T) {
	t.Parallel()
	c := contractFor(t)
	if err := c.own.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
}

func TestOpenAPIDocumentHasExactlyTheEndpoints(t *testing.T) {
	t.Parallel()
	c := contractFor(t)
	var want, got []string
	for _, e := range gateway.Endpoints() {
		want = append(want, e.Method+" "+e.Path+" "+e.OperationID)
	}
	for path, item := range c.own.Paths.Map() {
		for method, op := range item.Operations() {
			got = append(got, method+" "+path+" "+op.OperationID)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("document has\n%s\nthe code\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestOpenAPIDocumentHoldsAllThatIsPublished walks through the published documents. What is published must stand in
// ours with the same value, but for texts and for what is listed here.
func TestOpenAPIDocumentHoldsAllThatIsPublished(t *testing.T) {
	t.Parallel()
	own := readJSON(t, "openapi.json")
	// Both lists are demanded of requests by the code, where the shop's settings say so; answers show what was supplied.
	// Lines of an address are as long as later versions of the contract have them.
	const address = "/components/schemas/BillingAddress"
	expected := []string{
		"/components/schemas/Customer/required", address + "/required",
		address + "/properties/addressLine1/maxLength", address + "/properties/addressLine2/maxLength",
	}
	for _, name := range []string{"payments", "operations"} {
		published := readJSON(t, "testdata/gateway-"+name+".openapi.json")
		for _, key := range []string{"components", "paths", "security", "tags", "openapi"} {
			for _, missing := range lacking("/"+key, published[key], own[key], own) {
				at, _, _ := strings.Cut(missing, ": ")
				if !slices.Contains(expected, at) {
					t.Errorf("%s: %s", name, missing)
				}
			}
		}
	}
}

// lacking lists what is in want and not in got. References in got are followed where want has none.
func lacking(at string, want, got any, root map[string]any) []string {
	got = resolve(got, want, root)
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{at + ": absent"}
		}
		var out []string
		for _, name := range slices.Sorted(maps.Keys(w)) {
			inner := at + "/" + name
			switch {
			case name == "description" || name == "summary":
			case name == "multipleOf": // 1e-18 of an amount, for which validators that compute with doubles refuse 5 and 11.12
			case strings.HasPrefix(at, "/paths") && name == "pattern": // printed with slashes: a slip
			default:
				out = append(out, lacking(inner, w[name], g[name], root)...)
			}
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) < len(w) {
			return []string{at + ": shorter"}
		}
		var out []string
		for i := range w {
			if !slices.ContainsFunc(g, func(e any) bool { return len(lacking(at, w[i], e, root)) == 0 }) {
				out = append(out, fmt.Sprintf("%s: element %d absent", at, i))
			}
		}
		return out
	}
	if want != got {
		return []string{fmt.Sprintf("%s: %v instead of %v", at, got, want)}
	}
	return nil
}

func resolve(got, want any, root map[string]any) any {
	g, ok := got.(map[string]any)
	if w, isMap := want.(map[string]any); !ok || isMap && w["$ref"] != nil {
		return got
	}
	target, ok := g["$ref"].(string)
	if !ok {
		return got
	}
	var node any = root
	for step := range strings.SplitSeq(strings.TrimPrefix(target, "#/"), "/") {
		inner, ok := node.(map[string]any)
		if !ok {
			return got
		}
		node = inner[step]
	}
	return node
}

func TestLackingFindsDifferences(t *testing.T) {
	t.Parallel()
	want := map[string]any{"a": map[string]any{"x": "1"}, "list": []any{"p", "q"}}
	for name, got := range map[string]map[string]any{
		"value": {"a": map[string]any{"x": "2"}, "list": []any{"p", "q"}},
		"name":  {"a": map[string]any{"y": "1"}, "list": []any{"p", "q"}},
		"entry": {"a": map[string]any{"x": "1"}, "list": []any{"p", "r"}},
	} {
		if len(lacking("", want, got, nil)) == 0 {
			t.Errorf("a different %s was not found", name)
		}
	}
}

func TestOpenAPIDocumentNeedsNoKey(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	gateway.New(nil, nil, nil, nil).Mount(mux)
	w := serve(mux, http.MethodGet, "/openapi.json")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
}
