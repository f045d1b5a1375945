package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/api"
)

// frame is what the bodies of all errors have in common.
type frame struct {
	status  int
	message string
	at      time.Time
	path    string
}

func (g *Gateway) frame(r *http.Request, status int, message string) frame {
	return frame{status: status, message: message, at: g.engine.Now(), path: api.Path(r)}
}

// appendFrame writes the body of an error other than 400.
func appendFrame(dst []byte, f frame) []byte {
	dst = append(dst, `{"status":`...)
	dst = strconv.AppendInt(dst, int64(f.status), 10)
	dst = f.texts(dst)
	dst = append(dst, `,"timestamp":"`...)
	dst = appendInstant(dst, f.at)
	dst = append(dst, `","path":`...)
	return append(api.AppendString(dst, f.path), '}')
}

func (f *frame) texts(dst []byte) []byte {
	dst = append(dst, `,"error":`...)
	dst = api.AppendString(dst, http.StatusText(f.status))
	dst = append(dst, `,"message":`...)
	return api.AppendString(dst, f.message)
}

// badFrame is the body of a 400. It has entries, possibly none, only where listed is set: a request that could not
// be read has no list.
type badFrame struct {
	frame
	message string
	object  string
	listed  bool
	faults  []fault
}

func (b *badFrame) append(dst []byte) []byte {
	dst = appendEnvelope(dst, b.at, b.status)
	dst = b.texts(dst)
	if b.listed {
		dst = append(dst, `,"errors":[`...)
		for i := range b.faults {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendFault(dst, b.object, &b.faults[i])
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `,"path":`...)
	return append(api.AppendString(dst, b.path), '}')
}

// appendFault writes one entry. Everything in it but the message is made of names that the contract knows.
func appendFault(dst []byte, object string, f *fault) []byte {
	full := object + "." + f.field
	dst = append(dst, `{"codes":[`...)
	dst = api.AppendString(dst, f.constraint+"."+full)
	dst = api.AppendString(append(dst, ','), f.constraint+"."+f.field)
	dst = api.AppendString(append(dst, ','), f.constraint+"."+f.fieldType)
	dst = api.AppendString(append(dst, ','), f.constraint)
	dst = append(dst, `],"arguments":[{"codes":[`...)
	dst = api.AppendString(dst, full)
	dst = api.AppendString(append(dst, ','), f.field)
	dst = append(dst, `],"defaultMessage":`...)
	dst = api.AppendString(dst, f.field)
	dst = append(dst, `}],"defaultMessage":`...)
	dst = api.AppendString(dst, f.message)
	dst = append(dst, `,"objectName":`...)
	dst = api.AppendString(dst, object)
	dst = append(dst, `,"field":`...)
	dst = api.AppendString(dst, f.field)
	dst = append(dst, `,"bindingFailure":`...)
	return append(strconv.AppendBool(dst, f.binding()), '}')
}

// appendEnvelope begins an answer; the caller adds more members and closes it.
func appendEnvelope(dst []byte, at time.Time, status int) []byte {
	dst = append(dst, `{"timestamp":"`...)
	dst = appendInstant(dst, at)
	dst = append(dst, `","status":`...)
	return strconv.AppendInt(dst, int64(status), 10)
}

// appendInstant writes a time as envelopes, errors and operations have it, without quotes.
func appendInstant(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000-07:00")
}
