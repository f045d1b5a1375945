package payment

import (
	"encoding/json"
	"fmt"
)

// Document is the canonical JSON text of a Customer, BillingAddress or Browser,
// or empty. It is kept as text because lists only pass it on.
type Document string

// NewDocument renders v (a Customer, BillingAddress or Browser) canonically; a
// value without any field set is the empty document.
func NewDocument(v any) (Document, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("render %T: %w", v, err)
	}
	if string(raw) == "{}" {
		return "", nil
	}
	return Document(raw), nil
}

// Into decodes the document into v; an empty document leaves v as it is.
func (d Document) Into(v any) error {
	if d == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(d), v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// Customer is who pays or is paid. Only what was supplied is set; the JSON names
// are those of the gateway contract, which shows the document as it is kept.
type Customer struct {
	ReferenceID                string `json:"referenceId,omitempty"`
	CitizenshipCountryCode     string `json:"citizenshipCountryCode,omitempty"`
	FirstName                  string `json:"firstName,omitempty"`
	LastName                   string `json:"lastName,omitempty"`
	DateOfBirth                string `json:"dateOfBirth,omitempty"` // YYYY-MM-DD
	Email                      string `json:"email,omitempty"`
	Phone                      string `json:"phone,omitempty"` // as sent; no plus, a space after the country code
	Locale                     string `json:"locale,omitempty"`
	AccountNumber              string `json:"accountNumber,omitempty"`
	AccountName                string `json:"accountName,omitempty"`
	AccountType                string `json:"accountType,omitempty"` // SAVINGS or CHECKING
	Bank                       string `json:"bank,omitempty"`
	BankCode                   string `json:"bankCode,omitempty"`
	BankBranch                 string `json:"bankBranch,omitempty"`
	BankBranchCode             string `json:"bankBranchCode,omitempty"`
	DocumentType               string `json:"documentType,omitempty"` // one of document.Types
	DocumentNumber             string `json:"documentNumber,omitempty"`
	RoutingGroup               string `json:"routingGroup,omitempty"`
	KYCStatus                  *bool  `json:"kycStatus,omitempty"`
	PaymentInstrumentKYCStatus *bool  `json:"paymentInstrumentKycStatus,omitempty"`
	DateOfFirstDeposit         string `json:"dateOfFirstDeposit,omitempty"` // YYYY-MM-DD
	DepositsAmount             *int64 `json:"depositsAmount,omitempty"`     // in the shop's base currency
	WithdrawalsAmount          *int64 `json:"withdrawalsAmount,omitempty"`
	DepositsCnt                *int64 `json:"depositsCnt,omitempty"`
	WithdrawalsCnt             *int64 `json:"withdrawalsCnt,omitempty"`
	IP                         string `json:"ip,omitempty"`
}

// BillingAddress is the customer's billing address; names as in Customer.
type BillingAddress struct {
	AddressLine1 string `json:"addressLine1,omitempty"`
	AddressLine2 string `json:"addressLine2,omitempty"`
	City         string `json:"city,omitempty"`
	CountryCode  string `json:"countryCode,omitempty"` // ISO 3166-1 alpha-2
	PostalCode   string `json:"postalCode,omitempty"`
	State        string `json:"state,omitempty"`
}

// Browser describes the customer's device at the moment of paying, as 3-D Secure
// and anti-fraud want it. IP is the address the customer came from.
type Browser struct {
	IP             string `json:"customerIp,omitempty"`
	IPCountryCode  string `json:"ipCountryCode,omitempty"`
	UserAgent      string `json:"customerUserAgent,omitempty"`
	WindowWidth    *int64 `json:"browserWindowWidth,omitempty"`
	WindowHeight   *int64 `json:"browserWindowHeight,omitempty"`
	ScreenWidth    *int64 `json:"browserScreenWidth,omitempty"`
	ScreenHeight   *int64 `json:"browserScreenHeight,omitempty"`
	ColorDepth     *int64 `json:"browserScreenColorDepth,omitempty"`
	Language       string `json:"browserLanguage,omitempty"`
	JavaEnabled    *bool  `json:"browserJavaEnabled,omitempty"`
	TimezoneOffset *int64 `json:"browserTimezoneOffset,omitempty"` // minutes
}
