package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// apiError is one refusal as the API shows it. processed is a pointer so that
// the promise "nothing was done" is written only where the sandbox gives it.
type apiError struct {
	status    int
	kind      string
	code      string
	message   string
	param     string
	processed *bool
}

// Error makes apiError usable where Go wants an error; clients read the JSON.
func (e *apiError) Error() string { return e.code + ": " + e.message }

type errorBody struct {
	Error errorView `json:"error"`
}

type errorView struct {
	Type      string `json:"type"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Param     string `json:"param,omitempty"`
	Processed *bool  `json:"processed,omitempty"`
}

func (e *apiError) body() []byte {
	b, err := json.Marshal(errorBody{errorView{e.kind, e.code, e.message, e.param, e.processed}})
	if err != nil {
		return []byte(`{"error":{"type":"internal","code":"internal","message":"the error itself has no JSON form"}}`)
	}
	return b
}

func (e *apiError) write(w http.ResponseWriter) { writeBody(w, e.status, e.body()) }

func writeBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; there is nobody to tell
}

func notProcessed() *bool { return new(bool) }

func badRequest(param, message string) *apiError {
	return &apiError{http.StatusBadRequest, "invalid_request", "malformed", message, param, notProcessed()}
}

func invalidField(param, message string) *apiError {
	return &apiError{http.StatusUnprocessableEntity, "invalid_request", "invalid_field", message, param, notProcessed()}
}

func refused(code, message string) *apiError {
	return &apiError{http.StatusUnprocessableEntity, "refused", code, message, "", notProcessed()}
}

func notFound(message string) *apiError {
	return &apiError{status: http.StatusNotFound, kind: "not_found", code: "transaction_not_found", message: message}
}

func unauthorized() *apiError {
	return &apiError{http.StatusUnauthorized, "authentication", "unauthorized",
		"send the merchant key as Authorization: Bearer <key>", "", notProcessed()}
}

func rateLimited() *apiError {
	return &apiError{http.StatusTooManyRequests, "rate_limited", "rate_limited",
		"too many requests; this one was not processed", "", notProcessed()}
}

func rejected() *apiError {
	return refused("not_processed", "the request was rejected before processing, as the test asked")
}

func conflict() *apiError {
	return &apiError{status: http.StatusConflict, kind: "conflict", code: "reference_conflict",
		message: "this reference already belongs to a request with other content", param: "reference"}
}

func unavailable() *apiError {
	return &apiError{status: http.StatusServiceUnavailable, kind: "unavailable", code: "outage",
		message: "the sandbox provider is down, as the test asked"}
}

func internalError() *apiError {
	return &apiError{status: http.StatusInternalServerError, kind: "internal", code: "internal",
		message: "something went wrong; ask for the state by reference"}
}
