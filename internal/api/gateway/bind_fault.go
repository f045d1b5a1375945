package gateway

import (
	"fmt"
	"strconv"
)

// fault is one entry of a 400 answer. It never holds the value that was sent.
type fault struct {
	field      string // path of the field, such as customer.email
	fieldType  string // third step of the ladder of codes
	constraint string
	message    string
}

// binding reports whether the value could not even be read as what it should be.
func (f *fault) binding() bool { return f.constraint == mismatch }

// The constraints. The rules of the engine add the words of their error codes.
const (
	mismatch    = "typeMismatch"
	notNull     = "NotNull"
	size        = "Size"
	pattern     = "Pattern"
	emailForm   = "Email"
	urlForm     = "URL"
	cardForm    = "CreditCardNumber"
	decimalMin  = "DecimalMin"
	decimalMax  = "DecimalMax"
	digitsBound = "Digits"
	integerMin  = "Min"
	integerMax  = "Max"
	unique      = "Unique"
)

const textNotNull = "must not be null"

// The types of fields, as the ladder of codes names them.
const (
	javaString  = "java.lang.String"
	javaDecimal = "java.math.BigDecimal"
	javaInteger = "java.lang.Integer"
	javaBoolean = "java.lang.Boolean"
	modelPrefix = "com.neopay.model."
)

// fieldTypes holds every field that is not a string, by its path.
var fieldTypes = map[string]string{
	"amount":         javaDecimal,
	"currency":       modelPrefix + "Currency",
	"paymentType":    modelPrefix + "PaymentType",
	"paymentMethod":  modelPrefix + "PaymentMethod",
	"card":           modelPrefix + "Card",
	"googlePay":      modelPrefix + "GooglePay",
	"applePay":       modelPrefix + "ApplePay",
	"customer":       modelPrefix + "Customer",
	"billingAddress": modelPrefix + "BillingAddress",
	"startRecurring": javaBoolean,
	"wait":           javaInteger,
	"preAuth":        javaBoolean,

	"additionalParameters": "java.util.Map",

	"customer.accountType":                modelPrefix + "AccountType",
	"customer.documentType":               modelPrefix + "DocumentType",
	"customer.kycStatus":                  javaBoolean,
	"customer.paymentInstrumentKycStatus": javaBoolean,
	"customer.depositsAmount":             javaInteger,
	"customer.withdrawalsAmount":          javaInteger,
	"customer.depositsCnt":                javaInteger,
	"customer.withdrawalsCnt":             javaInteger,

	"browserWindowWidth":      javaInteger,
	"browserWindowHeight":     javaInteger,
	"browserScreenWidth":      javaInteger,
	"browserScreenHeight":     javaInteger,
	"browserScreenColorDepth": javaInteger,
	"browserJavaEnabled":      javaBoolean,
	"browserTimezoneOffset":   javaInteger,

	"offset": javaInteger,
	"limit":  javaInteger,
}

func newFault(field, constraint, message string) fault {
	fieldType, ok := fieldTypes[field]
	if !ok {
		fieldType = javaString
	}
	return fault{field: field, fieldType: fieldType, constraint: constraint, message: message}
}

func sizeText(least, most int) string {
	return "size must be between " + strconv.Itoa(least) + " and " + strconv.Itoa(most)
}

// invalid is the error of a request with faults in its fields.
type invalid struct{ faults []fault }

// Error implements error.
func (e *invalid) Error() string { return fmt.Sprintf("%d invalid fields", len(e.faults)) }
