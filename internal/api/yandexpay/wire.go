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
	o := object{api.Members{Dst: append(make([]byte, 0, 2048), `{"code":200,"status":"success","data":{`...)}}
	write(&o)
	api.Answer(w, http.StatusOK, append(o.Dst, '}', '}'))
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

// object writes the members of a JSON object, those without a value as null. The braces around them are the caller's.
type object struct{ api.Members }

// text writes a string, or null for an empty one.
func (o *object) text(name, value string) {
	if value == "" {
		o.null(name)
		return
	}
	o.String(name, value)
}

func (o *object) null(name string) { o.Raw(name, `null`) }

// amount writes an amount with at least the given decimals.
func (o *object) amount(name string, a money.Amount, decimals int) {
	o.Name(name)
	o.Dst = append(appendAmount(append(o.Dst, '"'), a, decimals), '"')
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
	o.Name(name)
	o.Dst = appendOptionalTime(o.Dst, t)
}

// child writes an object, or null where write is nil.
func (o *object) child(name string, write func(*object)) {
	if write == nil {
		o.null(name)
		return
	}
	o.Name(name)
	o.element(write)
}

// element writes an object without a name.
func (o *object) element(write func(*object)) { o.Inside(func() { write(o) }) }

// list writes an array of n objects.
func (o *object) list(name string, n int, write func(*object, int)) {
	o.Name(name)
	o.Dst = append(o.Dst, '[')
	for i := range n {
		if i > 0 {
			o.Dst = append(o.Dst, ',')
		}
		o.element(func(e *object) { write(e, i) })
	}
	o.Dst = append(o.Dst, ']')
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
