package paypal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluicepay/sluice/internal/connector/connectortest"
	"github.com/sluicepay/sluice/internal/connector/paypal"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/paypal"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/payment"
)

const (
	clientID     = "AXtopsecretclient"
	clientSecret = "EXtopsecretsecret"
	webhookID    = "1JE4291016473214C"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Suite{
		Type: paypal.Type(), Unmapped: "QQ42", UnmappedClass: payment.ClassDeclinedHard, Codes: published(),
		Open: func(t *testing.T) connectortest.Provider { return open(t).provider(t) },
		Inexpressible: []money.Sum{
			{Amount: money.MustParse("0.001"), Currency: "KWD"}, {Amount: money.MustParse("9.999"), Currency: "KWD"}, {Amount: money.MustParse("1000"), Currency: "UGX"},
			{Amount: money.MustParse("0.000000000000000001"), Currency: "ETH"}, {Amount: money.MustParse("12.345678901234567891"), Currency: "ETH"},
			{Amount: money.MustParse("1.5"), Currency: "JPY"}, {Amount: money.MustParse("1.5"), Currency: "HUF"}, {Amount: money.MustParse("0.001"), Currency: "EUR"},
		},
		But: connectortest.Exceptions{
			Busy: true, Steady: true, Named: true, Follows: true,
			Unfenced: []payment.AttemptKind{payment.AttemptCapture, payment.AttemptVoid, payment.AttemptRefund},
		},
	})
}

// server is the double behind a real listener, on a clock that can be moved.
type server struct {
	*double.Double
	*connectortest.Listener
}

func open(t testing.TB) *server {
	t.Helper()
	s := new(server)
	s.Listener = connectortest.Listen(t, func(r *http.Request) bool { return r.Method != http.MethodGet && !prepares(r) })
	s.Double = double.New(double.Config{
		Now: s.Now, ClientID: clientID, Secret: clientSecret, WebhookID: webhookID, URL: s.URL,
		Wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	s.RequestsTo(s.Handler())
	return s
}

func prepares(r *http.Request) bool { return r.URL.Path == "/v1/oauth2/token" }

func (s *server) provider(t *testing.T) connectortest.Provider {
	refused := connectortest.Card(t, "4242424242424242")
	refused.Holder = "CCREJECT-REFUSED"
	return connectortest.Provider{
		URL: s.URL, Settings: settingsFor, Secrets: []string{clientSecret, clientID, webhookID},
		Good: connectortest.Card(t, "4242424242424242"), Refused: refused, Challenged: connectortest.Card(t, "4868719460707704"),
		Strike: s.strike, Finish: s.finish, Booked: s.booked, Requests: s.Requests.Load, Hanging: s.Hanging, Prepares: prepares,
	}
}

func settingsFor(url string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"url":%q,"clientId":%q,"clientSecret":%q,"webhookId":%q}`, url, clientID, clientSecret, webhookID))
}

var operations = map[connectortest.Call]string{
	connectortest.CallStart: double.OpCreate, connectortest.CallCapture: double.OpCapture, connectortest.CallVoid: double.OpVoid,
	connectortest.CallRefund: double.OpRefund, connectortest.CallStatus: double.OpQuery,
	connectortest.CallFence: double.OpCreate, // by which a request id is used up
}

func (s *server) strike(c connectortest.Call, f connectortest.Fault) bool {
	fault, ok := frame.Named(string(f.Kind), operations[c], f.Code)
	if !ok || f.Kind == connectortest.FaultLag || f.Kind == connectortest.FaultPending && c == connectortest.CallVoid {
		return false // nothing is searched for, and a void is done at once
	}
	s.Strike(fault)
	return true
}

func (s *server) finish(key string, approve bool) error {
	if !s.Double.Finish(key, approve) && s.Begun(key) == "" {
		return errors.New("nothing was begun under the key")
	}
	return nil
}

func (s *server) booked(key string) []connectortest.Entry {
	return connectortest.Entries(s.Booked(key), connectortest.InDecimals)
}

// published are the processor's response codes in PayPal's specification, but for that of a success.
func published() []string {
	return strings.Fields(`00N7 0100 0390 0500 0580 0800 0880 0890 0960 0R00 1000 10BR 1300 1310 1312 1317 1320 1330 1335 1340 1350 1352 1360 1370
		1380 1382 1384 1390 1393 5100 5110 5120 5130 5135 5140 5150 5160 5170 5180 5190 5200 5210 5400 5500 5650 5700 5710 5800 5900 5910 5920
		5930 5950 6300 7600 7700 7710 7800 7900 8000 8010 8020 8030 8100 8110 8220 9100 9500 9510 9520 9530 9540 9600 PCNR PCVV PP06 PPRN PPAD
		PPAB PPAE PPAG PPAI PPAR PPAU PPAV PPAX PPBG PPC2 PPCE PPCO PPCR PPCT PPCU PPD3 PPDC PPDI PPDV PPDT PPEF PPEL PPER PPEX PPFE PPFI PPFR
		PPFV PPGR PPH1 PPIF PPII PPIM PPIT PPLR PPLS PPMB PPMC PPMD PPNC PPNL PPNM PPNT PPPH PPPI PPPM PPQC PPRE PPRF PPRR PPS0 PPS1 PPS2 PPS3
		PPS4 PPS5 PPS6 PPSC PPSD PPSE PPTE PPTF PPTI PPTR PPTT PPTV PPUA PPUC PPUE PPUI PPUP PPUR PPVC PPVE PPVT`)
}
