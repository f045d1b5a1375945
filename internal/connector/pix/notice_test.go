package pix_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/sluicepay/sluice/internal/connector"
	"github.com/sluicepay/sluice/internal/connector/pix"
	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/payment"
)

func devolucao(id, status, nature string) string {
	return `{"id":"` + id + `","rtrId":"` + rtrOne + `","valor":"5.00","status":"` + status + `","natureza":"` + nature + `"}`
}

// TestWhatNoticesTell: several Pix in one, their returns, what the scheme takes back, and nothing of anybody else's.
func TestWhatNoticesTell(t *testing.T) {
	s := open(t)
	conn := s.connect(t, s.URL)
	foreign := `{"endToEndId":"E12345678202009091221zzzzzzzzzzz","txid":"c3e0e7a4e7f1469a9f782d3d4999343c","valor":"9.00"}`
	withoutID := `{"endToEndId":"E12345678202009091221yyyyyyyyyyy","valor":"9.00"}`
	back := devolucao(said(key(2)), "DEVOLVIDO", "ORIGINAL")
	for name, c := range map[string]struct {
		body string
		want []connector.Notice // of facts, the class
	}{
		"nothing":          {`{"pix":[]}`, nil},
		"somebody else's":  {`{"pix":[` + foreign + "," + withoutID + `]}`, nil},
		"a Pix":            {`{"pix":[` + onePix("11.12", "") + `]}`, []connector.Notice{{EventKey: e2eOne, Key: key(1), Fact: payment.Fact{Class: payment.ClassApproved}}}},
		"one of no amount": {`{"pix":[` + onePix("x", "") + `]}`, []connector.Notice{{EventKey: e2eOne, Key: key(1), Fact: payment.Fact{Class: payment.ClassUnknown}}}},
		"a batch": {`{"pix":[` + foreign + "," + onePix("11.12", `,"devolucoes":[`+back+","+devolucao("other", "DEVOLVIDO", "ORIGINAL")+","+devolucao("m1", "DEVOLVIDO", "MED_FRAUDE")+`]`) + `]}`, []connector.Notice{
			{EventKey: e2eOne, Key: key(1), Fact: payment.Fact{Class: payment.ClassApproved}},
			{EventKey: e2eOne + "-" + said(key(2)) + "-DEVOLVIDO", Key: key(2), Fact: payment.Fact{Class: payment.ClassApproved}},
			{EventKey: e2eOne + "-m1-DEVOLVIDO", Key: key(1), Subject: connector.OfDispute, ProviderRef: e2eOne},
		}},
		"a return alone, as in the publication's example": {`{"pix":[` + onePix("11.12", `,"devolucoes":`+devolucao(said(key(2)), "NAO_REALIZADO", "")) + `]}`, []connector.Notice{
			{EventKey: e2eOne, Key: key(1), Fact: payment.Fact{Class: payment.ClassApproved}},
			{EventKey: e2eOne + "-" + said(key(2)) + "-NAO_REALIZADO", Key: key(2), Fact: payment.Fact{Class: payment.ClassDeclinedHard}},
		}},
	} {
		header := http.Header{"X-Notice-Token": {noticeToken}}
		notices, err := conn.ParseNotice(header, []byte(c.body))
		if err != nil || len(notices) != len(c.want) || header.Get("X-Notice-Token") != "" {
			t.Errorf("%s: %+v, %v, %v", name, notices, err, header)
			continue
		}
		for i, n := range notices {
			w := c.want[i]
			if n.EventKey != w.EventKey || n.Key != w.Key || n.Subject != w.Subject || n.ProviderRef != w.ProviderRef || n.Fact.Class != w.Fact.Class || n.Hint != (n.Subject == connector.OfAttempt) {
				t.Errorf("%s: %+v, want %+v", name, n, w)
			}
			again, err := conn.ReadNotice([]byte(c.body), n.EventKey)
			if err != nil || again.Key != n.Key || again.Fact.Class != n.Fact.Class {
				t.Errorf("%s, read again: %+v, %v", name, again, err)
			}
		}
		if n, err := conn.ReadNotice([]byte(c.body), "another"); err == nil {
			t.Errorf("%s is read as another: %+v", name, n)
		}
	}
}

func TestOnlyTheTokenIsBelieved(t *testing.T) {
	s := open(t)
	conn := s.connect(t, s.URL)
	body := []byte(`{"pix":[` + onePix("11.12", "") + `]}`)
	for _, token := range []string{"", "x", noticeToken + "x", noticeToken[1:], "TOPSECRETOFTHEPROXY"} {
		if n, err := conn.ParseNotice(http.Header{"X-Notice-Token": {token}}, body); err == nil || errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%q: %v, %v", token, n, err)
		}
	}
	config, err := pix.Type().Parse(pix.Type().Sample())
	if err != nil {
		t.Fatal(err)
	}
	client := outbound.New(outbound.Options{Now: s.Now})
	t.Cleanup(client.CloseIdle)
	none, err := config.Open(connector.Deps{Client: client, Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := none.(*pix.Pix).ParseNotice(http.Header{"X-Notice-Token": {""}}, body); err == nil {
		t.Errorf("without a token: %v", n)
	}
}

func TestNonsenseIsKeptForAHuman(t *testing.T) {
	s := open(t)
	conn := s.connect(t, s.URL)
	for _, body := range []string{``, `{}`, `[]`, `<html>`, `{"pix":null}`, `{"pix":{}}`, `{"pix":[{"txid":"` + said(key(1)) + `"}]}`, `{"pix":[` + onePix("1.00", `,"devolucoes":["x"]`) + `]}`,
		`{"pix":[` + onePix("1.00", `,"devolucoes":[{"id":"a b","status":"x"}]`) + `]}`} {
		if n, err := conn.ParseNotice(http.Header{"X-Notice-Token": {noticeToken}}, []byte(body)); !errors.Is(err, connector.ErrUnreadable) {
			t.Errorf("%s: %v, %v", body, n, err)
		}
	}
}
