package przelewy24

import (
	"html/template"
	"net/http"
)

var choose = template.Must(template.New("").Parse(`<!doctype html><title>Przelewy24</title>
<h1>Przelewy24</h1>{{if .}}<form method="post"><button name="result" value="pay">Zapłać</button>
<button name="result" value="fail">Błąd płatności</button><button name="result" value="leave">Powrót</button></form>{{else}}<p>Minął czas na dokonanie transakcji</p>{{end}}`))

// page is where a customer chooses a bank and pays. What has failed or is paid cannot be paid there again.
func (d *Double) page(w http.ResponseWriter, q *http.Request) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	t := d.by(func(t *transaction) bool { return t.token == q.PathValue("token") })
	switch {
	case t == nil:
		http.NotFound(w, q)
	case t.order != 0:
		http.Redirect(w, q, t.back, http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = choose.Execute(w, d.open(t)) // the customer may have gone
	}
}

// open reports that the customer's time is not over.
func (d *Double) open(t *transaction) bool { return t.limit.IsZero() || d.c.Now().Before(t.limit) }

// chosen takes what the customer did and sends the customer back, without a word of how it ended.
func (d *Double) chosen(w http.ResponseWriter, q *http.Request) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	t := d.by(func(t *transaction) bool { return t.token == q.PathValue("token") })
	if t == nil {
		http.NotFound(w, q)
		return
	}
	if t.order == 0 && d.open(t) && q.FormValue("result") != "leave" {
		d.begin(t)
		if t.method == 0 {
			t.method = 25
		}
		d.end(t, q.FormValue("result") == "pay")
	}
	http.Redirect(w, q, t.back, http.StatusSeeOther)
}

// Choose has the customer of a session choose a bank on the page, and pay or fail there. It reports false where that cannot be.
func (d *Double) Choose(session string, pays bool) bool {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	t := d.by(func(t *transaction) bool { return t.session == session && t.order == 0 })
	if t == nil || !d.open(t) {
		return false
	}
	d.begin(t)
	if t.method == 0 {
		t.method = 25
	}
	d.end(t, pays)
	return true
}
