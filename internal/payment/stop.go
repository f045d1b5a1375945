package payment

// StopChain ends the recurring chain that the payment began: it cannot be continued any more. The payment itself stays
// as it is.
type StopChain struct{}

func (StopChain) apply(d *draft) {
	if d.p.RecurringToken == "" {
		d.err = refuse(CodeNoRecurring, "", "the payment has begun no recurring chain")
		return
	}
	d.d.touched = true
	d.update()
	d.d.Events = append(d.d.Events, Event{State: d.p.state, Before: d.p.state, Stopped: true, At: d.p.Updated})
}
