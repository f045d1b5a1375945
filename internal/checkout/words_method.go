package checkout

// methodPages are the texts of what customers enter, and do, for methods that are no card.
type methodPages struct {
	Choose                                   string // first in a list of banks
	TimeLeft, OpenApp, Copy, Copied, Picture string // of the pages on which something is done elsewhere

	Fields map[string]fieldWords // by the id of the field
	Steps  map[string]stepWords  // by payment method
	Done   outcomeWords          // the bank has an order, and money is on its way
}

// fieldWords are those of one field: when nothing was entered, when it is not right, and when the provider did not take it.
type fieldWords struct{ Label, Hint, Missing, Wrong, Again string }

// stepWords are those of a method: the headline of its form, if it is not that of the button that leads to it, what customers are told
// there, and the page that it has where they do something without leaving. Label is of what they take along.
type stepWords struct{ Form, Before, Title, Text, Label string }
