package checkout

// focus puts the cursor into the first field with a fault, or into the one that is to be changed.
func (f *form) focus(e *entry) {
	if f.Amount != nil && f.Amount.Fault != "" {
		f.Amount.Focus = true
		return
	}
	for _, fields := range [][]field{f.Person, f.Address, f.Fields, f.Card} {
		for i := range fields {
			if fields[i].Fault != "" || fields[i].ID == e.change {
				fields[i].Focus = true
				return
			}
		}
	}
}

func codeField(w *words, e *entry) field {
	code := field{
		ID: fieldCode, Label: w.CodeLabel, Hint: w.CodeHint, Fault: e.of(fieldCode), Type: "text", Dir: "ltr", Autocomplete: "cc-csc",
		Mode: "numeric", Class: "half",
	}
	if e.shown.coded {
		code.Change, code.Kept = w.Change, w.CodeKept
	}
	return code
}

func amountField(v *visit, e *entry) field {
	return field{
		ID: fieldAmount, Label: v.words.AmountLabel, Hint: fill(v.words.AmountHint, v.payment.Asked.Currency),
		Value: e.amountText, Fault: e.of(fieldAmount), Type: "text", Dir: "ltr", Autocomplete: "transaction-amount", Mode: "decimal",
		Suffix: string(v.payment.Asked.Currency), Required: true,
	}
}
