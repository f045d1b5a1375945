package checkout

// lookWords are the texts of what surrounds a payment: the order's lines, the receipt, the shop's contact.
type lookWords struct {
	OrPayByCard, Working                                  string // Working: on the button that was pressed
	OrderLines, LinesMore, Discount, PaidElsewhere, Total string
	OrderLabel                                            string // before the merchant's own number
	Receipt, PaidAmount, PaidTo, PaidOn, PaidWith         string
	Print, Contact, HelpPage, Terms, Privacy              string
	StartAgain, StartAgainCard                            string // after an end without payment, beside the way back to the shop
}

// startAgain says what a customer can do whose payment, or card, came to nothing.
func (w *lookWords) startAgain(card bool) string {
	if card {
		return w.StartAgainCard
	}
	return w.StartAgain
}
