package yandexpay

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluicepay/sluice/internal/api"
	"github.com/sluicepay/sluice/internal/money"
)

// answer sends a success, whose data write writes.
func answer(w http.ResponseWriter, write func(*object)) {
	o := object{dst: append(make([]byte, 0, 2048), `{"code":200,"status":"success","data":{`...)}
	write(&o)
	api.Answer(w, http.StatusOK, append(o.dst, '}', '}'))
}

func answerFailure(w http.ResponseWriter, f *failure) {
	h := w.Header()
	switch f.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Api-Key")
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", cmp.Or(f.after, "1"))
	}
	if len(f.allow) > 0 {
		h.Set("Allow", strings.Join(f.allow, ", "))
	}
	dst := append(make([]byte, 0, 512), `{"status":"fail","code":`...)
	dst = strconv.AppendInt(dst, int64(f.status), 10)
	dst = api.AppendString(append(dst, `,"reasonCode":`...), f.code)
	dst = api.AppendString(append(dst, `,"reason":`...), f.reason)
	if len(f.details) > 0 {
		dst = append(append(dst, `,"details":`...), f.details...)
	}
	api.Answer(w, f.status, append(dst, '}'))
}

// object writes the members of a JSON object one after another, those without a value as null. The braces around them
// are the caller's.
type object struct {
	dst   []byte
	begun bool
}

// name begins a member. Names are constants that need no escaping.
func (o *object) name(name string) {
	if o.begun {
		o.dst = append(o.dst, ',')
	}
	o.begun = true
	o.dst = append(append(append(o.dst, '"'), name...), '"', ':')
}

// text writes a string, or null for an empty one.
func (o *object) text(name, value string) {
	o.name(name)
	if value == "" {
		o.dst = append(o.dst, `null`...)
		return
	}
	o.dst = api.AppendString(o.dst, value)
}

// plain writes a string, also an empty one.
func (o *object) plain(name, value string) {
	o.name(name)
	o.dst = api.AppendString(o.dst, value)
}

func (o *object) null(name string) { o.text(name, "") }

func (o *object) boolean(name string, value bool) {
	o.name(name)
	o.dst = strconv.AppendBool(o.dst, value)
}

// amount writes an amount with at least the given decimals.
func (o *object) amount(name string, a money.Amount, decimals int) {
	o.name(name)
	o.dst = append(appendAmount(append(o.dst, '"'), a, decimals), '"')
}

// optional is amount for one that may not have been given.
func (o *object) optional(name string, a *money.Amount, decimals int) {
	if a == nil {
		o.null(name)
		return
	}
	o.amount(name, *a, decimals)
}

func (o *object) time(name string, t time.Time) {
	o.name(name)
	o.dst = appendOptionalTime(o.dst, t)
}

// child writes an object, or null where write is nil.
func (o *object) child(name string, write func(*object)) {
	o.name(name)
	if write == nil {
		o.dst = append(o.dst, `null`...)
		return
	}
	o.element(write)
}

// element writes an object without a name.
func (o *object) element(write func(*object)) {
	begun := o.begun
	o.dst, o.begun = append(o.dst, '{'), false
	write(o)
	o.dst, o.begun = append(o.dst, '}'), begun
}

// list writes an array of n objects.
func (o *object) list(name string, n int, write func(*object, int)) {
	o.name(name)
	o.dst = append(o.dst, '[')
	for i := range n {
		if i > 0 {
			o.dst = append(o.dst, ',')
		}
		o.element(func(e *object) { write(e, i) })
	}
	o.dst = append(o.dst, ']')
}

// decimalsOf is how many decimals amounts in the currency are shown with at least.
func decimalsOf(c money.Currency) int { return max(leastDecimals, c.MinorUnits()) }

const leastDecimals = 2

// appendAmount writes a decimal with at least the given number of decimals.
func appendAmount(dst []byte, a money.Amount, decimals int) []byte {
	dst = a.AppendTo(dst)
	n := a.Decimals()
	if n == 0 && decimals > 0 {
		dst = append(dst, '.')
	}
	for ; n < decimals; n++ {
		dst = append(dst, '0')
	}
	return dst
}

func amountText(a money.Amount, decimals int) string { return string(appendAmount(nil, a, decimals)) }
