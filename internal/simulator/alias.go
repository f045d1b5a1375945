package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// A merchant may name its customer with a code of BLIK, by an alias. Who agrees to it in the app of the bank is known by the alias from
// then on, and later payments need no code: the app asks the customer at once. One alias may be known to the apps of several banks.

// aliasLife is how long an app remembers an alias.
const aliasLife = 90 * 24 * time.Hour

// aliasApps are the apps in which a customer can agree.
var aliasApps = []string{"mbank", "pko"}

// decisionRemember begins what the page's buttons send to agree, and goes on with the app.
const decisionRemember = "remember-"

// rememberButtons are those of a payment by a code with which an alias has come.
func rememberButtons() (all []button) {
	for _, app := range aliasApps {
		all = append(all, button{decisionRemember + app, "Confirm, pay, and remember this shop in " + nameOfBank("PAY_BY_LINK", app)})
	}
	return all
}

// agrees notes in which app the customer has agreed, and returns the decision that it is a part of. The caller holds mu.
func (t *tx) agrees(decision string) string {
	app, ok := strings.CutPrefix(decision, decisionRemember)
	if !ok || !slices.Contains(aliasApps, app) || t.Alias == "" || t.AliasApp != "" || !t.open() {
		return decision
	}
	t.Remembered = app
	return decisionApprove
}

// knownTo lists the apps that know a customer by the alias. The caller holds mu.
func (s *Simulator) knownTo(alias string, now time.Time) (apps []string) {
	for _, app := range aliasApps {
		if slices.ContainsFunc(s.byAlias[alias], func(t *tx) bool {
			return t.Remembered == app && !t.open() && t.Outcome.Code == codeApproved && now.Before(t.CreatedAt.Add(aliasLife))
		}) {
			apps = append(apps, app)
		}
	}
	return apps
}

// bookAlias asks the customer in the app that knows the alias, or reports that it was refused: no app knows it, or several do and none of
// them was named. The caller holds mu.
func (s *Simulator) bookAlias(t *tx, now time.Time) bool {
	apps := s.knownTo(t.Alias, now)
	switch {
	case len(apps) == 0 || t.AliasApp != anyApp && !slices.Contains(apps, t.AliasApp):
		s.decide(t, verdict(codeAliasUnknown), now)
		return true
	case t.AliasApp == anyApp && len(apps) > 1:
		s.decide(t, verdict(codeAliasSeveral), now)
		return true
	}
	t.planBlik()
	return false
}

// anyApp stands for the only app that there is.
const anyApp = "any"

// listAliasApps is GET /v1/blik/aliases/{alias}.
func (s *Simulator) listAliasApps(w http.ResponseWriter, r *http.Request) {
	if !s.admit(w, r) {
		return
	}
	list := []bank{}
	s.mu.Lock()
	for _, app := range s.knownTo(r.PathValue("alias"), s.now()) {
		list = append(list, *findBank("PAY_BY_LINK", app))
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, struct {
		Apps []bank `json:"apps"`
	}{list})
}
