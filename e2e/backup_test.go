package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/store"
	"github.com/sluicepay/sluice/internal/store/storetest"
	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// TestRestoredFromABackupNothingIsChargedAgain is the drill: a backup under load, more load, a server that is killed, a restore
// elsewhere, and customers who pay once more what they could pay at the backup.
func TestRestoredFromABackupNothingIsChargedAgain(t *testing.T) {
	t.Parallel()
	each := setting.Number(t, "SLUICE_TEST_DRILL", 6)
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		s, sim, w := newLoaded(t, dir, url)
		scene := stage(t, w.client, sim, each)

		over := w.begin(t)
		await(t, "the load is under way", patience, func() bool { return w.acknowledged() >= 2*merchants })
		before := w.remembers()
		folder := takeBackup(t, s, dir)
		scene.goOn(t, w.client, sim)
		after := w.acknowledged()
		await(t, "the load has gone on after the backup", patience, func() bool { return w.acknowledged() >= after+merchants })
		s.kill()
		over()

		restored, epoch := restoreElsewhere(t, s, dir, folder, url != "")
		restored.start(t)
		for _, id := range scene.undecided {
			sim.decide(t, id)
		}
		again := newClient(restored.base, w.client.key)
		tried, charged := payAgain(t, again)
		shown, ledger, found := awaitAgreed(t, again, sim, func(shown []paid) []string {
			return append(forgotten(before, shown), scene.wrong(shown)...)
		})
		found = append(found, scene.oldNames(ledger, epoch)...)
		for i, why := range found {
			if i < 20 {
				t.Error(why)
			}
		}
		sim.healthy(t)
		t.Logf("%d payments acknowledged before the backup, %d until the kill, %d restored; %d deposits tried once more, %d of them paid then; "+
			"%d ledger entries about them, states %v, %d disagreements",
			len(before), w.acknowledged(), len(shown), tried, charged, len(ledger), tally(shown), len(found))
		restored.stop(t)
		searchSecrets(t, dir, url)
	})
}

// awaitAgreed waits until nothing is open, and until due work has asked about holds, which are not open, as well. It returns
// what there is then, and what is wrong with it after all.
func awaitAgreed(t *testing.T, c *client, sim *simulator, wrong func([]paid) []string) (shown []paid, ledger []booking, found []string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		shown = c.settle(t, leaseIsOver)
		ledger = known(sim.readLedger(t), shown)
		found = append(disagreements(shown, ledger), wrong(shown)...)
		if len(found) == 0 || time.Now().After(end) {
			return shown, ledger, found
		}
	}
}

// staged are payments whose part in the drill is written.
type staged struct {
	paid, left, captured, voided, held []string

	regretted []string // paid, as a hold, and voided
	decided   []string // open at the provider at the backup, and done before the end of the server
	undecided []string // and done after the restore

	ended map[string]string // states of those that were worked on after the backup, as the provider has them
}

// stage makes the payments: those that are paid, captured, voided, or held and voided after the backup, those whose outcome is
// open, and those that nobody touches.
func stage(t *testing.T, c *client, sim *simulator, each int) *staged {
	t.Helper()
	s := &staged{ended: map[string]string{}}
	for n := range each {
		for part, into := range map[string]*[]string{"paid": &s.paid, "left": &s.left, "captured": &s.captured, "voided": &s.voided, "held": &s.held} {
			hold := part == "captured" || part == "voided" || part == "held"
			*into = append(*into, stageOne(t, c, fmt.Sprintf("staged-%s-%d", part, n), amountOf(1000+n), hold))
		}
		key := fmt.Sprintf("staged-regretted-%d", n)
		p := c.must(t, request{method: "POST", path: payments, key: key, body: with(deposit(key, amountOf(1000+n)), "preAuth", true)}).payment
		s.regretted = append(s.regretted, p.ID)
		if open := stageOpen(t, c, sim, fmt.Sprintf("staged-open-%d", n), amountOf(1000+n)); n%2 == 0 {
			s.decided = append(s.decided, open)
		} else {
			s.undecided = append(s.undecided, open)
		}
	}
	return s
}

// stageOne makes a payment, or a hold that stands: the way to the provider is slow at times, and a hold that did not get there is
// declined.
func stageOne(t *testing.T, c *client, name, amount string, hold bool) string {
	t.Helper()
	for n := range 20 {
		key := fmt.Sprintf("%s-%d", name, n)
		p := c.must(t, request{method: "POST", path: payments, key: key, body: with(deposit(key, amount), "preAuth", hold)}).payment
		if !hold {
			return p.ID
		}
		c.must(t, request{method: "PATCH", path: pathOf(p.ID), key: key, body: browser})
		state := ""
		await(t, "it is known how the hold ended", patience, func() bool { state = c.get(t, p.ID).State; return state != "PENDING" })
		if state == "AUTHORIZED" {
			return p.ID
		}
	}
	t.Fatal("no hold stands")
	return ""
}

// stageOpen makes a deposit that the provider keeps pending until it is decided.
func stageOpen(t *testing.T, c *client, sim *simulator, name, amount string) string {
	t.Helper()
	const undecided = "4000006600230006"
	for n := range 20 {
		key := fmt.Sprintf("%s-%d", name, n)
		body := with(deposit(key, amount), "card", card(undecided, securityCode))
		p := c.must(t, request{method: "POST", path: payments, key: key, body: body}).payment
		c.must(t, request{method: "PATCH", path: pathOf(p.ID), key: key, body: browser})
		there := func() bool { return sim.pending(t, p.ID) != "" }
		await(t, "it has got to the provider or ended", patience, func() bool { return there() || c.get(t, p.ID).State != "PENDING" })
		if there() {
			return p.ID
		}
	}
	t.Fatal("nothing is open at the provider")
	return ""
}

// pending is the reference of what is pending of a payment, or empty.
func (s *simulator) pending(t *testing.T, id string) string {
	t.Helper()
	for _, b := range s.readLedger(t) {
		if b.Type == "pending" && paymentID(b.Reference) == id {
			return b.Reference
		}
	}
	return ""
}

// decide has the provider approve what is pending of a payment.
func (s *simulator) decide(t *testing.T, id string) {
	t.Helper()
	s.control(t, "/control/decide", object{"reference": s.pending(t, id), "responseCode": "00"})
}

// goOn is what happens between the backup and the end of the server: only the provider remembers it. A call that takes longer
// than its limit may not have arrived, so how it ends is waited for.
func (s *staged) goOn(t *testing.T, c *client, sim *simulator) {
	t.Helper()
	for _, id := range s.decided {
		sim.decide(t, id)
	}
	settle := func(id string) {
		await(t, "it is known how it ended", patience, func() bool { s.ended[id] = c.get(t, id).State; return s.ended[id] != "PENDING" })
	}
	for _, id := range slices.Concat(s.paid, s.regretted) {
		c.must(t, request{method: "PATCH", path: pathOf(id), key: "late-" + id, body: browser})
	}
	for _, id := range s.captured {
		c.must(t, request{method: "POST", path: pathOf(id) + "/capture", key: "late-" + id, body: object{}})
	}
	voided := slices.Clone(s.voided)
	for _, id := range s.regretted {
		if settle(id); s.ended[id] == "AUTHORIZED" {
			voided = append(voided, id)
		}
	}
	for _, id := range voided {
		c.must(t, request{method: "POST", path: pathOf(id) + "/void", key: "void-" + id})
	}
	for _, id := range slices.Concat(s.paid, s.captured, voided, s.decided) {
		settle(id)
	}
}

// wrong compares how the staged payments have ended with what was done with them.
func (s *staged) wrong(shown []paid) (found []string) {
	states := map[string]string{}
	for i := range shown {
		states[shown[i].ID] = shown[i].State
	}
	wanted := maps.Clone(s.ended)
	for _, id := range s.held {
		wanted[id] = "AUTHORIZED"
	}
	for _, id := range s.undecided {
		wanted[id] = "COMPLETED"
	}
	for _, id := range s.left { // they were tried after the restore, and such a try may not get there
		if wanted[id] = "COMPLETED"; states[id] == "DECLINED" {
			wanted[id] = "DECLINED"
		}
	}
	for id, want := range wanted {
		if states[id] != want {
			found = append(found, fmt.Sprintf("staged payment %s is %s, want %s", id, states[id], want))
		}
	}
	return found
}

// oldNames are tries of after the restore that have a name of before it. What is closed has one: no try is to have it any more.
func (s *staged) oldNames(ledger []booking, epoch string) (found []string) {
	for _, b := range ledger {
		if b.Type != "fenced" && slices.Contains(s.left, paymentID(b.Reference)) && !strings.HasPrefix(b.Reference, epoch+"-") {
			found = append(found, fmt.Sprintf("%s %s is not of the epoch %s", b.Type, b.Reference, epoch))
		}
	}
	return found
}

// remembers is what the merchant was told so far.
func (w *witness) remembers() map[string]paid {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.told)
}

// takeBackup takes one of the running server.
func takeBackup(t *testing.T, s *server, dir string) string {
	t.Helper()
	folder := filepath.Join(dir, "backup")
	args := []string{"backup", folder, "--data", s.data}
	if at := indexOf(s.args, "--database"); at >= 0 {
		args = append(args, s.args[at:at+2]...)
	}
	out, fault, code := runOnce(t, nil, args...)
	if code != 0 && strings.Contains(fault, "client programs are needed") {
		setting.Missing(t, setting.Programs, fault)
	}
	if code != 0 || !strings.Contains(out, folder) {
		t.Fatalf("backup: exit code %d, %s%s", code, out, fault)
	}
	return folder
}

// restoreElsewhere makes a server on a new data folder, and another database, that answers where the first did. It returns the
// new epoch, too.
func restoreElsewhere(t *testing.T, was *server, dir, folder string, postgres bool) (s *server, epoch string) {
	t.Helper()
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	url := ""
	if postgres {
		url = storetest.New(t, store.Postgres).Options(func(o *store.Options) { o.Migrate = false }).URL
	}
	s = newServer(t, elsewhere, url)
	s.base = was.base
	s.args[indexOf(s.args, "--listen")+1] = strings.TrimPrefix(was.base, "http://")
	args := []string{"restore", folder, "--data", s.data, "--json"}
	if postgres {
		args = append(args, "--database", url)
	}
	out, fault, code := runOnce(t, nil, args...)
	if code != 0 {
		t.Fatalf("restore: exit code %d, %s", code, fault)
	}
	var done struct {
		Epoch  string
		Asked  int
		Backup struct{ Epoch string }
	}
	if err := json.Unmarshal([]byte(out), &done); err != nil || done.Epoch == "" || done.Epoch == done.Backup.Epoch || done.Asked == 0 {
		t.Fatalf("restore says %s: %v", out, err)
	}
	return s, done.Epoch
}

// payAgain has the customers of all open checkouts pay, at the pages of before. While a provider has not told what happened after
// the backup, a page asks them to come again. It returns how many were tried and how many have paid by that.
func payAgain(t *testing.T, c *client) (tried, charged int) {
	t.Helper()
	m := &merchant{client: c}
	for _, p := range c.all(t) {
		if p.PaymentType != "DEPOSIT" || p.State != "CHECKOUT" {
			continue
		}
		tried++
		await(t, "the customer gets an answer", patience, func() bool {
			page := c.get(t, p.ID).RedirectURL
			if page == "" {
				return true // it was asked about, and has ended
			}
			err := m.payAt(t.Context(), page, "4000000000000408", "123")
			if err != nil && !errors.Is(err, errLater) {
				t.Fatal(err)
			}
			return err == nil
		})
		if c.get(t, p.ID).State == "COMPLETED" {
			charged++
		}
	}
	return tried, charged
}

// known are the entries of the ledger about payments that the restored shop has.
func known(ledger []booking, shown []paid) []booking {
	ids := map[string]bool{}
	for i := range shown {
		ids[shown[i].ID] = true
	}
	return slices.DeleteFunc(ledger, func(b booking) bool { return !ids[paymentID(b.Reference)] })
}

// forgotten says what of that which the merchant was told before the backup is not there, or is otherwise now.
func forgotten(told map[string]paid, shown []paid) (found []string) {
	now := map[string]paid{}
	for i := range shown {
		now[shown[i].ID] = shown[i]
	}
	for id, p := range told {
		q, there := now[id]
		switch {
		case !there:
			found = append(found, fmt.Sprintf("payment %s was acknowledged before the backup and is not there", id))
		case p.final() && p.State != q.State:
			found = append(found, fmt.Sprintf("payment %s was told to be %s before the backup and is %s", id, p.State, q.State))
		}
	}
	return found
}
