package instrument

// Field is one thing that a customer enters to pay by a method that is no card. What it is called, and what is said when it is
// wrong, stands with its ID in the words of the page.
type Field struct {
	ID string // of the input, and in forms
	// Param is its name among the parameters of a request by which a merchant passes on what the customer has entered elsewhere.
	Param string
	// Digits: it is a number of so many.
	Digits int
	// Choice: it is one of a list that the provider has. Where there is no list nothing is asked.
	Choice bool
	// Secret: it is not shown again.
	Secret bool
	// Autocomplete and Mode are what browsers are told of it.
	Autocomplete, Mode string
}

// BlikFields is the code that a bank's app shows for two minutes.
func BlikFields() []Field {
	return []Field{{ID: "blik", Param: "blikCode", Digits: 6, Secret: true, Autocomplete: "one-time-code", Mode: "numeric"}}
}

// BankFields is the bank that is paid from.
func BankFields() []Field {
	return []Field{{ID: "bank", Param: "bankCode", Choice: true, Autocomplete: "off"}}
}

// Of makes means of what was entered for a kind that has one field; nil where nothing was, or the kind has none.
func (k Kind) Of(value string) Means {
	switch {
	case value == "":
	case k == KindCode:
		return &Code{Digits: value}
	case k == KindBank:
		return &Bank{ID: value}
	}
	return nil
}
