package gateway

import (
	_ "embed"
	"net/http"

	"github.com/sluicepay/sluice/internal/api"
)

// document describes what this dialect answers, for people and for generators of clients. A test holds it against
// the endpoints and against the published contract.
//
//go:embed openapi.json
var document []byte

// serveOpenAPI needs no key: the document tells nothing about anybody.
func serveOpenAPI(w http.ResponseWriter, _ *http.Request) { api.Answer(w, http.StatusOK, document) }
