package upgrade

import (
	"io"
	"net/http"
	"strings"
	"sync"
)

// post is a webhook as it came.
type post struct {
	Path   string      `json:"path"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// event names what a post tells, the same in every try.
func (p *post) event() string {
	if id := p.Header.Get("Webhook-Id"); id != "" {
		return p.Path + " " + id
	}
	id, _, _ := strings.Cut(p.Header.Get("X-Request-Id"), "_")
	return p.Path + " evt_" + id
}

// receiver takes webhooks, or refuses them: what comes below /…/down is answered 500, and 410 below /…/gone, until it has
// become willing.
type receiver struct {
	mu      sync.Mutex
	willing bool
	posts   []post
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, post{q.URL.Path, q.Header, string(body)})
	switch {
	case r.willing:
	case strings.Contains(q.URL.Path, "/down"):
		w.WriteHeader(http.StatusInternalServerError)
	case strings.Contains(q.URL.Path, "/gone"):
		w.WriteHeader(http.StatusGone)
	}
}

func (r *receiver) accept() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.willing, r.posts = true, nil
}

// told returns the posts, the last try of each event.
func (r *receiver) told() map[string]post {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := map[string]post{}
	for _, p := range r.posts {
		told[p.event()] = p
	}
	return told
}
