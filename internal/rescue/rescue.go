// Package rescue makes errors of panics, so that nothing that a payment, a message or a row can contain ends the
// process or leaves somebody waiting. It owns how a panic is caught and told, and not what is done about it: that is
// decided where the work is known. internal/arch demands that every goroutine which works on content begins here.
package rescue

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// mostStack bounds what is kept of a stack, which stands in the log and in an alarm.
const mostStack = 6 << 10

// Panic is a panic as an error.
type Panic struct {
	what  string
	stack string
}

// Error says what kind of panic it was. Values that are not the runtime's own may hold what no log is to show, so that
// only their type is told.
func (p *Panic) Error() string { return "panic: " + p.what }

// Stack is where it happened.
func (p *Panic) Stack() string { return p.stack }

// Call runs f and returns its error, or a *Panic.
func Call(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = caught(cause)
		}
	}()
	return f()
}

// Run is Call for what returns no error.
func Run(f func()) error {
	return Call(func() error {
		f()
		return nil
	})
}

// From returns the panic that an error is or wraps, or nil.
func From(err error) *Panic {
	p, _ := errors.AsType[*Panic](err)
	return p
}

// Stack is the stack of the panic that err is or wraps, or empty.
func Stack(err error) string {
	if p := From(err); p != nil {
		return p.stack
	}
	return ""
}

func caught(cause any) *Panic {
	stack := debug.Stack()
	p := &Panic{what: fmt.Sprintf("%T", cause), stack: string(stack[:min(len(stack), mostStack)])}
	if own, ok := cause.(runtime.Error); ok {
		p.what = own.Error()
	}
	return p
}
