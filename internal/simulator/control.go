package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Kinds of outage.
const (
	outageUnavailable = "unavailable" // everything answers 503
	outageDrop        = "drop"        // every connection is closed without an answer
)

// controlRoutes are open to everybody: this is a sandbox, it moves no money, and
// it must not face the Internet where that matters.
func (s *Simulator) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /ledger", s.showLedger)
	mux.HandleFunc("GET /ledger/summary", s.showTotals)
	mux.HandleFunc("GET /scenarios", s.listScenarios)
	mux.HandleFunc("POST /scenarios", s.addScenario)
	mux.HandleFunc("DELETE /scenarios", s.clearScenarios)
	mux.HandleFunc("DELETE /scenarios/{id}", s.deleteScenario)
	mux.HandleFunc("GET /control/outage", s.showOutage)
	mux.HandleFunc("POST /control/outage", s.setOutage)
	mux.HandleFunc("POST /control/decide", s.decidePending)
	mux.HandleFunc("POST /control/notices", s.repeatNotice)
	mux.HandleFunc("POST /control/correct", s.correctFinal)
}

func (s *Simulator) health(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	view := struct {
		Status       string   `json:"status"`
		Transactions int      `json:"transactions"`
		Entries      int      `json:"ledgerEntries"`
		LostNotices  int64    `json:"lostNotices"`
		Breaches     []string `json:"breaches,omitempty"`
	}{"ok", len(s.byID), len(s.ledger), s.lost, s.breaches}
	s.mu.Unlock()
	status := http.StatusOK
	if len(view.Breaches) > 0 {
		view.Status, status = "broken", http.StatusInternalServerError
	}
	writeJSON(w, status, view)
}

func (s *Simulator) showLedger(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	filter := Filter{Reference: query.Get("reference"), OrderID: query.Get("orderId")}
	if after := query.Get("after"); after != "" {
		seq, err := strconv.ParseInt(after, 10, 64)
		if err != nil || seq < 0 {
			badRequest("after", "a sequence number").write(w)
			return
		}
		filter.After = seq
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	lines := json.NewEncoder(w)
	for _, entry := range s.Find(filter) {
		if err := lines.Encode(entry); err != nil {
			return // the client is gone
		}
	}
}

func (s *Simulator) showTotals(w http.ResponseWriter, r *http.Request) {
	sums, ok := s.Totals(r.URL.Query().Get("reference"))
	if !ok {
		notFound("no transaction has this reference").write(w)
		return
	}
	writeJSON(w, http.StatusOK, sums)
}

func (s *Simulator) listScenarios(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Scenarios []Scenario `json:"scenarios"`
	}{s.Scenarios()})
}

// readControl decodes a control request into v, or answers why not.
func readControl(w http.ResponseWriter, r *http.Request, v any) bool {
	body, refusal := readBody(w, r)
	if refusal == nil {
		refusal = decode(body, v)
	}
	if refusal != nil {
		refusal.write(w)
		return false
	}
	return true
}

func (s *Simulator) addScenario(w http.ResponseWriter, r *http.Request) {
	var sc Scenario
	if !readControl(w, r, &sc) {
		return
	}
	scenarioID, err := s.AddScenario(sc)
	if err != nil {
		invalidField("", err.Error()).write(w)
		return
	}
	writeJSON(w, http.StatusCreated, struct {
		ID string `json:"id"`
	}{scenarioID})
}

func (s *Simulator) clearScenarios(w http.ResponseWriter, _ *http.Request) {
	s.ClearScenarios()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Simulator) deleteScenario(w http.ResponseWriter, r *http.Request) {
	if !s.DeleteScenario(r.PathValue("id")) {
		notFound("no such scenario").write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

type outageView struct {
	Mode string `json:"mode"`
}

func (s *Simulator) showOutage(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	mode := s.outage
	s.mu.Unlock()
	if mode == "" {
		mode = "off"
	}
	writeJSON(w, http.StatusOK, outageView{mode})
}

func (s *Simulator) setOutage(w http.ResponseWriter, r *http.Request) {
	var wanted outageView
	if !readControl(w, r, &wanted) {
		return
	}
	if err := s.SetOutage(wanted.Mode); err != nil {
		invalidField("mode", err.Error()).write(w)
		return
	}
	writeJSON(w, http.StatusOK, wanted)
}

// SetOutage takes the merchant's API down, or up again: "unavailable" answers
// everything with 503 before looking at it, "drop" closes every connection, and
// "off" ends the outage. Pages, ledger and controls go on.
func (s *Simulator) SetOutage(mode string) error {
	if mode != "off" && mode != outageUnavailable && mode != outageDrop {
		return fmt.Errorf("mode %.40q is not off, unavailable or drop", mode)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = mode
	if mode == "off" {
		s.outage = ""
	}
	return nil
}

// decidePending ends a pending transaction, or answers for the customer.
func (s *Simulator) decidePending(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Reference    string `json:"reference"`
		ResponseCode string `json:"responseCode"`
	}
	if !readControl(w, r, &wanted) {
		return
	}
	base := s.pageBase(r)
	view, refusal := s.decideByReference(wanted.Reference, wanted.ResponseCode, base)
	if refusal != nil {
		refusal.write(w)
		return
	}
	if err := s.journal.sync(); err != nil {
		internalError().write(w)
		return
	}
	writeJSON(w, http.StatusOK, view)
}

// repeatNotice sends a transaction's notice once more, true or spoilt.
func (s *Simulator) repeatNotice(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Reference string `json:"reference"`
		Notice    string `json:"notice"`
	}
	if !readControl(w, r, &wanted) {
		return
	}
	effect, err := Effect{Notice: wanted.Notice}.normal()
	if err != nil {
		invalidField("notice", err.Error()).write(w)
		return
	}
	if !s.renotify(wanted.Reference, effect.Notice) {
		notFound("no transaction with a noticeUrl has this reference").write(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *Simulator) renotify(reference, mode string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byReference[reference]
	if !ok || t.NoticeURL == "" {
		return false
	}
	if mode == "" {
		mode = NoticeAlways
	}
	again := *t
	again.Notice, again.NoticeDelay = mode, 0
	s.notify(&again, s.now())
	return true
}
