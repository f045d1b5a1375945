package checkout

import (
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

// words are the texts of the pages in one language: those of words/LANGUAGE.txt, which names each by its path of fields.
type words struct {
	Lang, Dir string // of the HTML document

	tag     language.Tag
	figures figures // how amounts are written

	PayTo, TestShop, SkipToForm, SecureNote, ReferenceLabel string

	FormTitle, FormTitleCard, FormText, TryAgain, AgainFunds, AgainData, AgainConfirm, AgainLeft, AgainDeclined, Slowed, AmountLabel, AmountHint, NumberLabel, ExpiryLabel, ExpiryHint, CodeLabel, CodeHint,
	HolderLabel, PayButton, PayPlain, HeldCard, HeldExpiry, OtherMethods, MethodText, WalletFailed, WalletAbsent, AllMethods, CancelButton, NoMethod,
	Optional, CodeKept, Change, LastsMinute, SavedCards, AnotherCard, SaveCard, SaveHint string

	LastsMinutes, LastsHours counted

	FaultTitle, FaultTab, AmountMissing, AmountWrong, AmountWhole, NumberMissing, NumberLength, NumberWrong, NumberStray, ExpiryMissing,
	ExpiryWrong, ExpiryPast, CodeMissing, CodeWrong, CodeThree, CodeFour, HolderWrong, CardAgain,
	MethodMissing string

	AmountTooFine, HolderLong counted

	WaitTitle, WaitText, WaitDetail, WaitLonger, WaitOffline, LookAgain, BankTitle, BankText, BankButton, BankWaitTitle, BankWaitText,
	LeaveTitle, LeaveText, LeaveLink, ReturnLink, ReturnSoon, EndPaid, EndUnpaid, EndClosed string // Ends: what to do where there is no way back

	Completed  outcomeWords `tone:"success"`
	Authorized outcomeWords `tone:"success"`
	Declined   outcomeWords `tone:"failure"`

	Cancelled, Expired, Closed outcomeWords

	Binding bindingWords

	NotFound, Forbidden, BadForm, Busy, Broken outcomeWords
	RequestLabel, Reopen                       string

	Look lookWords

	methodPages

	Person personWords
	Alias  aliasWords

	Methods map[string]methodWords // by payment method
	Brands  map[string]string      // what customers call a card brand
}

// methodWords are the texts of one payment method on the pages of all: its name, and the button that leads on to it. Those of its
// own page are in methodPages.
type methodWords struct{ Name, Go string }

// method returns what customers call a payment method.
func (w *words) method(m payment.Method) string {
	if name := w.Methods[string(m)].Name; name != "" {
		return name
	}
	return readable(string(m))
}

// bindingWords are what words of the same name are replaced by where a card is only kept for later payments and no
// money moves.
type bindingWords struct {
	PayTo, SecureNote, ReferenceLabel, FormTitle, FormTitleCard, FormText, Slowed, PayPlain, CancelButton, NoMethod, WaitTitle, WaitText, WaitDetail,
	WaitLonger, BankText, BankWaitText, LeaveText, LastsMinute, EndPaid, EndUnpaid, EndClosed string

	LastsMinutes, LastsHours counted

	Completed outcomeWords `tone:"success"`
	Declined  outcomeWords `tone:"failure"`

	Cancelled, Expired, Closed outcomeWords
}

// forBinding returns the words for keeping a card.
func (w *words) forBinding() *words {
	to, b := *w, &w.Binding
	to.PayTo, to.SecureNote, to.ReferenceLabel = b.PayTo, b.SecureNote, b.ReferenceLabel
	to.FormTitle, to.FormTitleCard, to.FormText = b.FormTitle, b.FormTitleCard, b.FormText
	to.Slowed, to.PayPlain, to.CancelButton, to.NoMethod = b.Slowed, b.PayPlain, b.CancelButton, b.NoMethod
	to.WaitTitle, to.WaitText, to.WaitDetail = b.WaitTitle, b.WaitText, b.WaitDetail
	to.WaitLonger, to.EndPaid, to.EndUnpaid, to.EndClosed = b.WaitLonger, b.EndPaid, b.EndUnpaid, b.EndClosed
	to.LastsMinute, to.LastsMinutes, to.LastsHours = b.LastsMinute, b.LastsMinutes, b.LastsHours
	to.BankText, to.BankWaitText, to.LeaveText = b.BankText, b.BankWaitText, b.LeaveText
	to.Completed, to.Declined, to.Cancelled, to.Expired, to.Closed = b.Completed, b.Declined, b.Cancelled, b.Expired, b.Closed
	return &to
}

// outcomeWords are the headline and the sentence of a page that tells how something ended. The tone is that of its field, not of
// a language.
type outcomeWords struct {
	Title, Text string
	Tone        tone
}

// tone chooses the sign and the colour of a page that tells how something ended.
type tone string

const (
	toneSuccess tone = "success"
	toneFailure tone = "failure"
	toneNeutral tone = "neutral"
)

// counted is a text with a number in it, in the forms of plural that the language has.
type counted struct{ Zero, One, Two, Few, Many, Other string }

// count puts values into the form of a text that goes with n.
func (w *words) count(c *counted, n int, values ...any) string {
	text := *c.form(plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0))
	if !strings.Contains(text, "%") { // the form says the number by itself
		return text
	}
	return fill(text, values...)
}

func (c *counted) form(f plural.Form) *string {
	switch f {
	case plural.Zero:
		return &c.Zero
	case plural.One:
		return &c.One
	case plural.Two:
		return &c.Two
	case plural.Few:
		return &c.Few
	case plural.Many:
		return &c.Many
	case plural.Other:
	}
	return &c.Other
}

// tooFine says how many decimals an amount may have.
func (w *words) tooFine(c money.Currency) string {
	n := c.MinorUnits()
	if n == 0 {
		return fill(w.AmountWhole, c)
	}
	return w.count(&w.AmountTooFine, n, c, n)
}

// named returns what the table calls a word of the contract, or the word itself made readable.
func named(table map[string]string, word string) string {
	if name, ok := table[word]; ok {
		return name
	}
	return readable(word)
}

func readable(word string) string { return strings.ReplaceAll(word, "_", " ") }

// fill puts values into a text of the table.
func fill(text string, values ...any) string { return fmt.Sprintf(text, values...) }

// again is what the customer is told between tries of why the last one came to nothing; refused is nil where it was our fault. It says
// no more than a customer at the till would hear.
func (w *words) again(refused *payment.Attempt) string {
	if refused == nil || refused.Class == payment.ClassNotSent || refused.Class == payment.ClassRejected {
		return w.TryAgain
	}
	if refused.Class == payment.ClassCancelled {
		return w.AgainLeft
	}
	switch string(refused.Code) {
	case "4.01", "4.05", "3.05":
		return w.AgainFunds
	case "3.07", "4.03", "4.04", "4.07", "4.11", "4.13", "6.15":
		return w.AgainData
	case "5.00", "5.01":
		return w.AgainConfirm
	}
	return w.AgainDeclined
}
