package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sluicepay/sluice/internal/api/gateway"
	"github.com/sluicepay/sluice/internal/api/yandexpay"
)

// documents are the OpenAPI documents that the server gives out, by dialect.
var documents = map[string]string{"gateway": "/openapi.json", "yandexpay": yandexpay.DocumentPath}

// servedDocument asks a server for a document, as a generator of clients does.
func servedDocument(t testing.TB, dialect string) *openapi3.T {
	t.Helper()
	mux := http.NewServeMux()
	gateway.New(nil, nil, nil, nil).Mount(mux)
	yandexpay.New(nil, nil, nil, nil).Mount(mux)
	raw := fetched(t, mux, documents[dialect])
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatalf("%s: %v", dialect, err)
	}
	return doc
}

func TestDocumentsHaveExactlyTheEndpoints(t *testing.T) {
	t.Parallel()
	for dialect, routes := range map[string][]string{"gateway": gateway.Routes(), "yandexpay": append(yandexpay.Routes(), "GET "+yandexpay.KeysPath)} {
		doc := servedDocument(t, dialect)
		var written []string
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				written = append(written, method+" "+path)
			}
		}
		slices.Sort(routes)
		slices.Sort(written)
		if !slices.Equal(routes, written) {
			t.Errorf("%s: the document has\n%s\nthe code\n%s", dialect, strings.Join(written, "\n"), strings.Join(routes, "\n"))
		}
		if doc.Info.Contact == nil || doc.Info.License == nil || doc.Info.Extensions["x-published-version"] == nil || doc.Info.Version == "" {
			t.Errorf("%s: contact, licence or a version is missing: %+v", dialect, doc.Info)
		}
	}
}

// TestDocumentsDescribeEveryProperty: readers of generated clients see nothing else. What doubles cannot decide is not in
// them: validators that compute with doubles would refuse right amounts.
func TestDocumentsDescribeEveryProperty(t *testing.T) {
	t.Parallel()
	for dialect := range documents {
		for name, schema := range servedDocument(t, dialect).Components.Schemas {
			if schema.Value.Description == "" && len(schema.Value.Properties) > 0 {
				t.Errorf("%s: %s has no description", dialect, name)
			}
			eachSchema(name, schema, func(at string, s *openapi3.SchemaRef) {
				if s.Value.MultipleOf != nil {
					t.Errorf("%s: %s has multipleOf", dialect, at)
				}
				for property, inner := range s.Value.Properties {
					if inner.Value.Description == "" {
						t.Errorf("%s: %s.%s has no description", dialect, at, property)
					}
				}
			})
		}
	}
}

// eachSchema calls visit with a schema and all that stand within it, not following references.
func eachSchema(at string, s *openapi3.SchemaRef, visit func(string, *openapi3.SchemaRef)) {
	visit(at, s)
	for name, inner := range s.Value.Properties {
		if inner.Ref == "" {
			eachSchema(at+"."+name, inner, visit)
		}
	}
	if items := s.Value.Items; items != nil && items.Ref == "" {
		eachSchema(at+"[]", items, visit)
	}
	for _, choice := range s.Value.OneOf {
		if choice.Ref == "" {
			eachSchema(at+"|", choice, visit)
		}
	}
}

// recorded is an exchange of the transcripts, with plausible values in the place of those that differ each time.
type recorded struct {
	Dialect     string `json:"dialect"`
	Name        string `json:"name"`
	Operation   string `json:"operation"` // operationId; empty where the documents have none for the path
	Method      string `json:"method"`
	Target      string `json:"target"`
	Request     string `json:"request,omitempty"`
	Status      int    `json:"status"`
	ContentType string `json:"contentType"`
	Body        string `json:"body"`
}

// TestDocumentsHoldForEveryRecordedAnswer holds the answers of the transcripts against the documents. With
// SLUICE_TEST_EXCHANGES it writes them into that file, for clients that were generated from the documents.
func TestDocumentsHoldForEveryRecordedAnswer(t *testing.T) {
	t.Parallel()
	docs := map[string]*openapi3.T{}
	for dialect := range documents {
		docs[dialect] = servedDocument(t, dialect)
	}
	all := recordedExchanges(t, docs)
	for _, x := range all {
		if x.Operation != "" {
			x.hold(t, docs[x.Dialect])
		}
	}
	if len(all) < 200 {
		t.Errorf("only %d exchanges are found", len(all))
	}
	if path := os.Getenv("SLUICE_TEST_EXCHANGES"); path != "" {
		raw, err := json.Marshal(all)
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func recordedExchanges(t testing.TB, docs map[string]*openapi3.T) (all []recorded) {
	t.Helper()
	files, err := filepath.Glob("*/testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq("\n"+string(raw), "\n### ") {
			if x, ok := parseExchange(part); ok {
				x.Name = file + ": " + x.Name
				x.Operation = operationOf(docs[x.Dialect], &x)
				all = append(all, x)
			}
		}
	}
	return all
}

var statusLine = regexp.MustCompile(`(?m)^HTTP/1\.1 (\d{3}) .*$`)

// parseExchange reads one step of a transcript: its name, the request, the answer.
func parseExchange(part string) (x recorded, ok bool) {
	at := statusLine.FindStringSubmatchIndex(part)
	if at == nil {
		return x, false
	}
	name, request, _ := strings.Cut(part[:at[0]], "\n")
	line, rest, _ := strings.Cut(request, "\n")
	if strings.HasPrefix(line, "#") { // a remark
		line, rest, _ = strings.Cut(rest, "\n")
	}
	x.Name = name
	x.Method, x.Target, _ = strings.Cut(line, " ")
	switch {
	case strings.HasPrefix(x.Target, "/api/v1"):
		x.Dialect = "gateway"
	case strings.HasPrefix(x.Target, "/api/"):
		x.Dialect = "yandexpay"
	default:
		return x, false
	}
	_, x.Request, _ = strings.Cut(rest, "\n\n")
	x.Status, _ = strconv.Atoi(part[at[2]:at[3]])
	header, body, _ := strings.Cut(part[at[1]:], "\n\n")
	for h := range strings.SplitSeq(header, "\n") {
		if value, found := strings.CutPrefix(h, "Content-Type: "); found {
			x.ContentType = value
		}
	}
	x.Body, x.Target, x.Request = x.plausible(strings.TrimSpace(body)), x.plausible(x.Target), x.plausible(strings.TrimSpace(x.Request))
	return x, true
}

var numbered = regexp.MustCompile(`<id-(\d+)>`)

// plausible puts values of the right form where a transcript has names for them.
func (x *recorded) plausible(text string) string {
	text = numbered.ReplaceAllStringFunc(text, func(name string) string {
		n, _ := strconv.Atoi(numbered.FindStringSubmatch(name)[1])
		if x.Dialect == "gateway" {
			return fmt.Sprintf("0193f0c2a7b17c9e8d4f%012x", n)
		}
		return fmt.Sprintf("0193f0c2-a7b1-4c9e-8d4f-%012x", n)
	})
	return strings.NewReplacer(
		"<instant>", "2030-12-25T10:11:12.595+00:00", "<created>", "2030-12-25T10:11:12", "<time>", "2030-12-25T10:11:12.595123+00:00",
		"<merchant>", "0193f0c2-a7b1-4c9e-8d4f-5a6b7c8d9e0f", "<url>", "https://pay.example", "<token>", "AZPwwqexfJ6NT1prfI2eDw",
		"<request-id>", "0193f0c2a7b17c9e8d4f5a6b7c8d9e0f", `<ms>`, "12", "<epoch>", "e1", "<provider>", "https://provider.example",
	).Replace(text)
}

// operationOf finds the operation that a path belongs to.
func operationOf(doc *openapi3.T, x *recorded) string {
	u, err := url.Parse(x.Target)
	if err != nil {
		return ""
	}
	best, found := -1, ""
	for path, item := range doc.Paths.Map() {
		op := item.GetOperation(x.Method)
		if fixed, ok := matchPath(path, u.EscapedPath()); op != nil && ok && fixed > best {
			best, found = fixed, op.OperationID
		}
	}
	return found
}

// matchPath reports whether a path fits a pattern, and how many of its segments the pattern spells out.
func matchPath(pattern, path string) (fixed int, ok bool) {
	wanted, given := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(wanted) != len(given) {
		return 0, false
	}
	for i, segment := range wanted {
		switch {
		case segment == given[i]:
			fixed++
		case !strings.HasPrefix(segment, "{") || given[i] == "":
			return 0, false
		}
	}
	return fixed, true
}

// hold validates the answer by the schema that the document has for its status.
func (x *recorded) hold(t *testing.T, doc *openapi3.T) {
	t.Helper()
	if x.Method == http.MethodHead || x.Body == "" {
		return
	}
	var op *openapi3.Operation
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			if o.OperationID == x.Operation {
				op = o
			}
		}
	}
	answer := op.Responses.Status(x.Status)
	if answer == nil {
		t.Errorf("%s: %s %s is answered %d, which the document does not have", x.Name, x.Method, x.Target, x.Status)
		return
	}
	media := answer.Value.Content.Get(x.ContentType)
	if media == nil {
		t.Errorf("%s: %s %s is answered with %q", x.Name, x.Method, x.Target, x.ContentType)
		return
	}
	var value any
	d := json.NewDecoder(bytes.NewReader([]byte(x.Body)))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		t.Errorf("%s: %v in %s", x.Name, err, x.Body)
		return
	}
	if err := media.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v\n%s", x.Name, err, x.Body)
	}
}

func fetched(t testing.TB, handler http.Handler, path string) []byte {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("GET %s: %d %v", path, w.Code, w.Header())
	}
	return w.Body.Bytes()
}
