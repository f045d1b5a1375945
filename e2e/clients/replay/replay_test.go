// Package replay hands every recorded answer to the Go clients that scripts/clients.sh has generated.
package replay

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	oapigateway "github.com/sluicepay/sluice/e2e/clients/gen/oapi/gateway"
	oapiyandexpay "github.com/sluicepay/sluice/e2e/clients/gen/oapi/yandexpay"
)

type decoders map[string]func(*http.Response) (any, error)

var clients = map[string]map[string]decoders{
	"ogen":         ogenClients,
	"oapi-codegen": {"gateway": oapigateway.Decoders, "yandexpay": oapiyandexpay.Decoders},
}

type exchange struct {
	Dialect, Name, Operation, ContentType, Body string
	Status                                      int
}

func TestEveryClientReadsEveryAnswer(t *testing.T) {
	raw, err := os.ReadFile("../gen/exchanges.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for name, of := range clients {
		if of == nil {
			continue
		}
		n := 0
		for _, x := range all {
			if x.Operation == "" {
				continue
			}
			read := of[x.Dialect][strings.ToLower(x.Operation)]
			if read == nil {
				t.Errorf("%s has no %s", name, x.Operation)
				continue
			}
			x.readBy(t, name, read)
			n++
		}
		if n == 0 {
			t.Error("nothing was read")
		}
		t.Logf("%s read %d answers", name, n)
	}
}

func (x *exchange) readBy(t *testing.T, client string, read func(*http.Response) (any, error)) {
	t.Helper()
	answer, err := read(&http.Response{
		StatusCode: x.Status, Status: strconv.Itoa(x.Status), Body: io.NopCloser(bytes.NewReader([]byte(x.Body))),
		Header: http.Header{"Content-Type": {x.ContentType}, "X-Request-Id": {"r"}, "Retry-After": {"1"}},
	})
	if err != nil {
		t.Errorf("%s: %s: %s answered %d: %v\n%s", client, x.Name, x.Operation, x.Status, err, x.Body)
		return
	}
	// oapi-codegen has a field for each status, and leaves it empty for what it does not know.
	if field := reflect.Indirect(reflect.ValueOf(answer)).FieldByName; client == "oapi-codegen" {
		if f := field("JSON" + strconv.Itoa(x.Status)); !f.IsValid() || f.IsNil() {
			t.Errorf("%s: %s: %s answered %d is not read", client, x.Name, x.Operation, x.Status)
		}
	}
}
