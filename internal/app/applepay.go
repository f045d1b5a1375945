package app

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/shop"
	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/wallet/accounts"
	"github.com/sluicepay/sluice/internal/walletcalls"
)

// appleSessions begins the sessions of shops at Apple, and keeps what asks for them, which has connections.
type appleSessions struct {
	options outbound.Options

	mu    sync.Mutex
	shops map[shop.ID]appleMerchant
}

// appleMerchant is what asks for one shop, for as long as its account stays as it is.
type appleMerchant struct {
	id, name, gateway string
	by                accounts.Certified
	sessions          *walletcalls.Sessions
}

// longestName is how much of a merchant's name Apple shows, in characters.
const longestName = 64

// begin is a checkout.Session.
func (a *appleSessions) begin(ctx context.Context, s *shop.Shop, name, validationURL, host string) ([]byte, error) {
	asks, err := a.of(s, name)
	if err != nil {
		return nil, err
	}
	return asks.Start(ctx, validationURL, host)
}

func (a *appleSessions) of(s *shop.Shop, name string) (*walletcalls.Sessions, error) {
	keys, err := accounts.Read(s.Settings.Wallets.Keys)
	if err != nil {
		return nil, err
	}
	if letters := []rune(name); len(letters) > longestName {
		name = string(letters[:longestName])
	}
	account := s.Settings.Wallets.Apple
	by, _ := keys.IdentityAt(a.options.Now())
	wanted := appleMerchant{id: account.MerchantID, name: name, gateway: account.Gateway, by: by}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.shops[s.ID]
	if wanted.sessions = known.sessions; known.sessions != nil && known == wanted {
		return known.sessions, nil
	}
	merchant := walletcalls.Merchant{Identifier: wanted.id, DisplayName: name, Gateway: wanted.gateway}
	if by.Certificate != "" {
		if merchant.Certificate, err = walletcalls.ParseIdentity(by.Certificate, by.Key); err != nil {
			return nil, err
		}
	}
	wanted.sessions = walletcalls.NewSessions(merchant, a.options)
	a.shops[s.ID] = wanted
	return wanted.sessions, nil
}

// Where Apple looks for the file by which it verifies a domain. The second is how its pages have it now.
const (
	associationPath = "/.well-known/apple-developer-merchantid-domain-association"
	associationText = associationPath + ".txt"
)

// associationsAge is how old what is known of the files may be: anybody can ask for them, and the shops have to be read.
const associationsAge = 10 * time.Second

// associations are the files by which Apple verifies domains, as shops have them.
type associations struct {
	db  *store.DB
	now func() time.Time

	mu   sync.Mutex
	read time.Time
	all  []association // the newest shop first
}

type association struct {
	domains []string
	content string
}

// of is the file for a host: of the newest shop whose account names it, else of the newest whose account names no domain, else the
// one that there is, where all shops have the same. It is empty for none.
func (a *associations) of(ctx context.Context, host string) (string, error) {
	all, err := a.list(ctx)
	if err != nil || len(all) == 0 {
		return "", err
	}
	for _, fits := range []func(*association) bool{
		func(f *association) bool {
			return slices.ContainsFunc(f.domains, func(d string) bool { return strings.EqualFold(d, host) })
		},
		func(f *association) bool { return len(f.domains) == 0 },
	} {
		for i := range all {
			if fits(&all[i]) {
				return all[i].content, nil
			}
		}
	}
	if slices.ContainsFunc(all, func(f association) bool { return f.content != all[0].content }) {
		return "", nil
	}
	return all[0].content, nil
}

func (a *associations) list(ctx context.Context) ([]association, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := a.now(); a.read.IsZero() || now.Sub(a.read) >= associationsAge {
		var shops []shop.Shop
		err := a.db.View(ctx, func(tx *store.Tx) (err error) {
			shops, err = tx.Shops().List()
			return err
		})
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(shops, func(x, y shop.Shop) int { return y.Created.Compare(x.Created) })
		a.all, a.read = nil, now
		for i := range shops {
			if of := shops[i].Settings.Wallets.Apple; of != nil && of.Association != "" {
				a.all = append(a.all, association{of.Domains, of.Association})
			}
		}
	}
	return a.all, nil
}

// serve answers Apple, by the host that it asks.
func (a *associations) serve(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	content, err := a.of(r.Context(), host)
	switch {
	case err != nil:
		http.Error(w, "the file cannot be read now", http.StatusServiceUnavailable)
	case content == "":
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(content)) // the caller may be gone
	}
}

// mountAssociations has Apple find its files.
func (a *App) mountAssociations(mux *http.ServeMux) {
	files := &associations{db: a.c.DB, now: a.c.Now}
	mux.HandleFunc("GET "+associationPath, files.serve)
	mux.HandleFunc("GET "+associationText, files.serve)
}
