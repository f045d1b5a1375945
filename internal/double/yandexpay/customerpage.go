package yandexpay

import (
	"html/template"
	"net/http"
)

var pay = template.Must(template.New("").Parse(`<!doctype html><title>Yandex Pay</title><h1>Yandex Pay</h1>
<form method="post"><button name="result" value="pay">Оплатить</button><button name="result" value="fail">Отказ</button></form>`))

// linked is the order whose page has that address; nil for none.
func (d *Double) linked(q *http.Request) *order {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, o := range d.orders {
		if d.page(o) == d.c.URL+q.URL.Path {
			return o
		}
	}
	return nil
}

// back is where the customer of an order goes from the page.
func (o *order) back(name string) string {
	urls, _ := o.content["redirectUrls"].(map[string]any)
	return text(urls, name)
}

// shown is the page on which a customer pays.
func (d *Double) shown(w http.ResponseWriter, q *http.Request) {
	if d.linked(q) == nil {
		http.NotFound(w, q)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pay.Execute(w, nil) // the customer may have gone
}

// chosen takes what the customer did and sends the customer back. What has ended is not paid once more.
func (d *Double) chosen(w http.ResponseWriter, q *http.Request) {
	o := d.linked(q)
	if o == nil {
		http.NotFound(w, q)
		return
	}
	pays := q.FormValue("result") == "pay"
	d.Finish(o.id, pays)
	to := map[bool]string{true: "onSuccess", false: "onError"}[pays]
	http.Redirect(w, q, o.back(to), http.StatusSeeOther)
}
