package paypal

import (
	"cmp"

	"github.com/sluicepay/sluice/internal/payment"
	"github.com/sluicepay/sluice/internal/provider"
)

const (
	soft = payment.ClassDeclinedSoft
	hard = payment.ClassDeclinedHard
)

// declined is the refusal that a capture or authorization tells. What the scheme advises goes before the code's own meaning where it is
// stricter: nobody tries again what it forbids.
func (m *movement) declined() payment.Fact {
	if m.Processor.Code == "" || m.Processor.Code == approvedCode { // PayPal itself refused
		return payment.Fact{Class: hard, Code: payment.CodeAcquirer, RawCode: m.Status}
	}
	f := declines.Fact(m.Processor.Code)
	switch m.Processor.Advice {
	case "21": // every further charge is forbidden
		f.Class, f.Revoked = hard, true
	case "01", "03":
		f.Class = hard
	}
	f.RawCode = cmp.Or(f.RawCode, m.Status)
	return f
}

// approvedCode is the processor's word for a success.
const approvedCode = "0000"

// declines is what the processor's response codes mean (response_code of processor_response in
// https://developer.paypal.com/docs/api/orders/v2/).
var declines = provider.Declines{
	// the issuer says no and not why
	"0100": {Code: "4.00", Class: soft},
	"0500": {Code: "4.02", Class: soft},
	"0580": {Code: "4.10", Class: hard},
	"10BR": {Code: "4.00", Class: soft},
	"1393": {Code: "4.00", Class: hard},
	"5100": {Code: "4.00", Class: soft},
	"5210": {Code: "4.08", Class: hard},
	"5700": {Code: "4.10", Class: hard},
	"5900": {Code: "4.08", Class: hard},
	"9530": {Code: "4.00", Class: hard},
	"9540": {Code: "4.08", Class: hard},
	"9100": {Code: "4.15", Class: soft, Advice: provider.AdviceLater},

	// it may work another time
	"0800": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"0880": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"0960": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"1360": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"1384": {Code: "3.03", Class: hard},
	"5910": {Code: "3.03", Class: hard},
	"5920": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"8000": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"8100": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"8110": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"8220": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"PPER": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"PPNT": {Code: "3.03", Class: soft, Advice: provider.AdviceLater},
	"9600": {Code: "3.00", Class: hard},

	// money, and how often
	"5120": {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"1000": {Code: "4.01", Class: hard, Advice: provider.AdviceLater},
	"5710": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"PPAX": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"PPEL": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},
	"PPNL": {Code: "4.05", Class: hard, Advice: provider.AdviceNever},
	"PPDT": {Code: "4.05", Class: hard, Advice: provider.AdviceLater},

	// what was entered, or the card has changed
	"00N7": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"1382": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"5110": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"PCVV": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"PPC2": {Code: "4.07", Class: hard, Advice: provider.AdviceData},
	"1380": {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"5400": {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"PPEF": {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"PPEX": {Code: "4.04", Class: hard, Advice: provider.AdviceData},
	"5170": {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"5190": {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"PPAD": {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"PPAV": {Code: "4.11", Class: hard, Advice: provider.AdviceData},
	"0390": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"1330": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"1335": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"6300": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"5950": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"0890": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"5130": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"5500": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"7900": {Code: "4.00", Class: hard, Advice: provider.AdviceData},
	"5135": {Code: "4.14", Class: hard, Advice: provider.AdviceData},
	"7800": {Code: "4.13", Class: hard, Advice: provider.AdviceData},
	"PPIM": {Code: "4.03", Class: hard, Advice: provider.AdviceData},
	"PPPH": {Code: "3.21", Class: hard, Advice: provider.AdviceData},

	// the issuer wants its customer to be asked, or has refused who was
	"5650": {Code: "3.09", Class: hard, Advice: provider.AdviceAuthenticate},
	"PPD3": {Code: "5.00", Class: hard, Advice: provider.AdviceAuthenticate},
	"7700": {Code: "5.02", Class: hard},
	"7710": {Code: "5.00", Class: hard},
	"PCNR": {Code: "5.00", Class: hard},
	"PPAR": {Code: "4.00", Class: hard},
	"PPDV": {Code: "4.00", Class: hard},

	// never again
	"0R00": {Code: "4.08", Class: hard, Advice: provider.AdviceNever, Ends: true},
	"PPRN": {Code: "4.08", Class: hard, Advice: provider.AdviceNever},
	"1352": {Code: "4.03", Class: hard, Advice: provider.AdviceNever},
	"5140": {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"5150": {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"5160": {Code: "4.10", Class: hard, Advice: provider.AdviceNever},
	"5180": {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"5930": {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"9500": {Code: "4.09", Class: hard, Advice: provider.AdviceNever},
	"9510": {Code: "4.09", Class: hard, Advice: provider.AdviceNever},
	"9520": {Code: "4.06", Class: hard, Advice: provider.AdviceNever},
	"PP06": {Code: "4.03", Class: hard, Advice: provider.AdviceNever},
	"PPAB": {Code: "4.03", Class: hard, Advice: provider.AdviceNever},
	"PPSC": {Code: "4.09", Class: hard, Advice: provider.AdviceNever},

	// the account is not made for it: another terminal may be
	"1312": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"1340": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"1350": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"1370": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"8010": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"8020": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"8030": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPAE": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPAG": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPAU": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPBG": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPCE": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPCO": {Code: "3.22", Class: soft, Advice: provider.AdviceSettings},
	"PPCT": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPCU": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPDC": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPDI": {Code: "3.06", Class: soft, Advice: provider.AdviceSettings},
	"PPMC": {Code: "3.06", Class: soft, Advice: provider.AdviceSettings},
	"PPSE": {Code: "3.06", Class: soft, Advice: provider.AdviceSettings},
	"PPNC": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPNM": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPPI": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPQC": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPRR": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPTT": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPUA": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPUC": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPUE": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPUI": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPUP": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"PPVT": {Code: "3.08", Class: soft, Advice: provider.AdviceSettings},
	"1320": {Code: "1.09", Class: hard, Advice: provider.AdviceSettings},
	"PPVC": {Code: "1.09", Class: hard, Advice: provider.AdviceSettings},

	// the request was wrong
	"1300": {Code: "3.02", Class: hard},
	"1310": {Code: "1.08", Class: hard},
	"1317": {Code: "3.02", Class: hard},
	"1390": {Code: "3.02", Class: hard},
	"PPAI": {Code: "1.08", Class: hard},
	"PPCR": {Code: "3.00", Class: hard},
	"PPFE": {Code: "3.02", Class: hard},
	"PPFI": {Code: "3.07", Class: hard},
	"PPFR": {Code: "3.07", Class: hard},
	"PPFV": {Code: "3.02", Class: hard},
	"PPGR": {Code: "3.00", Class: hard},
	"PPH1": {Code: "3.00", Class: hard},
	"PPIF": {Code: "3.16", Class: hard},
	"PPII": {Code: "3.02", Class: hard},
	"PPIT": {Code: "3.02", Class: hard},
	"PPLR": {Code: "1.00", Class: hard},
	"PPLS": {Code: "3.00", Class: hard},
	"PPMB": {Code: "3.02", Class: hard},
	"PPMD": {Code: "3.02", Class: hard},
	"PPPM": {Code: "3.02", Class: hard},
	"PPRE": {Code: "1.00", Class: hard},
	"PPRF": {Code: "1.00", Class: hard},
	"PPS0": {Code: "3.02", Class: hard},
	"PPS1": {Code: "1.00", Class: hard},
	"PPS2": {Code: "1.00", Class: hard},
	"PPS3": {Code: "1.00", Class: hard},
	"PPS4": {Code: "1.09", Class: hard},
	"PPS5": {Code: "3.07", Class: hard},
	"PPS6": {Code: "1.08", Class: hard},
	"PPSD": {Code: "3.00", Class: hard},
	"PPTE": {Code: "1.06", Class: hard},
	"PPTF": {Code: "3.02", Class: hard},
	"PPTI": {Code: "3.02", Class: hard},
	"PPTR": {Code: "1.06", Class: hard},
	"PPTV": {Code: "1.06", Class: hard},
	"PPUR": {Code: "1.00", Class: hard},
	"PPVE": {Code: "3.02", Class: hard},
	"5200": {Code: "3.16", Class: hard},
	"5800": {Code: "3.00", Class: hard},
	"7600": {Code: "3.00", Class: hard},
}
