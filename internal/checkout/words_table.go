package checkout

// languages holds every language of the pages by its ISO 639 code.
var languages = map[string]*words{"en": &english}

var english = words{
	Lang: "en", Group: ",", Point: ".",

	PayTo: "Payment to", TestShop: "Test payment. No money will move.",
	SkipToForm:     "Skip to payment",
	SecureNote:     "Your security code is used for this payment only and never stored.",
	ReferenceLabel: "Payment reference",

	FormTitle: "How would you like to pay?", FormTitleCard: "Pay by card",
	AmountLabel: "Amount", AmountHint: "How much you want to pay, in %s.",
	NumberLabel: "Card number",
	ExpiryLabel: "Expiry date", ExpiryHint: "Month and year, like 01/30.",
	CodeLabel: "Security code", CodeHint: "3 digits on the back, or 4 on the front.",
	HolderLabel: "Name on card", Optional: "optional",
	PayButton: "Pay %s %s", PayPlain: "Pay now",
	HeldCard: "%s ending in %s", HeldExpiry: "Expires %s/%s",
	OtherMethods: "Or pay another way", ContinueWith: "Continue with %s",
	MethodText:   "You will go on to a secure page to confirm the payment, and then come back.",
	CancelButton: "Cancel payment",
	NoMethod:     "This shop cannot take a payment in %s at the moment. You can cancel and choose another way in the shop.",

	FaultTitle: "Please check your entries", FaultPrefix: "Error: ",
	AmountMissing: "Enter the amount you want to pay.",
	AmountWrong:   "Enter an amount in digits, like 25.50.",
	AmountTooFine: "Amounts in %s have at most %d decimals.",
	NumberMissing: "Enter your card number.",
	NumberLength:  "This card number is too short or too long.",
	NumberWrong:   "This card number is not valid. Check the digits on your card.",
	ExpiryMissing: "Enter the expiry date of your card.",
	ExpiryWrong:   "Enter month and year, like 01/30.",
	ExpiryPast:    "This card has expired. Check the date or use another card.",
	CodeMissing:   "Enter the security code of your card.",
	CodeWrong:     "The security code has 3 or 4 digits.",
	CodeThree:     "The security code of this card has 3 digits. It is on the back.",
	CodeFour:      "The security code of this card has 4 digits. It is on the front.",
	HolderWrong:   "Enter the name as it is on the card, without numbers.",
	CardAgain:     "Please enter your card details once more. Nothing was charged.",
	MethodMissing: "Choose how you would like to pay.",

	WaitTitle:     "We are checking your payment",
	WaitText:      "This usually takes a few seconds. Please do not pay again.",
	WaitDetail:    "The page looks for news by itself. You may also close it: the shop is told the result.",
	BankTitle:     "One more step with your bank",
	BankText:      "Your bank asks you to confirm this payment on its own page. Afterwards you come back here.",
	BankButton:    "Continue to your bank",
	BankWaitTitle: "Waiting for your bank",
	BankWaitText:  "If you have confirmed the payment, stay here for a moment. If not, go back to your bank's page.",
	LeaveTitle:    "Taking you to your bank", LeaveText: "You are asked to confirm the payment there.",
	LeaveLink: "Continue to your bank", ReturnLink: "Return to %s",
	ReturnSoon: "You are taken back to the shop in a few seconds.",

	Completed:  outcomeWords{"Payment successful", "Thank you. Your payment has been made.", toneSuccess},
	Authorized: outcomeWords{"Payment approved", "Thank you. The amount is reserved and the shop will collect it.", toneSuccess},
	Declined: outcomeWords{"Payment declined",
		"The payment was not accepted and no money was taken. Return to the shop to try another card or way to pay.", toneFailure},
	Cancelled: outcomeWords{"Payment cancelled", "No money was taken.", toneNeutral},
	Expired:   outcomeWords{"Time ran out", "This payment was open for a limited time. No money was taken.", toneNeutral},

	NotFound: outcomeWords{"Page not found", "There is no payment at this address. Check the link, or go back to the shop and start again.", toneNeutral},
	Forbidden: outcomeWords{"Payments are paused",
		"This shop is not taking payments at the moment. No money was taken.", toneNeutral},
	BadForm: outcomeWords{"That did not work", "The form did not arrive in full. Go back and send it again. Nothing was charged.", toneNeutral},
	Busy: outcomeWords{"Please try again in a moment",
		"We could not finish this step. Open the payment again to see how it stands.", toneNeutral},
	Broken: outcomeWords{"Something went wrong",
		"The fault is ours. Open the payment again to see how it stands before you pay once more.", toneNeutral},
	RequestLabel: "If you ask for help, name this number", Reopen: "Open the payment again",

	Methods: map[string]string{
		"APPLEPAY": "Apple Pay", "BASIC_CARD": "Card", "BLIK": "BLIK", "GOOGLEPAY": "Google Pay",
		"OPEN_BANKING": "your bank", "PAY_BY_LINK": "bank transfer", "PIX": "Pix",
	},
	Brands: map[string]string{
		"AMEX": "American Express", "DINERS": "Diners Club", "DISCOVER": "Discover", "JCB": "JCB", "MAESTRO": "Maestro",
		"MASTERCARD": "Mastercard", "MIR": "Mir", "RUPAY": "RuPay", "UNIONPAY": "UnionPay", "VISA": "Visa",
		"HUMO": "Humo", "VERVE": "Verve", "TROY": "Troy", "UNKNOWN": "Card",
	},
}
