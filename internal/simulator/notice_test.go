package simulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/simulator"
)

// received is one notice as the merchant got it.
type received struct {
	event, status, code string
	genuine             bool
	version             string
}

// inbox is a merchant's receiver that refuses the first few notices.
type inbox struct {
	mu     sync.Mutex
	refuse int
	got    []received
	url    string
}

func newInbox(t *testing.T) *inbox {
	box := &inbox{}
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	box.url = server.URL
	return box
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var n struct {
		ID          string
		Transaction struct {
			Status, ResponseCode string
			Version              json.Number
		}
	}
	err := json.Unmarshal(body, &n)
	mac := hmac.New(sha256.New, []byte("notice-secret"))
	mac.Write([]byte(r.Header.Get("Sandbox-Timestamp") + "." + string(body)))
	genuine := r.Header.Get("Sandbox-Signature") == "v1="+hex.EncodeToString(mac.Sum(nil))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse > 0 {
		b.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if err == nil && n.ID == r.Header.Get("Sandbox-Event-Id") {
		b.got = append(b.got, received{n.ID, n.Transaction.Status, n.Transaction.ResponseCode, genuine, n.Transaction.Version.String()})
	}
}

func (b *inbox) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.got...)
}

func (b *inbox) wait(t *testing.T, n int) []received {
	t.Helper()
	eventually(t, "notices", func() bool { return len(b.all()) >= n })
	return b.all()
}

func TestNotice(t *testing.T) {
	t.Parallel()
	s, box := newSandbox(t), newInbox(t)
	s.post("/v1/payments", payment("sync", "1", "noticeUrl", box.url))
	r := s.post("/v1/payments", payment("n", "1", "noticeUrl", box.url, "card", card("4000000000000002")))
	s.decide(r.str("actionUrl"), "approve")
	got := box.wait(t, 1)
	if len(got) != 1 || got[0].status != "approved" || !got[0].genuine || !strings.HasPrefix(got[0].event, "evt_") {
		t.Errorf("got %+v; a synchronous outcome has no notice, the page's has one", got)
	}
	s.post("/control/notices", object{"reference": "n"})
	if got := box.wait(t, 2); got[1].event == got[0].event || got[1].status != "approved" {
		t.Errorf("sent again on demand: %+v", got)
	}
	if r := s.post("/control/notices", object{"reference": "nobody"}); r.status != 404 {
		t.Errorf("unknown reference: %d", r.status)
	}
}

func TestNoticeIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSandbox(t, func(cfg *simulator.Config) { cfg.NoticeBackoff = []time.Duration{time.Second, time.Minute} })
	box := newInbox(t)
	box.refuse = 2
	s.scenario(object{"match": object{}, "notice": "always"})
	s.post("/v1/payments", payment("again", "1", "noticeUrl", box.url))
	// The merchant's refusals are the only sign of when a try is over, so the
	// clock moves on until the notice has come.
	eventually(t, "the third try", func() bool {
		s.clock.advance(time.Second)
		return len(box.all()) == 1
	})
}

func TestNoticeFaults(t *testing.T) {
	t.Parallel()
	approved := received{status: "approved", code: "00", genuine: true, version: "2"}
	pending := received{status: "pending", genuine: true, version: "1"}
	cases := []struct {
		mode string
		want []received // without event ids
		same bool       // all event ids of one status are equal
	}{
		{"always", []received{pending, approved}, true},
		{"duplicate", []received{pending, pending, pending, approved, approved, approved}, true},
		{"out_of_order", []received{pending, approved, pending}, false},
		{"forged", []received{
			{status: "approved", code: "00", version: "1"}, {status: "declined", code: "05", version: "2"},
		}, true},
	}
	for _, c := range cases {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			s, box := newSandbox(t), newInbox(t)
			s.scenario(object{"match": object{}, "notice": c.mode, "asyncAfterMs": 1000})
			s.post("/v1/payments", payment("f", "1", "noticeUrl", box.url))
			first := 1
			if c.mode == "duplicate" {
				first = 3
			}
			box.wait(t, first)
			s.clock.advance(time.Second)
			box.wait(t, min(len(c.want), 2*first))
			s.clock.advance(time.Second)
			got := box.wait(t, len(c.want))
			events := map[string]bool{}
			for i := range got {
				events[got[i].event] = true
				got[i].event = ""
				if i < len(c.want) && got[i] != c.want[i] {
					t.Errorf("notice %d: %+v, want %+v", i, got[i], c.want[i])
				}
			}
			if c.same && len(events) != 2 {
				t.Errorf("%d event ids for 2 events", len(events))
			}
		})
	}
}

func TestLateAndLostNotice(t *testing.T) {
	t.Parallel()
	s, box := newSandbox(t), newInbox(t)
	s.post("/v1/payments", payment("lost", "6600.35", "noticeUrl", box.url))
	s.post("/v1/payments", payment("late", "6600.32", "noticeUrl", box.url))
	s.clock.advance(9 * time.Second)
	s.sim.Sweep()
	if got := s.byReference("late").str("status"); got != "approved" || len(box.all()) != 0 {
		t.Errorf("%s with %d notices", got, len(box.all()))
	}
	s.clock.advance(20 * time.Second)
	if got := box.wait(t, 2); len(got) != 2 {
		t.Errorf("got %+v", got)
	}
}
