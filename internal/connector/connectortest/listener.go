package connectortest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/double/frame"
	"github.com/sluicepay/sluice/internal/instrument"
	"github.com/sluicepay/sluice/internal/money"
)

// Listener is where a double is reached, on a clock that can be moved. A test may have something else answer, from one moment to the next.
type Listener struct {
	URL      string
	Requests atomic.Int64 // which have arrived and count

	handler atomic.Pointer[http.Handler]
	ahead   atomic.Int64
}

// Listen opens a listener until the test ends; RequestsTo says who answers. Requests count that are counted, all of them where that is nil.
func Listen(t testing.TB, counted func(*http.Request) bool) *Listener {
	t.Helper()
	l := new(Listener)
	l.URL = l.Beside(t, func(r *http.Request) {
		if counted == nil || counted(r) {
			l.Requests.Add(1)
		}
	})
	return l
}

// Beside is another address of it; seen is told of each request there.
func (l *Listener) Beside(t testing.TB, seen func(*http.Request)) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen(r)
		(*l.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// RequestsTo has that one answer from now on.
func (l *Listener) RequestsTo(h http.Handler) { l.handler.Store(&h) }

// Now is the moved time.
func (l *Listener) Now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

// Advance moves the clock.
func (l *Listener) Advance(by time.Duration) { l.ahead.Add(int64(by)) }

// Card is a card with that number, and a security code.
func Card(t testing.TB, number string) *instrument.Card {
	t.Helper()
	pan, err := instrument.ParsePAN(number)
	if err != nil {
		t.Fatal(err)
	}
	code, err := instrument.ParseSecurityCode("737")
	if err != nil {
		t.Fatal(err)
	}
	return &instrument.Card{Number: pan, SecurityCode: code, Holder: "JANE DOE", ExpiryMonth: "12", ExpiryYear: "2035"}
}

// Reading is how the amounts in a double's books are read, each of which writes them as its provider does.
type Reading func(e frame.Entry) money.Amount

// InDecimals reads amounts that are decimals, such as 11.12.
func InDecimals(e frame.Entry) money.Amount {
	return money.MustParse(strings.TrimSuffix(e.Amount, ".00"))
}

// InWholes reads amounts that are whole numbers, of cents but for currencies with other decimals.
func InWholes(digits map[string]int) Reading {
	return func(e frame.Entry) money.Amount {
		n, ok := digits[strings.ToUpper(e.Currency)]
		if !ok {
			n = 2
		}
		number, err := strconv.ParseUint(e.Amount, 10, 63)
		if err != nil {
			panic(err) // the double writes numbers
		}
		amount, err := money.FromMinor(number, n)
		if err != nil {
			panic(err)
		}
		return amount
	}
}

// Entries are entries of a double's books.
func Entries(books []frame.Entry, read Reading) (found []Entry) {
	for _, e := range books {
		found = append(found, Entry{Moved: Movement(e.Moved), Amount: read(e), Currency: money.Currency(strings.ToUpper(e.Currency))})
	}
	return found
}
