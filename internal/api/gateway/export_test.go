package gateway

import "net/http"

// Endpoint is what tests outside of the package may know of an endpoint.
type Endpoint struct{ Method, Path, OperationID string }

// Endpoints lists what Mount registers, without what only refuses.
func Endpoints() []Endpoint {
	out := make([]Endpoint, len(endpoints))
	for i, e := range endpoints {
		out[i] = Endpoint{e.method, e.path, e.operation}
	}
	return out
}

// Fail answers with an error.
func (g *Gateway) Fail(w http.ResponseWriter, r *http.Request, err error) {
	g.fail(w, r, "paymentRequest", err)
}
