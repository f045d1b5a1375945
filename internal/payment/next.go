package payment

import "github.com/sluicepay/sluice/internal/nextstep"

// What a customer has to do is told in the words of package nextstep.
type (
	Next     = nextstep.Next
	NextKind = nextstep.Kind
	Brought  = nextstep.Brought
)

// The kinds of steps.
const (
	NextGo   = nextstep.Go
	NextPost = nextstep.Post
	NextCode = nextstep.Code
	NextWait = nextstep.Wait
	NextDone = nextstep.Done
	NextLeft = nextstep.Left
)

// GoTo is the step of opening an address. An empty one is no step.
func GoTo(url string) Next { return nextstep.GoTo(url) }
