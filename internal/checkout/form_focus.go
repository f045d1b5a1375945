package checkout

// focus puts the cursor into the first field with a fault, or into the one that is to be changed.
func (f *form) focus(e *entry) {
	if f.Amount != nil && f.Amount.Fault != "" {
		f.Amount.Focus = true
		return
	}
	for i := range f.Card {
		if f.Card[i].Fault != "" || f.Card[i].ID == e.change {
			f.Card[i].Focus = true
			return
		}
	}
}
