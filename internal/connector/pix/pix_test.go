package pix_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/pix"
	"github.com/sluicepay/sluice/internal/double/frame"
	double "github.com/sluicepay/sluice/internal/double/pix"
	"github.com/sluicepay/sluice/internal/money"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
	brcode "github.com/sluicepay/sluice/internal/pix"
)

// key is one of the engine's form.
func key(n int) string { return fmt.Sprintf("7e57ab1e-%032x-1", n+0xabcdef) }

func sale(n int) connector.Request {
	return connector.Request{
		Key: key(n), Amount: money.MustParse("11.12"), Currency: "BRL", Method: payment.Pix, Description: strings.Repeat("café ", 60), OnPage: true,
	}
}

// canned answers every request but those for tokens with one body.
func canned(t *testing.T, status int, body string, more ...string) *pix.Pix {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return open(t).connect(t, server.URL, more...)
}

const (
	e2eOne = "E12345678202009091221kkkkkkkkkkk"
	rtrOne = "D12345678202009091221abcdf098765"
)

// chargeJSON is a charge of key(1) over 11.12 with more members.
func chargeJSON(status, more string) string {
	return `{"txid":"` + said(key(1)) + `","chave":"` + pixKey + `","status":"` + status + `","revisao":0,"valor":{"original":"11.12"},` +
		`"calendario":{"criacao":"2030-01-01T00:00:00.358Z","expiracao":3600}` + more + `}`
}

func onePix(value, more string) string {
	return `{"endToEndId":"` + e2eOne + `","txid":"` + said(key(1)) + `","valor":"` + value + `","horario":"2030-01-01T00:00:00Z"` + more + `}`
}

func TestEveryPublishedStateOfACharge(t *testing.T) {
	came := `,"pix":[` + onePix("11.12", "") + `]`
	code := `,"pixCopiaECola":"00020126"`
	for _, c := range []struct {
		status, more string
		want         payment.Class // empty: unknown
		code         payment.ErrorCode
		told         string
	}{
		{"ATIVA", code, payment.ClassWaiting, "", "11.12"},
		{"ATIVA", "", payment.ClassWaiting, "", "11.12"},
		{"ATIVA", came, payment.ClassApproved, "", "11.12"},
		{"CONCLUIDA", came, payment.ClassApproved, "", "11.12"},
		{"CONCLUIDA", `,"pix":[` + onePix("1.12", "") + "," + onePix("10.00", "") + `]`, payment.ClassApproved, "", "11.12"},
		{"CONCLUIDA", `,"pix":[` + onePix("5.00", `,"devolucoes":[{"id":"1"}]`) + `]`, payment.ClassApproved, "", "5"},
		{"CONCLUIDA", "", "", "", ""},
		{"CONCLUIDA", `,"pix":[]`, "", "", ""},
		{"CONCLUIDA", `,"pix":[{"endToEndId":"E1","valor":"11.12"}]`, "", "", ""},
		{"CONCLUIDA", `,"pix":[{"endToEndId":"` + e2eOne + `","valor":"11,12"}]`, "", "", ""},
		{"CONCLUIDA", `,"pix":[{"endToEndId":"` + e2eOne + `","valor":"11.12","txid":"another"}]`, "", "", ""},
		{"REMOVIDA_PELO_USUARIO_RECEBEDOR", code, payment.ClassRejected, payment.CodeCommunication, ""},
		{"REMOVIDA_PELO_PSP", "", payment.ClassRejected, payment.CodeAcquirer, ""},
		{"REMOVIDA_PELO_USUARIO_RECEBEDOR", came, payment.ClassApproved, "", "11.12"},
		{"QUANTICA", came, "", "", ""}, {"ativa", "", "", "", ""}, {"", "", "", "", ""},
	} {
		conn := canned(t, http.StatusOK, chargeJSON(c.status, c.more))
		f, err := conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: key(1), Amount: money.MustParse("11.12"), Currency: "BRL"})
		if c.want == "" {
			if err == nil {
				t.Errorf("%s%s: %+v, want an error", c.status, c.more, f)
			}
			continue
		}
		if err != nil || f.Class != c.want || f.Code != c.code || c.told != "" && f.Echoed.Amount != money.MustParse(c.told) || (c.more == code && c.status == "ATIVA") != (f.Next.Kind == payment.NextCode) {
			t.Errorf("%s%s: %+v, %v; want %s %s %s", c.status, c.more, f, err, c.want, c.code, c.told)
		}
	}
}

// TestChargesOfSomethingElseProveNothing: of another key, amount or payee, or one whose payer says the amount.
func TestChargesOfSomethingElseProveNothing(t *testing.T) {
	right := chargeJSON("ATIVA", "")
	for _, body := range []string{
		strings.Replace(right, said(key(1)), said(key(2)), 1), strings.Replace(right, pixKey, "other@shop.example", 1), strings.Replace(right, "11.12", "11.13", 1),
		strings.Replace(right, `"11.12"`, `"11.12","modalidadeAlteracao":1`, 1), strings.Replace(right, `"11.12"`, "11.12", 1), strings.Replace(right, "11.12", "0.00", 1),
	} {
		if f, err := canned(t, http.StatusCreated, body).Start(t.Context(), sale(1)); err == nil {
			t.Errorf("%s: %+v", body, f)
		}
	}
	if f, err := canned(t, http.StatusCreated, strings.Replace(right, "11.12", "0011.12", 1)).Start(t.Context(), sale(1)); err != nil || f.Class != payment.ClassWaiting {
		t.Errorf("noughts before it: %+v, %v", f, err)
	}
}

func TestEveryPublishedStateOfAReturn(t *testing.T) {
	for status, want := range map[string]payment.Class{
		"DEVOLVIDO": payment.ClassApproved, "EM_PROCESSAMENTO": payment.ClassWaiting, "NAO_REALIZADO": payment.ClassDeclinedHard, "QUANTICO": "", "": "",
	} {
		body := `{"id":"` + said(key(2)) + `","rtrId":"` + rtrOne + `","valor":"5.00","horario":{},"status":"` + status + `","motivo":"x"}`
		q := connector.Request{Key: key(2), Amount: money.MustParse("5"), Currency: "BRL", Original: connector.Ref{Key: key(1), ProviderRef: e2eOne}}
		sent, err := canned(t, http.StatusCreated, body).Refund(t.Context(), q)
		ref := connector.Ref{Kind: payment.AttemptRefund, Key: key(2), ProviderRef: e2eOne + "-" + rtrOne}
		asked, failed := canned(t, http.StatusOK, body).Status(t.Context(), ref)
		for _, f := range []payment.Fact{sent, asked} {
			if (want == "") != (errors.Join(err, failed) != nil) || f.Class != want || want != "" && (f.ProviderRef != e2eOne+"-"+rtrOne || f.Echoed.Amount != q.Amount) {
				t.Errorf("%q: %+v, %v, %v; want %s", status, f, err, failed, want)
			}
		}
	}
}

// TestEveryPublishedError: what it proves of a charge and of a return that were just sent, and of the questions about them.
func TestEveryPublishedError(t *testing.T) {
	for _, c := range []struct {
		status int
		kind   string
		sent   bool // proved as not carried out
		asked  bool // proved as not there
	}{
		{400, "RequisicaoInvalida", true, false},
		{400, "CobOperacaoInvalida", false, false}, // as it stays so when the charge is asked for
		{400, "PixDevolucaoInvalida", false, false},
		{400, "CobConsultaInvalida", false, false}, {400, "PixConsultaInvalida", false, false}, {400, "Quantica", false, false},
		{401, "AcessoNegado", true, false}, {401, "", true, false},
		{403, "AcessoNegado", true, false}, {403, "Quantica", false, false}, {403, "", false, false},
		{404, "NaoEncontrado", true, true}, {404, "CobNaoEncontrado", false, true}, {404, "PixNaoEncontrado", true, false},
		{404, "PixDevolucaoNaoEncontrada", false, false}, {404, "", false, false}, {410, "PermanentementeRemovido", false, false},
		{409, "CobOperacaoInvalida", false, false}, {429, "ServicoIndisponivel", false, false}, {422, "RequisicaoInvalida", false, false},
		{500, "ErroInternoDoServidor", false, false}, {503, "ServicoIndisponivel", false, false}, {504, "IndisponibilidadePorTempoEsgotado", false, false},
	} {
		what := fmt.Sprint(c.status, " ", c.kind)
		body := `{"type":"https://pix.bcb.gov.br/api/v2/error/` + c.kind + `","title":"x","status":1,"violacoes":[]}`
		if c.kind == "" {
			body = `{"type":"about:blank","title":"x"}`
		}
		conn := canned(t, c.status, body)
		f, err := conn.Start(t.Context(), sale(1))
		if unknown := err != nil && !errors.Is(err, outbound.ErrNotSent) || f.Class == payment.ClassUnknown; c.sent != (f.Class == payment.ClassRejected && f.Code != "") || c.sent == unknown {
			t.Errorf("charge, %s: %+v, %v", what, f, err)
		}
		f, err = conn.Refund(t.Context(), connector.Request{Key: key(2), Amount: money.MustParse("5"), Currency: "BRL", Original: connector.Ref{ProviderRef: e2eOne}})
		if unknown := err != nil && !errors.Is(err, outbound.ErrNotSent) || f.Class == payment.ClassUnknown; c.sent != (f.Class == payment.ClassRejected) || c.sent == unknown {
			t.Errorf("return, %s: %+v, %v", what, f, err)
		}
		f, err = conn.Status(t.Context(), connector.Ref{Kind: payment.AttemptDeposit, Key: key(1)})
		if c.asked != (err == nil && f.NotFound) {
			t.Errorf("question, %s: %+v, %v", what, f, err)
		}
	}
}

// TestATokenThatIsNotAcceptedIsForgotten, and one is fetched for many calls.
func TestATokenThatIsNotAcceptedIsForgotten(t *testing.T) {
	s := open(t)
	for _, in := range []string{"header", "body"} {
		conn := s.connect(t, s.URL, `"clientIn":"`+in+`"`)
		if in == "body" {
			s.Double = double.New(double.Config{Now: s.Now, ClientID: clientID, ClientSecret: "topsecretofthe%2Fapplication%2B", Key: pixKey})
			s.RequestsTo(basic(s.Handler()))
		}
		for n := range 3 {
			if f, err := conn.Start(t.Context(), sale(n)); err != nil || f.Class != payment.ClassWaiting {
				t.Fatalf("%s: %+v, %v", in, f, err)
			}
		}
		if n := s.Issued(); n != 1 {
			t.Errorf("%s: %d tokens for three calls", in, n)
		}
		s.Revoke()
		if f, err := conn.Start(t.Context(), sale(4)); err != nil || f.Class != payment.ClassRejected {
			t.Errorf("%s: %+v, %v", in, f, err)
		}
		if f, err := conn.Start(t.Context(), sale(5)); err != nil || f.Class != payment.ClassWaiting || s.Issued() != 2 {
			t.Errorf("%s: %+v, %v after %d tokens", in, f, err, s.Issued())
		}
		s.Revoke()
		s.Strike(frame.Fault{Op: double.OpToken, Kind: frame.Drop})
		s.Advance(time.Hour)
		if f, err := conn.Start(t.Context(), sale(6)); !errors.Is(err, outbound.ErrNotSent) {
			t.Errorf("%s: %+v, %v; want not sent", in, f, err)
		}
	}
}

// basic moves credentials of the body to where the double looks for them.
func basic(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" && r.Header.Get("Authorization") == "" {
			r.SetBasicAuth(r.FormValue("client_id"), strings.NewReplacer("/", "%2F", "+", "%2B").Replace(r.FormValue("client_secret")))
		}
		h.ServeHTTP(w, r)
	})
}

// TestCallsGoByMutualTLS: with the terminal's certificate the bank takes them, and without it nothing leaves.
func TestCallsGoByMutualTLS(t *testing.T) {
	s := open(t)
	cert, keyPEM := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	bank := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handler().ServeHTTP(w, r) }))
	bank.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	bank.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	bank.StartTLS()
	t.Cleanup(bank.Close)
	s.tokens = bank.URL + "/oauth/token"
	trusted := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bank.Certificate().Raw}))
	quoted := func(name string, text []byte) string {
		raw, err := json.Marshal(string(text))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q:%s", name, raw)
	}
	authorities := quoted("authorities", []byte(trusted))
	with := s.connect(t, bank.URL, quoted("certificate", cert), quoted("privateKey", keyPEM), authorities)
	if f, err := with.Start(t.Context(), sale(1)); err != nil || f.Class != payment.ClassWaiting {
		t.Errorf("with the certificate: %+v, %v", f, err)
	}
	for name, more := range map[string][]string{"without one": {authorities}, "with one, of whom nobody trusts": {quoted("certificate", cert), quoted("privateKey", keyPEM)}} {
		f, err := s.connect(t, bank.URL, more...).Start(t.Context(), sale(2))
		if err == nil || !errors.Is(err, outbound.ErrNotSent) || s.Status(said(key(2))) != "" {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	other, _ := certificate(t)
	_, err := pix.Type().Parse(s.settings(bank.URL, quoted("certificate", other), quoted("privateKey", keyPEM)))
	if err == nil || strings.Contains(err.Error(), "BEGIN") {
		t.Errorf("a key of another certificate: %v", err)
	}
}

func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, own.Public(), own)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func TestSettingsTellAllTheirFaultsAndNoSecret(t *testing.T) {
	_, err := pix.Type().Parse([]byte(`{"url":"ftp://x","tokenUrl":"y","clientId":"a b","clientSecret":"top secret","clientIn":"cookie","key":"nobody","certificate":"topsecret",
		"authorities":"x","name":"a name that is much too long for a code","noticeToken":"to p","timeoutMs":-1}`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"url:", "tokenUrl", "clientId", "clientSecret", "clientIn", "key:", "certificate", "name:", "city", "noticeToken", "timeoutMs"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
	if strings.Contains(err.Error(), "top") {
		t.Error("a secret is shown: ", err)
	}
}

// TestWhatACodeLeadsTo: the bank's own code, or one that is built of its location where the bank gives none.
func TestWhatACodeLeadsTo(t *testing.T) {
	s := open(t)
	f, err := s.connect(t, s.URL).Start(t.Context(), sale(1))
	if err != nil {
		t.Fatal(err)
	}
	given, err := brcode.Parse(f.Next.Code)
	if err != nil || !given.OneUse || f.Next.Until.Before(s.Now().Add(23*time.Hour)) {
		t.Errorf("%+v, %v, until %s", given, err, f.Next.Until)
	}
	located := chargeJSON("ATIVA", `,"location":"pix.bank.example/qr/v2/1"`)
	f, err = canned(t, http.StatusCreated, located, `"name":"Loja São João","city":"Brasília"`).Start(t.Context(), sale(1))
	if err != nil {
		t.Fatal(err)
	}
	built, err := brcode.Parse(f.Next.Code)
	if err != nil || built.URL != "pix.bank.example/qr/v2/1" || built.Name != "Loja Sao Joao" || built.City != "Brasilia" {
		t.Errorf("%+v, %v", built, err)
	}
	if want := time.Date(2030, 1, 1, 1, 0, 0, 358e6, time.UTC); !f.Next.Until.Equal(want) {
		t.Errorf("until %s, want %s", f.Next.Until, want)
	}
	over := sale(3)
	over.Until = s.Now().Add(-time.Second)
	if f, err := s.connect(t, s.URL).Start(t.Context(), over); !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("after its end: %+v, %v", f, err)
	}
	if f, err := s.connect(t, s.URL, `"payer":true`).Start(t.Context(), sale(4)); !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("of nobody: %+v, %v", f, err)
	}
}

// TestEachStepOfAFenceMayFail: then nothing is claimed, and the next one holds.
func TestEachStepOfAFenceMayFail(t *testing.T) {
	for n, kind := range []frame.Kind{frame.Drop, frame.ServerError, frame.Garbage, frame.ErrorInside, frame.Elsewhere, frame.NewStatus, frame.WrongReference, frame.Unauthorized, frame.Rejected} {
		for _, op := range []string{double.OpQuery, double.OpCharge, double.OpRemove} {
			s := open(t)
			conn := s.connect(t, s.URL)
			ref := connector.Ref{Kind: payment.AttemptDeposit, Key: key(n), Amount: money.MustParse("11.12"), Currency: "BRL"}
			s.Strike(frame.Fault{Op: op, Kind: kind})
			if f, err := conn.Fence(t.Context(), ref); err == nil && kind != frame.NewStatus && kind != frame.WrongReference {
				t.Errorf("%s of %s: %+v", kind, op, f)
			}
			if f, err := conn.Fence(t.Context(), ref); err != nil || f.Class != payment.ClassRejected {
				t.Errorf("after %s of %s: %+v, %v", kind, op, f, err)
			}
			if f, err := conn.Start(t.Context(), sale(n)); err != nil || f.Class != payment.ClassRejected {
				t.Errorf("the original after %s of %s: %+v, %v", kind, op, f, err)
			}
			if len(s.Books()) != 0 {
				t.Error(s.Books())
			}
		}
	}
}
