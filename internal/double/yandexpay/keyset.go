package yandexpay

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// Events lists the payloads of events so far, oldest first.
func (d *Double) Events() [][]byte {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	return slices.Clone(d.events)
}

func (d *Double) tell(event string, more frame.Object) {
	more["merchantId"], more["event"], more["eventTime"] = d.c.Merchant, event, d.c.Now().UTC().Format(layout)
	if raw, err := json.Marshal(more); err == nil {
		d.events = append(d.events, raw)
	}
}

func (d *Double) tellOrder(o *order) {
	d.tell("ORDER_STATUS_UPDATED", frame.Object{"order": frame.Object{"orderId": o.id, "paymentStatus": o.status, "deliveryStatus": nil}})
}

func (d *Double) tellOperation(op *operation) {
	d.tell("OPERATION_STATUS_UPDATED", frame.Object{"operation": frame.Object{
		"operationId": op.id, "orderId": op.of.id, "operationType": op.kind, "status": op.status, "externalOperationId": orNil(op.external), "pointsUpdated": nil,
	}})
}

// Signed is a payload as it is posted: a compact token, signed at that instant for five minutes.
func Signed(payload []byte, key *ecdsa.PrivateKey, keyID string, at time.Time) ([]byte, error) {
	header := fmt.Sprintf(`{"alg":"ES256","exp":%d,"iat":%d,"kid":%q,"typ":"JWT"}`, at.Unix()+300, at.Unix(), keyID)
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return []byte(text + "." + base64.RawURLEncoding.EncodeToString(raw)), nil
}

// keySet answers with the key by which events are signed.
func (d *Double) keySet(w http.ResponseWriter, _ *http.Request) {
	keys := []frame.Object{}
	if d.c.Key != nil {
		point, err := d.c.Key.PublicKey.Bytes()
		if err == nil && len(point) == 65 {
			keys = append(keys, frame.Object{
				"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": d.c.KeyID,
				"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
			})
		}
	}
	frame.Write(w, frame.Answer{Status: http.StatusOK, Body: frame.Object{"keys": keys}})
}
