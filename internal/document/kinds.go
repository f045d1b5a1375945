package document

// digitsOf and textOf are rules by length alone.
func digitsOf(from, to int) rule { return rule{min: from, max: to, form: isDigits} }
func textOf(from, to int) rule   { return rule{min: from, max: to, form: isAlphanumeric} }

var (
	argentineTax   = rule{min: 11, max: 11, form: isDigits, part: must(argentinePrefix), sum: must(argentineSum)}
	chilean        = rule{prepare: chileanPrefix, min: 8, max: 9, form: chileanForm, sum: must(chileanSum)}
	chileanDoubted = rule{prepare: chileanPrefix, min: 8, max: 9, form: chileanForm, sum: may(chileanSum)}
	colombianTax   = rule{min: 8, max: 16, form: isDigits, sum: colombianSum}
	ecuadorian     = rule{min: 10, max: 10, form: isDigits, part: must(ecuadorianPerson), sum: must(ecuadorianSum)}
	guatemalan     = rule{min: 13, max: 13, form: isDigits, part: guatemalanPlace, sum: must(guatemalanSum)}
	mexicanTax     = rule{min: 10, max: 13, no: 11, form: mexicanTaxForm, part: must(mexicanTaxDate), sum: may(mexicanTaxSum)}
	peruvian       = rule{min: 8, max: 9, form: peruvianForm, sum: may(peruvianSum)}
	peruvianTax    = rule{min: 11, max: 11, form: isDigits, part: must(peruvianPrefix), sum: must(peruvianTaxSum)}
	passport       = textOf(5, 20)
	colombianOther = textOf(5, 20)
	anything       = rule{whole: free}
)

// rules are those of the types that the contract documents. Later ones have none that is published with it.
var rules = map[string]*rule{
	"AR_CUIT": &argentineTax, "AR_CUIL": &argentineTax, "AR_CDI": &argentineTax, "AR_DNI": new(digitsOf(7, 8)),
	"BO_CI": {min: 5, max: 12, form: bolivianForm, part: must(bolivianPlace)}, "BO_NIT": new(digitsOf(7, 12)),
	"BR_CPF":  {whole: brazilianPerson},
	"BR_CNPJ": {min: 14, max: 14, form: cnpjForm, part: must(cnpjRoot), sum: must(cnpjSum)},
	"CL_RUT":  &chilean, "CL_RUN": &chilean, "CL_CI": &chileanDoubted, "CL_TIN": &chileanDoubted, "CL_ID": &chileanDoubted,
	"CO_NIT": &colombianTax, "CO_TIN": &colombianTax, "CO_CC": new(digitsOf(5, 10)), "CO_TI": new(digitsOf(10, 11)), "CO_CE": new(textOf(6, 12)),
	"CO_DNI": &colombianOther, "CO_NE": &colombianOther, "CO_DL": &colombianOther, "CO_SS": &colombianOther,
	"CR_CDI": {whole: costaRican},
	"EC_CC":  &ecuadorian, "EC_DNI": &ecuadorian,
	"EC_RUC": {min: 13, max: 13, form: isDigits, part: must(ecuadorianTaxParts), sum: may(ecuadorianTaxSum)},
	"GT_NIT": {min: 2, max: 12, form: guatemalanTaxForm, sum: must(guatemalanTaxSum)}, "GT_CUI": &guatemalan, "GT_DPI": &guatemalan,
	"IN_UID":  {min: 12, max: 12, form: isDigits, part: must(aadhaarParts), sum: must(verhoeff)},
	"IN_ID":   {min: 10, max: 10, form: indianForm, part: must(indianParts), sum: may(indianSum)},
	"IN_DL":   {min: 15, max: 16, form: func(n string) bool { return isAlphanumeric(n) && isLetters(n[:2]) }},
	"MX_CURP": {min: 18, max: 18, form: curpForm, part: must(curpParts), sum: must(curpSum)},
	"MX_RFC":  &mexicanTax, "MX_TIN": &mexicanTax, "MX_IFE": {min: 13, max: 18, form: mexicanVoter}, "MX_CRI": new(textOf(1, 20)),
	"PA_CIP": {whole: panamanian},
	"PE_DNI": &peruvian, "PE_ID": &peruvian, "PE_RUC": &peruvianTax, "PE_TIN": &peruvianTax,
	"PE_CE": new(textOf(9, 12)), "PE_CPP": new(textOf(1, 15)), "PE_FRC": new(textOf(1, 15)),
	"UY_CI":  {prepare: uruguayanPad, min: 8, max: 8, form: isDigits, sum: must(uruguayanSum)},
	"UY_RUT": {prepare: uruguayanPrefix, min: 12, max: 12, form: isDigits, part: uruguayanTaxParts, sum: must(uruguayanTaxSum)},
	"VN_TIN": {min: 10, max: 13, no: 11, form: isDigits, part: must(vietnameseParts), sum: must(vietnameseSum)},
	"AR_PP":  &passport, "BO_PP": &passport, "BR_PP": &passport, "CL_PP": &passport, "CO_PP": &passport, "EC_PP": &passport, "MX_PP": &passport, "PE_PP": &passport,
	"AR_OTRO": &anything, "CL_OTRO": &anything, "PE_OTRO": &anything, "BO_OD": &anything, "BO_CEX": &anything, "CL_CE": &anything,
}
