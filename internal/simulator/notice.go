package simulator

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/sluicepay/sluice/internal/rescue"
)

const (
	noticeWorkers = 4
	noticeQueue   = 10_000
	noticeTimeout = 10 * time.Second

	lateNotice  = 10 * time.Second       // NoticeLate without a delay of its own
	staleNotice = 200 * time.Millisecond // how long after the newer one a stale notice goes
)

// Notice behaviours that an Effect can ask for. Any of them but NoticeLost also
// sends a notice for the status that the synchronous answer already told.
const (
	NoticeAlways     = "always"       // for every status, the synchronous one included
	NoticeDuplicate  = "duplicate"    // three times, same event id
	NoticeLate       = "late"         // after NoticeDelayMs, 10 seconds by default
	NoticeOutOfOrder = "out_of_order" // the true one, then one that still says pending
	NoticeForged     = "forged"       // signed with a wrong key and telling the opposite; no true one
	NoticeLost       = "lost"         // none at all
)

// notice is one event on its way to a merchant.
type notice struct {
	url     string
	eventID string
	body    []byte
	forged  bool
	tries   int
}

type noticeView struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	CreatedAt   time.Time       `json:"createdAt"`
	Transaction transactionView `json:"transaction"`
}

func newNotifier(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: noticeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// notify queues what the merchant is to be told about the status t has now. The
// caller holds mu.
func (s *Simulator) notify(t *tx, now time.Time) {
	if t.NoticeURL == "" || t.Notice == NoticeLost || (t.Version == 1 && t.Notice == "") {
		return
	}
	v := t.view(s.pageBase(nil))
	at := now.Add(t.NoticeDelay)
	copies := 1
	switch t.Notice {
	case NoticeForged:
		opposite(&v)
	case NoticeDuplicate:
		copies = 3
	case NoticeLate:
		if t.NoticeDelay == 0 {
			at = now.Add(lateNotice)
		}
	}
	s.send(t, v, at, copies)
	if t.Notice == NoticeOutOfOrder && !t.open() {
		v.Status, v.ResponseCode, v.ResponseMessage, v.DeclineReason = statusPending, "", "", ""
		v.Version, v.UpdatedAt = t.Version-1, t.CreatedAt
		s.send(t, v, at.Add(staleNotice), 1)
	}
}

func opposite(v *transactionView) {
	if v.ResponseCode == codeApproved {
		v.Status, v.ResponseCode = statusDeclined, "05"
		return
	}
	v.Status, v.ResponseCode = statusApproved, codeApproved
}

// send makes a notice of v and queues it, several times under the same event id
// if the test wants that.
func (s *Simulator) send(t *tx, v transactionView, at time.Time, copies int) {
	serial, created := s.ids.New()
	eventID := "evt_" + serial
	body, err := json.Marshal(noticeView{ID: eventID, Type: "transaction.updated", CreatedAt: created, Transaction: v})
	if err != nil {
		s.log.Error("notice has no JSON form", "transaction", t.ID, "error", err)
		return
	}
	for range copies {
		s.sendLater(&notice{url: t.NoticeURL, eventID: eventID, body: body, forged: t.Notice == NoticeForged}, at)
	}
}

// sendLater queues a notice for its time, at once if that has come. What is
// waiting is bounded: beyond that, notices are lost, as any provider's may be.
func (s *Simulator) sendLater(n *notice, at time.Time) {
	switch {
	case !at.After(s.now()):
		s.post(n)
	case len(s.due) < 100*noticeQueue:
		s.later(dueItem{at: at, notice: n})
	default:
		s.lost++
	}
}

// post hands a notice to the workers; the caller holds mu.
func (s *Simulator) post(n *notice) {
	select {
	case s.notices <- n:
	default:
		s.lost++
		s.log.Warn("notice dropped, the queue is full", "event", n.eventID)
	}
}

func (s *Simulator) postNotices() {
	for {
		select {
		case <-s.stopped.Done():
			return
		case n := <-s.notices:
			s.survive(func() { s.try(n) })
		}
	}
}

// survive keeps a panic from ending the process that the simulator runs in.
func (s *Simulator) survive(f func()) {
	if err := rescue.Run(f); err != nil {
		s.log.Error("the simulator panicked", "error", err, "stack", rescue.Stack(err))
	}
}

// try posts a notice once and plans the next try if the merchant did not answer
// with a 2xx status.
func (s *Simulator) try(n *notice) {
	n.tries++
	if s.deliver(n) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.tries > len(s.cfg.NoticeBackoff) {
		s.lost++
		s.log.Warn("notice given up", "event", n.eventID, "tries", n.tries)
		return
	}
	s.later(dueItem{at: s.now().Add(s.cfg.NoticeBackoff[n.tries-1]), notice: n})
}

func (s *Simulator) deliver(n *notice) bool {
	req, err := http.NewRequestWithContext(s.stopped, http.MethodPost, n.url, bytes.NewReader(n.body))
	if err != nil {
		return false
	}
	secret := s.cfg.NoticeSecret
	if n.forged {
		secret = "somebody else's secret"
	}
	stamp := strconv.FormatInt(s.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "SandboxProvider/1")
	req.Header.Set("Sandbox-Event-Id", n.eventID)
	req.Header.Set("Sandbox-Timestamp", stamp)
	req.Header.Set("Sandbox-Signature", Sign(secret, stamp, n.body))
	resp, err := s.notifier.Do(req)
	if err != nil {
		s.log.Info("notice not delivered", "event", n.eventID, "error", err)
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096)) // only the status counts
	_ = resp.Body.Close()
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}

// Sign is the value of the Sandbox-Signature header: "v1=" and the lower-case
// hex HMAC-SHA256, under the notice secret, of the Sandbox-Timestamp header's
// text, a full stop and the body's bytes.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, timestamp+".") // a hash never fails
	_, _ = mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// signature is a plain HMAC-SHA256, for keys that stay inside.
func signature(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(mac, text) // a hash never fails
	return mac.Sum(nil)
}
