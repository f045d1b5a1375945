package simulator

import (
	"net/http"
	"slices"
)

// bank is one that customers can pay from.
type bank struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Country string `json:"country"`
	Status  string `json:"status"` // up or down
}

// Whether a bank can be reached.
const (
	bankUp  = "up"
	bankOut = "down"
)

// openBanks and polishBanks are lists of the two methods. Names of banks are invented but for the Polish ones, which are those
// that real lists have.
var (
	openBanks = []bank{
		{"northern", "Northern Savings", "GB", bankUp}, {"harbour", "Harbour Bank", "GB", bankUp}, {"alpina", "Banca Alpina", "IT", bankUp},
		{"rhein", "Rheinbank", "DE", bankUp}, {"asleep", "Sleeping Bank", "DE", bankOut},
	}
	polishBanks = []bank{
		{"mbank", "mBank", "PL", bankUp}, {"pko", "PKO iPKO", "PL", bankUp}, {"ing", "ING", "PL", bankUp}, {"santander", "Santander", "PL", bankUp},
		{"pekao", "Bank Pekao", "PL", bankUp}, {"millennium", "Bank Millennium", "PL", bankUp}, {"alior", "Alior Bank", "PL", bankUp},
		{"bnp", "BNP Paribas", "PL", bankUp}, {"velo", "VeloBank", "PL", bankUp}, {"citi", "Citi Handlowy", "PL", bankUp},
		{"agricole", "Credit Agricole", "PL", bankUp}, {"pocztowy", "Bank Pocztowy", "PL", bankUp}, {"plus", "Plus Bank", "PL", bankUp},
		{"cooperative", "Banki Spółdzielcze", "PL", bankUp}, {"asleep", "Sleeping Bank", "PL", bankOut},
	}
)

func banksOf(method string) []bank {
	switch method {
	case "OPEN_BANKING":
		return openBanks
	case "PAY_BY_LINK":
		return polishBanks
	}
	return nil
}

func findBank(method, id string) *bank {
	list := banksOf(method)
	if at := slices.IndexFunc(list, func(b bank) bool { return b.ID == id }); at >= 0 {
		return &list[at]
	}
	return nil
}

func nameOfBank(method, id string) string {
	if b := findBank(method, id); b != nil {
		return b.Name
	}
	return ""
}

// bankFault is why a bank that was named cannot be paid from; empty where it can, or none was named.
func bankFault(method, id string) string {
	if id == "" {
		return ""
	}
	switch b := findBank(method, id); {
	case b == nil:
		return codeBankUnknown
	case b.Status != bankUp:
		return codeBankDown
	}
	return ""
}

// listBanks is GET /v1/banks?method=.
func (s *Simulator) listBanks(w http.ResponseWriter, r *http.Request) {
	if !s.admit(w, r) {
		return
	}
	method := r.URL.Query().Get("method")
	list := banksOf(method)
	if list == nil {
		invalidField("method", "OPEN_BANKING or PAY_BY_LINK").write(w)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Banks []bank `json:"banks"`
	}{list})
}
