package payment

// A refused try that proves that nothing was done, and will be, may be followed by another at the next terminal of the plan. The
// decision that books the refusal opens it: so there is no instant in which the payment looks ended and is not, and none in which
// two tries are open.

// GoesOn reports that a try is open that another may follow: what the customer pays with is still needed.
func (p *Payment) GoesOn() bool {
	a := p.LiveAttempt()
	return a != nil && a.Rest != ""
}

// follows decides what comes after the refusal of a try, whose class and code are on it already. It reports whether another
// try does, which finish opens.
func (d *draft) follows(a *Attempt) bool {
	if a.Rest == "" {
		return false
	}
	turn := Turn{End: d.ends(a)}
	if turn.End == "" {
		turn = a.Rest.Next(a.Class, d.now, d.onward)
	}
	r := Routed{Refused: a.Seq, Class: a.Class, Code: a.Code, Passed: byObstacle(turn.Passed), Next: turn.Step.Terminal.Name, End: turn.End}
	d.routed, d.turn = asText(r), nil
	if turn.End == "" {
		d.turn = &turn
	}
	return d.turn != nil
}

// ends says what of the payment itself ends its plan; nothing where it may go on.
func (d *draft) ends(a *Attempt) PlanEnd {
	switch {
	case !d.p.Abandoned.IsZero():
		return OverGivenUp
	case d.p.Lost != "":
		return OverLost
	case !d.p.CheckoutUntil.IsZero() && !d.now.Before(d.p.CheckoutUntil) && !d.now.Before(a.Started.Add(d.p.Method.Spec().Patience)):
		return OverTime
	case d.p.movedBeside(a):
		return OverDoubt
	}
	return ""
}

// movedBeside reports that money may have moved, or is held, by another try of the payment than that one.
func (p *Payment) movedBeside(a *Attempt) bool {
	for i := range p.Attempts {
		if o := &p.Attempts[i]; o.Seq != a.Seq && (o.Live() || o.stands() || o.Doubts > 0 || o.Reversed) {
			return true
		}
	}
	return false
}

// goOn opens the try that follows, if one does, and puts on record what became of the plan.
func (d *draft) goOn() {
	if d.routed == "" || d.err != nil {
		return
	}
	if d.turn == nil {
		if n := len(d.d.Ended); n > 0 {
			d.d.Ended[n-1].Plan = "\n" + d.routed
		} else if n := len(d.d.Opened); n > 0 {
			d.d.Opened[n-1].Plan = d.routed
		}
		return
	}
	d.p.ErrorCode, d.p.ExternalCode = "", ""
	d.log(OpCascading, InNextTerminal, d.p.Tries+1, Messages{})
	d.keepPlan(d.routed)
	d.attempt(AttemptKind(d.p.Type), InSend, d.turn.Step.Terminal, d.p.Moves().Amount, d.turn.Run)
	d.keepRest(d.turn.Rest)
}

// keepPlan puts it on record beside the operation that was opened last.
func (d *draft) keepPlan(text string) { d.d.Opened[len(d.d.Opened)-1].Plan = text }

// keepRest notes what may follow the attempt that was opened last.
func (d *draft) keepRest(r Rest) {
	if r == "" || d.d.Fresh == nil || d.p.Type == Refund { // a refund is made where its deposit stands, and nowhere else
		return
	}
	d.p.Attempts[len(d.p.Attempts)-1].Rest = r
	d.d.Fresh.Rest = r
	d.d.Call.Attempt.Rest = r
}

// onlyTold reports that a refusal of a try that another would follow was told while the customer is busy with it, on a bank's page or in
// an app: whether it can still be paid there, the provider is asked.
func (d *draft) onlyTold(a *Attempt, f Fact) bool {
	return a.Rest != "" && f.Class.Another() && !a.Next.IsZero() && d.onward.Asks && d.ends(a) == ""
}
