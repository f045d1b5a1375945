package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/sluicepay/sluice/internal/money"
)

const hugeBody = 8 << 20

// badGatewayPage is what a proxy in front of a provider says.
const badGatewayPage = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"

// misbehave shows the client a fault. a is the true answer, or nil when nothing
// was booked.
func (s *Simulator) misbehave(w http.ResponseWriter, r *http.Request, fault string, a *answer) {
	switch fault {
	case FaultHang:
		s.hang(r.Context())
	case FaultDrop:
		abort()
	case FaultServerError:
		internalError().write(w)
	case FaultBadGateway:
		writeRaw(w, http.StatusBadGateway, "text/html", []byte(badGatewayPage))
	case FaultGarbage:
		writeRaw(w, http.StatusOK, "application/json", []byte("\x1f\x8b\x00\xff}{<\x00not json"))
	case FaultEmpty:
		writeRaw(w, http.StatusOK, "application/json", nil)
	case FaultErrorBody:
		writeRaw(w, http.StatusOK, "application/json", internalError().body())
	case FaultHuge:
		writeHuge(w)
	case FaultTruncated:
		writeCut(w, a.bytes())
	case FaultRateLimited:
		w.Header().Set("Retry-After", "1")
		rateLimited().write(w)
	case FaultUnauthorized:
		unauthorized().write(w)
	case FaultRejected:
		rejected().write(w)
	case FaultNotFound:
		notFound("no such transaction").write(w)
	default:
		s.misreport(w, fault, a)
	}
}

// misreport sends the true answer with one lie in it.
func (s *Simulator) misreport(w http.ResponseWriter, fault string, a *answer) {
	if a == nil || a.refusal != nil {
		internalError().write(w)
		return
	}
	lie := *a
	switch fault {
	case FaultWrongAmount:
		lie.view.Amount = lie.view.Amount.plus(decimal{money.MustParse("1")})
	case FaultWrongCurrency:
		lie.view.Currency = "XTS"
	case FaultWrongReference:
		lie.view.Reference = "somebody-elses-reference"
	case FaultWrongID:
		lie.view.ID = s.otherID(a.view.ID)
	}
	lie.write(w)
}

// otherID is the id of the newest other transaction, or one of nobody.
func (s *Simulator) otherID(own string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, entry := range slices.Backward(s.ledger) {
		if entry.TransactionID != own {
			return entry.TransactionID
		}
	}
	other, _ := s.ids.New()
	return other
}

// hang keeps the client waiting until it leaves, the simulator closes or
// Config.MaxHang is over, and then drops the connection.
func (s *Simulator) hang(client context.Context) {
	ctx, cancel := context.WithCancel(client)
	defer cancel()
	defer context.AfterFunc(s.stopped, cancel)() //nolint:contextcheck // the second of two ends
	_ = s.cfg.Wait(ctx, s.cfg.MaxHang)           // however it ends, the connection is dropped
	abort()
}

// abort closes the connection without an answer. This panic is net/http's own
// way to say so; the server swallows it silently.
func abort() { panic(http.ErrAbortHandler) }

// bytes is the body of the true answer; before a booking there is only a stub.
func (a *answer) bytes() []byte {
	if a == nil || a.refusal != nil {
		return []byte(`{"error":{"type":"internal","code":"internal"}}`)
	}
	body, err := json.Marshal(a.view)
	if err != nil {
		return []byte(`{"id":"`)
	}
	return body
}

func writeRaw(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// writeCut announces the whole body, sends half and closes the connection.
func writeCut(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush() // without it nothing at all may arrive
	abort()
}

// writeHuge sends valid JSON that no caller should read to its end.
func writeHuge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, `{"padding":"`)
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for range hugeBody / len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, `"}`) // the client may be gone
}
