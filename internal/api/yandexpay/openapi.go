package yandexpay

import (
	_ "embed"
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
)

// DocumentPath is where the description of this dialect is served.
const DocumentPath = "/openapi-yandexpay.json"

// openAPI describes what this dialect answers, for people and for generators of clients. A test holds it against the
// endpoints and against every recorded answer.
//
//go:embed openapi.json
var openAPI []byte

// serveOpenAPI needs no key: the document tells nothing about anybody.
func serveOpenAPI(w http.ResponseWriter, _ *http.Request) { api.Answer(w, http.StatusOK, openAPI) }
