package money

// Sum is an amount of a currency.
type Sum struct {
	Amount   Amount
	Currency Currency
}

// IsZero reports that the amount is zero, of whatever currency.
func (s Sum) IsZero() bool { return s.Amount.IsZero() }

// String is the amount and its currency, for humans and logs.
func (s Sum) String() string { return s.Amount.String() + " " + string(s.Currency) }
