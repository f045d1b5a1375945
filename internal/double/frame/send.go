package frame

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
)

// Object is a JSON object.
type Object = map[string]any

// Answer is what a request is answered: Body as it is where it is bytes, else as JSON.
type Answer struct {
	Status int
	Header http.Header
	Body   any
}

// Twists spoil the answers of one provider: each makes an object that was answered one about something else, in place. Where the answer is a
// list, the provider's own function goes through it.
type Twists map[Kind]func(Object)

// Spoilt are answers of a provider in which it is in trouble: its own 500, and a 200 that tells of an error.
type Spoilt struct{ ServerError, ErrorInside Answer }

// Send gives the answer, or what the fault makes of it. It panics with http.ErrAbortHandler where the connection is to end, as servers expect.
func (f *Frame) Send(w http.ResponseWriter, q *http.Request, fault Fault, a Answer) {
	switch fault.Kind {
	case Hang:
		f.Mu.Lock()
		f.hanging++
		f.Mu.Unlock()
		if f.Wait != nil {
			_ = f.Wait(q.Context())
		}
		panic(http.ErrAbortHandler)
	case Drop:
		panic(http.ErrAbortHandler)
	case ServerError:
		Write(w, f.Spoilt.ServerError)
	case BadGateway:
		Write(w, Answer{http.StatusBadGateway, http.Header{"Content-Type": {"text/html"}}, []byte("<html><body>502 Bad Gateway</body></html>")})
	case Garbage:
		Write(w, Answer{Status: http.StatusOK, Body: []byte("\x00\xff{]")})
	case Empty:
		Write(w, Answer{Status: http.StatusOK, Body: []byte(nil)})
	case Elsewhere:
		Write(w, Answer{http.StatusTemporaryRedirect, http.Header{"Location": {"/elsewhere"}}, []byte(nil)})
	case Huge:
		Write(w, Answer{Status: http.StatusOK, Body: append(bytes.Repeat([]byte(" "), 4<<20), a.bytes()...)})
	case ErrorInside:
		Write(w, f.Spoilt.ErrorInside)
	case Truncated:
		whole := a.bytes()
		if len(whole) < 2 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		_, _ = w.Write(whole[:len(whole)/2])
		panic(http.ErrAbortHandler)
	default:
		Write(w, f.Twists.of(fault.Kind, a))
	}
}

// of is the answer after the twist of that kind; as it was where there is none.
func (t Twists) of(kind Kind, a Answer) Answer {
	swap := t[kind]
	if swap == nil {
		return a
	}
	var copied Object
	if json.Unmarshal(a.bytes(), &copied) != nil {
		return a
	}
	swap(copied)
	return Answer{a.Status, a.Header, copied}
}

func (a Answer) bytes() []byte {
	if raw, is := a.Body.([]byte); is {
		return raw
	}
	raw, err := json.Marshal(a.Body)
	if err != nil {
		return nil
	}
	return raw
}

// Write gives the answer as it is; as JSON unless its header says otherwise.
func Write(w http.ResponseWriter, a Answer) {
	w.Header().Set("Content-Type", "application/json")
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.bytes()) // the client may have gone
}
