package adyen

import (
	"fmt"
	"net/http"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// twists make an answer one about something else.
var twists = frame.Twists{
	frame.WrongAmount: func(o object) {
		if a, is := o["amount"].(object); is {
			if n, is := a["value"].(float64); is {
				a["value"] = n + 1
			}
		}
	},
	frame.WrongCurrency: func(o object) {
		if a, is := o["amount"].(object); is {
			a["currency"] = "CHF"
		}
	},
	frame.WrongID: func(o object) { o["pspReference"] = fmt.Sprint(o["pspReference"]) + "X" },
	frame.WrongReference: func(o object) {
		for _, name := range []string{"merchantReference", "reference"} {
			if _, is := o[name]; is {
				o[name] = "another"
			}
		}
	},
	frame.NewStatus: func(o object) {
		for _, name := range []string{"resultCode", "status"} {
			if _, is := o[name]; is {
				o[name] = "quantum"
			}
		}
	},
}

var spoilt = frame.Spoilt{
	ServerError: fail(http.StatusInternalServerError, "702", "internal", "Internal error"),
	ErrorInside: answer{Status: http.StatusOK, Body: object{"status": 500, "errorCode": "702", "errorType": "internal", "message": "late trouble"}},
}
