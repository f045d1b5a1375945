package openbanking

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluicepay/sluice/internal/double/frame"
)

// grant gives access tokens: to the caller by its own assertion (RFC 7523), and against a code that a customer has brought.
func (d *Double) grant(w http.ResponseWriter, q *http.Request) {
	fault := d.Take(OpToken)
	if q.ParseForm() != nil || fault.Kind == frame.Unauthorized || d.asserted(q.PostForm) != nil {
		frame.Write(w, answer{Status: http.StatusUnauthorized, Body: object{"error": "invalid_client"}})
		return
	}
	d.Mu.Lock()
	now := d.c.Now()
	t := token{until: now.Add(tokenLife)}
	switch q.PostForm.Get("grant_type") {
	case "client_credentials":
	case "authorization_code":
		given := q.PostForm.Get("code")
		is, known := d.codes[given]
		delete(d.codes, given) // it is good once
		if !known || !now.Before(is.until) || is.redirect != q.PostForm.Get("redirect_uri") {
			d.Mu.Unlock()
			frame.Write(w, answer{Status: http.StatusBadRequest, Body: object{"error": "invalid_grant"}})
			return
		}
		t.consent = is.consent
	default:
		d.Mu.Unlock()
		frame.Write(w, answer{Status: http.StatusBadRequest, Body: object{"error": "unsupported_grant_type"}})
		return
	}
	name := d.name("topsecret-token-")
	d.tokens[name] = t
	d.Mu.Unlock()
	d.Send(w, q, fault, answer{Status: http.StatusOK, Body: object{"access_token": name, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())}})
}

// asserted checks who asks for a token.
func (d *Double) asserted(form url.Values) error {
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return errors.New("no assertion")
	}
	claims, err := d.read(form.Get("client_assertion"), d.c.URL+"/token")
	if err != nil {
		return err
	}
	d.Mu.Lock()
	defer d.Mu.Unlock()
	id, _ := claims["jti"].(string)
	if claims["sub"] != d.c.ClientID || id == "" || d.seen[id] {
		return errors.New("of somebody else, or used before")
	}
	d.seen[id] = true
	return nil
}

// read verifies a token of the caller's for an audience.
func (d *Double) read(text, audience string) (jwt.MapClaims, error) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"PS256"}), jwt.WithAudience(audience), jwt.WithIssuer(d.c.ClientID), jwt.WithExpirationRequired(), jwt.WithTimeFunc(d.c.Now))
	claims := jwt.MapClaims{}
	_, err := parser.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != d.c.KeyID {
			return nil, errors.New("an unknown key")
		}
		return d.c.Caller, nil
	})
	return claims, err
}

// Decide has the customer, who was sent to that address, agree or refuse, and returns where the bank sends them then.
func (d *Double) Decide(address string, agree bool) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	claims, err := d.read(q.Get("request"), d.c.URL)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"client_id", "response_type", "redirect_uri", "scope"} {
		if q.Get(name) != "" && q.Get(name) != claims[name] {
			return "", fmt.Errorf("%s is not what was signed", name)
		}
	}
	redirect, _ := claims["redirect_uri"].(string)
	if claims["response_type"] != "code" || claims["scope"] != "openid payments" || claims["nonce"] == nil || len(d.c.Redirects) > 0 && !slices.Contains(d.c.Redirects, redirect) {
		return "", errors.New("the request is not as registered")
	}
	asked, _ := claims["claims"].(map[string]any)
	inner, _ := asked["id_token"].(map[string]any)
	intent, _ := inner["openbanking_intent_id"].(map[string]any)
	id, _ := intent["value"].(string)
	back, err := url.Parse(redirect)
	if err != nil {
		return "", err
	}
	state, _ := claims["state"].(string)
	with := url.Values{"state": {state}}
	d.Mu.Lock()
	defer d.Mu.Unlock()
	c := d.consents[id]
	switch {
	case c == nil || c.status != awaiting && c.status != authorised:
		with.Set("error", "invalid_request")
	case !agree:
		c.status = rejected
		with.Set("error", "access_denied")
	default:
		c.status = authorised
		name := d.name("topsecret-code-")
		d.codes[name] = code{until: d.c.Now().Add(codeLife), consent: id, redirect: redirect}
		with.Set("code", name)
	}
	query := back.Query()
	for name := range with {
		query.Set(name, with.Get(name))
	}
	back.RawQuery = query.Encode()
	return back.String(), nil
}

var authorize = template.Must(template.New("").Parse(`<!doctype html><title>A bank</title><h1>Pay from your account?</h1>
<form method="post"><button name="agree" value="yes">Yes</button> <button name="agree" value="no">No</button></form>`))

func (d *Double) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = authorize.Execute(w, nil) // the customer may have gone
}

func (d *Double) decided(w http.ResponseWriter, q *http.Request) {
	to, err := d.Decide(q.URL.String(), q.FormValue("agree") == "yes")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, q, to, http.StatusSeeOther) //nolint:gosec // a bank sends its customers to where its clients say
}

// name is a new one. The caller holds Mu.
func (d *Double) name(prefix string) string {
	d.seq++
	return fmt.Sprintf("%s%d", prefix, d.seq)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }
