package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/address"
)

// The tests in this file point webhooks at addresses that no merchant may reach through us: written in every way that
// some program takes for an address, and behind names whose server changes its mind. What is refused when the payment
// is created must be refused; nothing at all may be sent.

// forbiddenIPv4 has one address of each network that is not the public internet's.
var forbiddenIPv4 = []string{
	"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1",
	"169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.170", "198.18.0.1", "192.0.2.1", "198.51.100.7",
	"203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1",
}

var forbiddenIPv6 = []string{
	"::1", "::", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "100::1", "2001:db8::1",
	"2001::1", "2001:10::1", "3fff::1", "5f00::1", "4000::1", "64:ff9b:1::1",
}

// openedNetworks holds all of the addresses above for which an operator can open his server.
const openedNetworks = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,192.0.0.0/24,198.18.0.0/15,192.0.2.0/24," +
	"198.51.100.0/24,203.0.113.0/24,240.0.0.0/4,192.88.99.0/24,::/3,2001::/16,2002::/16,3fff::/16,4000::/2,fc00::/7,fec0::/10"

// neverOpenedIPv4 and neverOpenedIPv6 have those for which he cannot.
var (
	neverOpenedIPv4 = []string{
		"0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "224.0.0.1",
		"255.255.255.255",
	}
	neverOpenedIPv6 = []string{"::", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42", "fe80::1", "fe80::a9fe:a9fe", "ff02::1"}
)

// spellings returns hosts, as they stand in an address, that mean one of the addresses to somebody.
func spellings(ipv4, ipv6 []string) []string {
	var all []string
	for _, text := range ipv4 {
		all = append(all, spellIPv4(netip.MustParseAddr(text))...)
		all = append(all, embedIPv4(netip.MustParseAddr(text))...)
	}
	for _, text := range ipv6 {
		all = append(all, spellIPv6(netip.MustParseAddr(text))...)
	}
	return all
}

func spellIPv4(a netip.Addr) []string {
	b, d := a.As4(), a.String()
	n := binary.BigEndian.Uint32(b[:])
	low16, low24 := n&0xffff, n&0xffffff
	spelt := func(digits string, dot string) string { // with other digits than 0 to 9, or another dot
		out := d
		if digits != "" {
			of := []rune(digits)
			out = strings.Map(func(r rune) rune {
				if r == '.' {
					return r
				}
				return of[r-'0']
			}, d)
		}
		return strings.ReplaceAll(out, ".", dot)
	}
	each := func(format string) string { return fmt.Sprintf(format, b[0], b[1], b[2], b[3]) }
	return []string{
		d, d + ".", d + "..", fmt.Sprint(n), fmt.Sprintf("%d.", n), fmt.Sprintf("0x%x", n), fmt.Sprintf("0X%08X", n),
		fmt.Sprintf("0x%016x", n), fmt.Sprintf("0%o", n), fmt.Sprintf("%016o", n),
		each("0%o.0%o.0%o.0%o"), each("%04o.%04o.%04o.%04o"), each("0x%x.0x%x.0x%x.0x%x"), each("0X%02X.0X%02X.0X%02X.0X%02X"),
		each("0x%x.%d.%d.%d"), each("%d.0%o.0x%x.%d"), each("%d.%d.%d.0x%x"), each("%03d.%03d.%03d.%03d"),
		fmt.Sprintf("%d.%d.%d", b[0], b[1], low16), fmt.Sprintf("%d.%d", b[0], low24), fmt.Sprintf("0x%x.0x%x", b[0], low24),
		fmt.Sprintf("0%o.%d", b[0], low24), fmt.Sprintf("0x%x.0%o.0x%x", b[0], b[1], low16),
		fmt.Sprint(uint64(n) + 1<<32), fmt.Sprintf("0x1%08x", n), each("%d.%d.%d.%d.0"), fmt.Sprintf("%d.%d.%d.%d", int(b[0])+256, b[1], b[2], b[3]),
		spelt("０１２３４５６７８９", "."), spelt("⓪①②③④⑤⑥⑦⑧⑨", "."), spelt("٠١٢٣٤٥٦٧٨٩", "."), spelt("𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "."),
		spelt("⁰¹²³⁴⁵⁶⁷⁸⁹", "."), spelt("", "。"), spelt("", "．"), spelt("", "｡"), spelt("", "\u200b."), spelt("", "%2e"),
		"%3" + d[:1] + d[1:], "shop.example@" + d, "shop.example:443@" + d, d + "@" + d, ":@" + d, `shop.example\@` + d, d + `\.shop.example`,
		d + "%00.shop.example", d + " ", "\t" + d, d + "\n", "/" + d, "\\" + d, d + "%23@shop.example", "[" + d + "]", "<" + d + ">",
	}
}

// embedIPv4 returns addresses of IP version 6 that lead to the address, by one way of translation or another.
func embedIPv4(a netip.Addr) []string {
	b, d := a.As4(), a.String()
	hi, lo := binary.BigEndian.Uint16(b[:2]), binary.BigEndian.Uint16(b[2:])
	hex := fmt.Sprintf("%x:%x", hi, lo)
	return []string{
		"[::ffff:" + d + "]", "[::ffff:" + hex + "]", "[::FFFF:" + strings.ToUpper(hex) + "]", "[0:0:0:0:0:ffff:" + d + "]",
		"[0000:0000:0000:0000:0000:ffff:" + fmt.Sprintf("%04x:%04x", hi, lo) + "]", "[::ffff:" + d + "%25eth0]", "[::" + d + "]",
		"[::ffff:0:" + d + "]", "[64:ff9b::" + d + "]", "[64:ff9b::" + hex + "]", "[64:ff9b:1::" + hex + "]",
		"[2002:" + hex + "::]", "[2002:" + hex + "::1]", fmt.Sprintf("[2001:0:808:808:0:0:%x:%x]", ^hi, ^lo), "[2001:0:" + hex + "::1]",
	}
}

func spellIPv6(a netip.Addr) []string {
	long := a.StringExpanded()
	b := a.As16()
	words := make([]string, 8)
	for i := range words {
		words[i] = fmt.Sprintf("%x", binary.BigEndian.Uint16(b[2*i:]))
	}
	return []string{
		"[" + a.String() + "]", "[" + long + "]", "[" + strings.ToUpper(long) + "]", "[" + strings.Join(words, ":") + "]",
		"[" + a.String() + "%25eth0]", "[" + a.String() + "%251]", "[" + a.String() + "%eth0]", a.String(), "[" + a.String(),
		"[" + a.String() + "].", "shop.example@[" + a.String() + "]", "%5b" + a.String() + "%5d", "[[" + a.String() + "]]",
		"[" + a.String() + "]shop.example", "[v6." + a.String() + "]",
	}
}

// place is where a server of these tests runs, and what can be seen there of what it sends.
type place struct {
	prefix []string // of a command that is to run there
	host   string   // the server's address
	sim    string   // the simulator's
	port   string   // that webhooks are for
	whole  bool     // whether all that is sent can be seen, and names are resolved by a name server of the test
	seen   func() int64
}

// hostPlace is this machine, where only connections to its own loopback addresses can be seen.
func hostPlace(t *testing.T) *place {
	t.Helper()
	var seen atomic.Int64
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(first.Addr().String())
	listeners := []net.Listener{first}
	if l, err := net.Listen("tcp", "[::1]:"+port); err == nil {
		listeners = append(listeners, l)
	}
	for _, l := range listeners {
		countConnections(t, l, &seen)
	}
	return &place{host: "127.0.0.1", sim: "127.0.0.1", port: port, seen: seen.Load}
}

func countConnections(t *testing.T, l net.Listener, n *atomic.Int64) {
	t.Helper()
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			_ = conn.Close()
		}
	}()
}

func (p *place) hook(host string) string { return "http://" + host + ":" + p.port + "/hook" }

func TestForbiddenAddressesGetNothing(t *testing.T) {
	t.Parallel()
	t.Run("on this machine", func(t *testing.T) {
		t.Parallel()
		forbiddenAddresses(t, hostPlace(t))
	})
	t.Run("in a network of its own", func(t *testing.T) {
		t.Parallel()
		forbiddenAddresses(t, networkPlace(t))
	})
}

func forbiddenAddresses(t *testing.T, p *place) {
	dir := shortDir(t)
	sim := p.startSimulator(t, dir)
	s := p.newServer(t, dir)
	guarded := s.args
	s.args = append(slices.Clone(guarded), "--private-webhooks="+openedNetworks)
	p.start(t, s)
	shop := s.newHookShop(t, sim, object{"webhookOnAuthorized": false})
	// What can be seen is seen: without the guard something comes to a forbidden address.
	before := p.seen()
	shop.pay(t, with(deposit("control", "1.00"), "webhookUrl", p.hook("127.0.0.1")))
	await(t, "the unguarded webhook is seen", patience, func() bool { return p.seen() > before })
	if out := s.command(t, "webhook", "endpoints", "--shop", shop.id); !strings.Contains(out, p.hook("127.0.0.1")) {
		t.Errorf("no endpoint of the control:\n%s", out)
	}

	// Holds whose end will be told to a forbidden address, made while that is allowed.
	all := spellings(forbiddenIPv4, forbiddenIPv6)
	shop = s.newHookShop(t, sim, object{"webhookOnAuthorized": false})
	held, addresses := p.hold(t, shop.client, all)
	s.stop(t)
	s.args = guarded
	p.start(t, s)

	before = p.seen()
	refused := p.refuseAll(t, shop.client, all)
	inBatches(held, func(id string) {
		shop.must(t, request{method: "POST", path: pathOf(id) + "/void"})
	})
	// A shop's own address is the operator's setting; it is judged at dial like all.
	lax := s.newHookShop(t, sim, object{"webhookUrl": p.hook("localhost")})
	lax.pay(t, deposit("by setting", "1.00"))
	for _, name := range []string{"LOCALHOST", "localhost.", "127.0.0.1.nip.io", "ip6-localhost", "shop.localhost"} {
		if name == "localhost." || name == "LOCALHOST" || p.whole {
			lax.pay(t, with(deposit(name, "1.00"), "webhookUrl", p.hook(name)))
		}
	}
	dialled := p.awaitTried(t, s, shop.id, addresses, allKnown)
	byName := p.awaitTried(t, s, lax.id, 1, allKnown)
	if n := p.seen() - before; n != 0 {
		t.Errorf("%d connections or packets to forbidden addresses", n)
	}
	if len(all) < 500 || refused < 500 || len(held) < 50 || addresses < len(held)*2/3 {
		t.Errorf("%d spellings, %d refused, %d held for %d addresses: the test did not test", len(all), refused, len(held), addresses)
	}
	t.Logf("%d spellings: %d refused at create naming webhookUrl; %d held before, all of their %d addresses dialled: %v; names: %v; seen at forbidden addresses: 0",
		len(all), refused, len(held), addresses, dialled, byName)
	if p.whole {
		p.rebind(t, s, sim)
	}
	s.stop(t)
	s = p.newServer(t, shortDir(t)) // nothing is left there that is tried again
	guarded = s.args
	for _, flag := range []string{"--demo", "--private-webhooks", "--private-webhooks=" + openedNetworks} {
		s.args = append(slices.Clone(guarded), flag)
		p.start(t, s)
		p.opened(t, s, sim)
		s.stop(t)
	}
	s.args = append(slices.Clone(guarded), "--private-webhooks=10.77.0.0/16")
	p.start(t, s)
	p.closed(t, s, sim)
	s.stop(t)
}

// opened pays with webhooks at a server that is open for loopback, and at those that no server is ever open for.
func (p *place) opened(t *testing.T, s *server, sim *simulator) {
	t.Helper()
	flag := s.args[len(s.args)-1]
	before := p.seen()
	shop := s.newHookShop(t, sim, object{"webhookUrl": p.hook("localhost")})
	shop.pay(t, deposit("by name", "1.00"))
	await(t, "the webhook to loopback is seen", patience, func() bool { return p.seen() > before })

	shop = s.newHookShop(t, sim, object{})
	hosts := spellings(neverOpenedIPv4, neverOpenedIPv6)
	if flag == "--demo" {
		hosts = append(hosts, spellings([]string{"10.0.0.1", "192.168.1.1", "100.64.0.1"}, []string{"fd12::1"})...)
	}
	if refused := p.refuseAll(t, shop.client, hosts); refused != len(hosts) {
		t.Errorf("%s: %d of %d spellings are refused", flag, refused, len(hosts))
	}
	if !p.whole {
		return
	}
	out := sentOver(t, p.prefix[len(p.prefix)-1], "out0")
	var names []string
	for _, a := range append(slices.Clone(neverOpenedIPv4), neverOpenedIPv6...) {
		names = append(names, hex.EncodeToString(netip.MustParseAddr(a).AsSlice())+".always.test", hex.EncodeToString(netip.MustParseAddr(a).AsSlice())+".alias.test")
	}
	for _, name := range names {
		shop.pay(t, with(deposit(name, "1.00"), "webhookUrl", p.hook(name)))
	}
	reasons := p.awaitTried(t, s, shop.id, len(names), func(reasons map[string]int) bool {
		return reasons["address not allowed"] == len(names)
	})
	if n := sentOver(t, p.prefix[len(p.prefix)-1], "out0") - out; n != 0 {
		t.Errorf("%s: %d packets by names that lead to what nothing is sent to; reasons %v", flag, n, reasons)
	}
}

// closed pays with webhooks at loopback, which is not in the network that the server is open for.
func (p *place) closed(t *testing.T, s *server, sim *simulator) {
	t.Helper()
	before := p.seen()
	shop := s.newHookShop(t, sim, object{"webhookUrl": p.hook("localhost")})
	shop.pay(t, deposit("by setting", "1.00"))
	if hosts := spellings([]string{"127.0.0.1", "10.78.0.1", "169.254.169.254"}, []string{"::1"}); p.refuseAll(t, shop.client, hosts) != len(hosts) {
		t.Error("a network that is open opens others")
	}
	if reasons := p.awaitTried(t, s, shop.id, 1, allKnown); reasons["address not allowed"] != 1 {
		t.Errorf("reasons %v", reasons)
	}
	if n := p.seen() - before; n != 0 {
		t.Errorf("%d connections or packets to an address that is not in the list", n)
	}
}

// inBatches calls f for each of the list, eight at a time.
func inBatches[T any](list []T, f func(T)) {
	var working sync.WaitGroup
	queue := make(chan T)
	for range 8 {
		working.Go(func() {
			for v := range queue {
				f(v)
			}
		})
	}
	for _, v := range list {
		queue <- v
	}
	close(queue)
	working.Wait()
}

// hold authorises a payment for each spelling that is an address in form, and returns how many addresses they are: other
// digits and dots are read as those of ASCII. Spellings for which a resolver would be asked are left out where it is not
// ours.
func (p *place) hold(t *testing.T, c *client, hosts []string) (held []string, addresses int) {
	t.Helper()
	var mu sync.Mutex
	used := map[string]bool{}
	inBatches(hosts, func(host string) {
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil && !p.whole {
			return
		}
		body := with(with(deposit("", "1.00"), "preAuth", true), "webhookUrl", p.hook(host))
		r, err := c.do(t.Context(), request{method: "POST", path: payments, body: body})
		if err != nil || r.status == 400 {
			return // not even in form
		}
		r, err = c.do(t.Context(), request{method: "PATCH", path: pathOf(r.payment.ID), body: browser})
		if err != nil || r.payment.State != "AUTHORIZED" {
			t.Errorf("%s: %v %v", host, r, err)
			return
		}
		read, err := address.Hook(p.hook(host))
		if err != nil {
			t.Errorf("%s: taken, though %v", host, err)
		}
		mu.Lock()
		defer mu.Unlock()
		held = append(held, r.payment.ID)
		used[read.Text] = true
	})
	return held, len(used)
}

// refuseAll creates a payment for each spelling, which must be refused, and returns how many were.
func (p *place) refuseAll(t *testing.T, c *client, hosts []string) int {
	t.Helper()
	var refused atomic.Int64
	inBatches(hosts, func(host string) {
		r, err := c.do(t.Context(), request{method: "POST", path: payments, body: with(deposit("", "1.00"), "webhookUrl", p.hook(host))})
		if err != nil {
			t.Errorf("%q: %v", host, err)
			return
		}
		var fault struct{ Errors []struct{ Field string } }
		if r.status != 400 || json.Unmarshal(r.body, &fault) != nil || len(fault.Errors) != 1 || fault.Errors[0].Field != "webhookUrl" {
			t.Errorf("%q: %s", host, r)
			return
		}
		refused.Add(1)
	})
	return int(refused.Load())
}

// awaitTried waits until each endpoint of the shop was tried and fine says that the reasons why it failed are as they have
// to be, and returns how often each was given. Where the name server was too slow for one try, the next has another.
func (p *place) awaitTried(t *testing.T, s *server, shop string, least int, fine func(map[string]int) bool) map[string]int {
	t.Helper()
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(20 * time.Millisecond) {
		reasons, all := tried(s.command(t, "webhook", "endpoints", "--shop", shop, "--json"), least)
		if all && fine(reasons) {
			return reasons
		}
		if time.Now().After(deadline) {
			t.Errorf("every endpoint was tried: %t; reasons %v", all, reasons)
			return reasons
		}
	}
}

// tried reads from a list of endpoints why each failed last, and whether all were tried.
func tried(list string, least int) (reasons map[string]int, all bool) {
	lines := strings.Split(strings.TrimSpace(list), "\n")
	if len(lines) < least {
		return nil, false
	}
	reasons = map[string]int{}
	for _, line := range lines {
		var endpoint struct{ LastError string }
		if err := json.Unmarshal([]byte(line), &endpoint); err != nil || endpoint.LastError == "" {
			return nil, false
		}
		reasons[reasonOf(endpoint.LastError)]++
	}
	return reasons, true
}

// allKnown: each reason is one of those that are meant.
func allKnown(reasons map[string]int) bool {
	for reason := range reasons {
		if strings.HasPrefix(reason, "other") {
			return false
		}
	}
	return true
}

// reasonOf is why a try failed, in few words.
func reasonOf(fault string) string {
	switch {
	case strings.Contains(fault, "address not allowed"):
		return "address not allowed"
	case strings.Contains(fault, "lookup"), strings.Contains(fault, "no such host"):
		return "no such name"
	case strings.Contains(fault, "malformed"), strings.Contains(fault, "user name"), strings.Contains(fault, "no host"):
		return "not an address"
	}
	return "other: " + fault
}

// startSimulator and the two below do what those of the same names elsewhere do, in the place.
func (p *place) startSimulator(t *testing.T, dir string) *simulator {
	t.Helper()
	if p.prefix == nil {
		return startSimulator(t, dir)
	}
	s := &simulator{ledger: dir + "/ledger.ndjson", log: dir + "/simulator.log"}
	s.process = launch(t, s.log, "simulator", "--listen", p.sim+":0", "--ledger", s.ledger, "--api-key", "sandbox_e2e_0123456789",
		"--ready-file", dir+"/simulator.json")
	s.awaitReady(t, dir+"/simulator.json", s.log, s)
	return s
}

func (p *place) newServer(t *testing.T, dir string) *server {
	t.Helper()
	s := newServer(t, dir, "")
	if p.prefix != nil {
		s.base = "http://" + p.host + ":8080"
		s.args[indexOf(s.args, "--listen")+1] = p.host + ":8080"
	}
	return s
}

func (p *place) start(t *testing.T, s *server) {
	t.Helper()
	if p.prefix == nil {
		s.start(t)
		return
	}
	_ = os.Remove(s.ready)
	s.process = launchIn(t, p.prefix, s.log, s.args...)
	s.awaitReady(t, s.ready, s.log, &s.facts)
}
