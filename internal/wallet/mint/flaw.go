package mint

import "slices"

// Flaw is one thing that is wrong with a token, and nothing else is: as a forger, a thief or a mistake would have it. The empty
// flaw is none.
type Flaw string

// The flaws, each with the check that finds it first.
const (
	// Of both wallets.
	FlawMissingField   Flaw = "a field is missing"                  // format
	FlawUnknownVersion Flaw = "a version that nobody knows"         // version; format at Apple
	FlawForeignRoot    Flaw = "signed under another root"           // intermediate-signature; chain at Apple
	FlawAltered        Flaw = "altered after it was signed"         // message-signature; signature at Apple
	FlawForeignKey     Flaw = "sealed to another key"               // decrypt; public-key-hash at Apple
	FlawWrongTag       Flaw = "sealed with a wrong tag"             // decrypt
	FlawNotJSON        Flaw = "what is sealed is no JSON"           // payload
	FlawNoNumber       Flaw = "the number is no card's"             // payload
	FlawNoProof        Flaw = "a device's number without its proof" // payload

	// Of Google Pay.
	FlawExtraField          Flaw = "a field too many"                            // format
	FlawIntermediateAltered Flaw = "the intermediate key altered"                // intermediate-signature
	FlawIntermediateExpired Flaw = "the intermediate key has expired"            // intermediate-expired
	FlawForeignIntermediate Flaw = "signed by another than the intermediate key" // message-signature
	FlawOtherRecipient      Flaw = "signed for another recipient"                // message-signature
	FlawOtherVersion        Flaw = "signed for another version"                  // message-signature
	FlawNoExpiry            Flaw = "without messageExpiration"                   // payload
	FlawNoMessageID         Flaw = "without messageId"                           // payload
	FlawExpired             Flaw = "its time is over"                            // message-expired

	// Of Apple Pay.
	FlawNotHex              Flaw = "the transaction id is not hex"             // format
	FlawNoCertificates      Flaw = "without certificates"                      // chain
	FlawLeafPurpose         Flaw = "the leaf is for another purpose"           // chain
	FlawIntermediatePurpose Flaw = "the intermediate is for another purpose"   // chain
	FlawNoIntermediate      Flaw = "the root has issued the leaf"              // chain
	FlawLeafExpired         Flaw = "the leaf has expired"                      // chain
	FlawIntermediateSigns   Flaw = "signed by the intermediate itself"         // chain
	FlawTransactionUnsigned Flaw = "the transaction id is not signed"          // signature
	FlawApplicationUnsigned Flaw = "the application data is not signed"        // signature
	FlawAttributesUnsigned  Flaw = "the content is signed and its time is not" // signature
	FlawOtherSigner         Flaw = "signed by another key than the leaf's"     // signature
	FlawTwoSigners          Flaw = "signed twice"                              // signature
	FlawOtherDigest         Flaw = "signed over SHA-384"                       // signature
	FlawSignedEarly         Flaw = "signed ten minutes before"                 // signing-time
	FlawSignedLate          Flaw = "signed ten minutes later"                  // signing-time
	FlawNoSigningTime       Flaw = "without the time of signing"               // signing-time
	FlawOtherMerchant       Flaw = "sealed for another merchant"               // decrypt
	FlawChipData            Flaw = "with chip data in place of a proof"        // payload
	FlawUnknownCurrency     Flaw = "in a currency that is none"                // payload
)

// google and apple give the check at which each flaw is to be found, in the words of those who publish the checks.
var (
	google = map[Flaw]string{
		FlawMissingField: "format", FlawExtraField: "format", FlawUnknownVersion: "version", FlawForeignRoot: "intermediate-signature",
		FlawIntermediateAltered: "intermediate-signature", FlawIntermediateExpired: "intermediate-expired",
		FlawForeignIntermediate: "message-signature", FlawAltered: "message-signature", FlawOtherRecipient: "message-signature",
		FlawOtherVersion: "message-signature", FlawForeignKey: "decrypt", FlawWrongTag: "decrypt", FlawNotJSON: "payload",
		FlawNoNumber: "payload", FlawNoProof: "payload", FlawNoExpiry: "payload", FlawNoMessageID: "payload", FlawExpired: "message-expired",
	}
	apple = map[Flaw]string{
		FlawMissingField: "format", FlawUnknownVersion: "format", FlawNotHex: "format", FlawForeignRoot: "chain",
		FlawNoCertificates: "chain", FlawLeafPurpose: "chain", FlawIntermediatePurpose: "chain", FlawNoIntermediate: "chain",
		FlawLeafExpired: "chain", FlawIntermediateSigns: "chain", FlawAltered: "signature", FlawTransactionUnsigned: "signature",
		FlawApplicationUnsigned: "signature", FlawAttributesUnsigned: "signature", FlawOtherSigner: "signature",
		FlawTwoSigners: "signature", FlawOtherDigest: "signature", FlawSignedEarly: "signing-time", FlawSignedLate: "signing-time",
		FlawNoSigningTime: "signing-time", FlawForeignKey: "public-key-hash", FlawOtherMerchant: "decrypt", FlawWrongTag: "decrypt",
		FlawNotJSON: "payload", FlawNoNumber: "payload", FlawNoProof: "payload", FlawChipData: "payload", FlawUnknownCurrency: "payload",
	}
)

// GoogleFlaws lists the flaws that a token of Google Pay can have, in a fixed order.
func GoogleFlaws() []Flaw { return sorted(google) }

// AppleFlaws lists the flaws that a token of Apple Pay can have, in a fixed order.
func AppleFlaws() []Flaw { return sorted(apple) }

// Google names the check that finds the flaw in a token of Google Pay; empty where it cannot have it.
func (f Flaw) Google() string { return google[f] }

// Apple names the check that finds the flaw in a token of Apple Pay; empty where it cannot have it.
func (f Flaw) Apple() string { return apple[f] }

func sorted(table map[Flaw]string) []Flaw {
	flaws := make([]Flaw, 0, len(table))
	for f := range table {
		flaws = append(flaws, f)
	}
	slices.Sort(flaws)
	return flaws
}
