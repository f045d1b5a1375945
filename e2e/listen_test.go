package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// follower is a developer who runs "sluice listen".
type follower struct {
	*process
	args []string
	log  string
}

// start returns once the program has said what it does: before that, a signal would end it like any other program.
func (f *follower) start(t testing.TB) {
	t.Helper()
	starts := func() int {
		said, _ := os.ReadFile(f.log) // there is none before the first start
		return bytes.Count(said, []byte("Forwarding events of "))
	}
	before := starts()
	f.process = launch(t, f.log, f.args...)
	await(t, "sluice listen is at work", patience, func() bool { return starts() > before })
}

// stopCuts stops the program as stop does, and reports whether that took so long that it may have cut off a post, as it
// does after five seconds. The receiver may have taken such a post, and then it comes once more after the next start.
func (f *follower) stopCuts(t testing.TB) bool {
	t.Helper()
	began := time.Now()
	f.stop(t)
	return time.Since(began) > 4*time.Second
}

func TestListenForwardsEachEventOnce(t *testing.T) {
	t.Parallel()
	phase := time.Duration(setting.Number(t, "SLUICE_TEST_LISTEN_MS", 1500)) * time.Millisecond
	onEach(t, func(t *testing.T, url string) {
		dir := shortDir(t)
		sim := startSimulator(t, dir)
		s := newServer(t, dir, url)
		s.start(t)
		shop := s.newHookShop(t, sim, object{})
		dev := newReceiver(t, map[string]string{"": shop.signingKey}, nil)
		f := &follower{log: filepath.Join(dir, "listen.log"), args: []string{
			"listen", "--forward-to", dev.URL + "/hook", "--server", s.base, "--api-key", shop.key,
			"--signing-key", shop.signingKey, "--state", filepath.Join(dir, "listen.json"), "--from", "beginning",
		}}

		w := &witness{client: shop.client, told: map[string]paid{}, quiet: make(chan struct{})}
		var working sync.WaitGroup
		for n := range 4 {
			working.Go(func() { w.work(t, n) })
		}
		// Stopped as with Ctrl-C, three times, and started again.
		stops, behind, cut := 3, 0, 0
		for range stops {
			f.start(t)
			time.Sleep(phase)
			if f.stopCuts(t) {
				cut++
			}
			had := len(dev.all())
			time.Sleep(phase / 2)
			if now := len(dev.all()); now > had+cut {
				t.Errorf("%d events came after the end", now-had)
			}
			await(t, "an event that nobody listens to", patience, func() bool { return len(shop.feed(t)) > had })
			behind += len(shop.feed(t)) - had
		}
		f.start(t)
		time.Sleep(phase / 2)
		dev.close() // the developer restarts her own server
		time.Sleep(phase / 2)
		dev.open(t)
		close(w.quiet)
		working.Wait()
		for range 5 {
			everyKind(t, shop.client, fmt.Sprintf("last-%d", time.Now().UnixNano()))
		}

		feed, found, again := awaitRest(t, shop, dev)
		for i, why := range append(found, w.wrong...) {
			if i < 20 {
				t.Error(why)
			}
		}
		dev.check(t)
		if again > cut {
			t.Errorf("%d events came twice, and %d posts may have been cut off", again, cut)
		}
		if len(feed) < 50 {
			t.Errorf("%d events, %d of them while nobody listened: the test did not test", len(feed), behind)
		}
		posts := len(dev.all())

		// Killed, it may forward the one again that it was about to note.
		const kills = 3
		for n := range kills {
			everyKind(t, shop.client, fmt.Sprintf("kill-%d", n))
			f.kill()
			f.start(t)
		}
		feed, found, again = awaitRest(t, shop, dev)
		for _, why := range found {
			t.Error(why)
		}
		if again > kills {
			t.Errorf("%d events came twice after %d kills", again, kills)
		}
		dev.check(t)
		t.Logf("%d events forwarded once each over %d stops (%d waited meanwhile) and a restart of the receiver; then %d over %d kills, %d of them twice",
			posts, stops, behind, len(feed)-posts, kills, again)
		f.stop(t)
		s.stop(t)
	})
}

// awaitRest waits until everything is told and judges it. What was rolled back while its outcome was open is sent back
// some time later, and that is told, too: so a fault counts only when it stays.
func awaitRest(t *testing.T, shop hookShop, dev *receiver) (feed []toldEvent, faults []string, again int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		feed = awaitTold(t, shop.client, dev, patience)
		faults, again = deliveryFaults(feed, dev.all(), shop.all(t))
		if len(faults) == 0 || time.Now().After(end) {
			return feed, faults, again
		}
	}
}

func TestListenOutlivesTheServer(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	sim := startSimulator(t, dir)
	s := newServer(t, dir, "")
	s.start(t)
	shop := s.newHookShop(t, sim, object{})
	refused := 2 // the first two tries
	dev := newReceiver(t, map[string]string{"": shop.signingKey}, func(*hook) int {
		if refused--; refused >= 0 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	f := &follower{log: filepath.Join(dir, "listen.log"), args: []string{
		"listen", "--forward-to", dev.URL, "--server", s.base, "--api-key", shop.key, "--signing-key", shop.signingKey,
		"--state", filepath.Join(dir, "listen.json"), "--from", "beginning",
	}}
	f.start(t)
	everyKind(t, shop.client, "before")
	s.kill()
	s.start(t)
	everyKind(t, shop.client, "after")
	feed := awaitTold(t, shop.client, dev, patience)
	found, again := deliveryFaults(feed, dev.all(), shop.all(t))
	for _, why := range found {
		t.Error(why)
	}
	if len(feed) != 2*eventsOfEveryKind || again != 0 {
		t.Errorf("%d events, %d repeated", len(feed), again)
	}
	dev.check(t)
	f.stop(t)
	s.stop(t)
}
