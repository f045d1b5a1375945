package walletcalls

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluicepay/sluice/internal/outbound"
	"github.com/sluicepay/sluice/internal/wallet/googlepay"
)

// Where Google publishes its root keys.
const (
	GoogleRootKeys     = "https://payments.developers.google.com/paymentmethodtoken/keys.json"
	GoogleTestRootKeys = "https://payments.developers.google.com/paymentmethodtoken/test/keys.json"
)

// How long is waited for the next list: half of what the last answer is good for, within bounds; and after a failure, twice as
// long each time.
const (
	shortestLife = 10 * time.Minute
	usualLife    = 2 * time.Hour // where the answer does not say
	longestLife  = 14 * 24 * time.Hour
	firstRetry   = 10 * time.Second
	longestRetry = 30 * time.Minute
)

// RootKeys keeps Google's root keys as they are published. What it has stays good until it gets a better list, each key until it
// expires. It is safe for concurrent use.
type RootKeys struct {
	address string
	client  *outbound.Client
	now     func() time.Time
	last    atomic.Pointer[googlepay.Roots]

	mu       sync.Mutex // one call at a time
	due      time.Time  // of the next; zero: at once
	failures int
}

// NewRootKeys returns an empty list, to be filled by Refresh from an address such as GoogleRootKeys.
func NewRootKeys(address string, client *outbound.Client, now func() time.Time) *RootKeys {
	return &RootKeys{address: address, client: client, now: now}
}

// Roots is the last good list. Before the first there is none, by which every token is refused as our own trouble (FaultRootKey).
func (k *RootKeys) Roots() googlepay.Roots {
	if r := k.last.Load(); r != nil {
		return *r
	}
	return googlepay.Roots{}
}

// Refresh fetches the list if it is due, and tells when it is due next, which is always later than now. After an error the last good
// list remains. It is for one loop that waits until then, and for whoever finds no list; called by many it makes one call.
func (k *RootKeys) Refresh(ctx context.Context) (next time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); k.due.After(now) {
		return k.due, nil
	}
	life, err := k.fetch(ctx)
	now := k.now()
	if err != nil {
		k.due = now.Add(min(firstRetry<<min(k.failures, 10), longestRetry))
		k.failures++
		return k.due, fmt.Errorf("root keys of Google Pay: %w", err)
	}
	k.due, k.failures = now.Add(life/2), 0
	return k.due, nil
}

// fetch gets a list, and tells how long the answer is good.
func (k *RootKeys) fetch(ctx context.Context) (time.Duration, error) {
	res, err := k.client.Do(ctx, &outbound.Request{Method: http.MethodGet, URL: k.address, Header: http.Header{"Accept": {"application/json"}}})
	if err != nil {
		return 0, err
	}
	if res.Status != http.StatusOK {
		return 0, fmt.Errorf("status %d", res.Status)
	}
	roots, err := googlepay.ParseRoots(res.Body)
	if err != nil {
		return 0, err
	}
	now := k.now()
	if !roots.Usable(googlepay.ECv2, now) && !roots.Usable(googlepay.ECv1, now) && !roots.Usable(googlepay.ECv2SigningOnly, now) {
		return 0, errors.New("every key in the list has expired")
	}
	k.last.Store(&roots)
	return lifeOf(res.Header), nil
}

// lifeOf is how long an answer is good by its Cache-Control (RFC 9111), less what it has rested on its way.
func lifeOf(h http.Header) time.Duration {
	life := usualLife
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return shortestLife
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = time.Duration(seconds) * time.Second
			}
		}
	}
	if age, err := strconv.ParseUint(h.Get("Age"), 10, 31); err == nil {
		life -= time.Duration(age) * time.Second
	}
	return min(max(life, shortestLife), longestLife)
}
