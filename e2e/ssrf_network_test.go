package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluicepay/sluice/internal/testkit/setting"
)

// networkPlace is a network of its own, made for the test, with three ways out: its loopback, a link to the test with
// the simulator and a name server behind it, and one that everything else leaves by and nothing answers on. What is sent
// over the first and the last is counted by the kernel; on the link only connections to a port of the test's own
// address, which is a private one, are forbidden, and are counted there.
func networkPlace(t *testing.T) *place {
	t.Helper()
	if os.Getuid() != 0 {
		setting.Missing(t, setting.Root, "a network can be made by root only")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		setting.Missing(t, setting.Root, "a network cannot be made: ", err)
	}
	pid := os.Getpid()
	name, void, link := fmt.Sprintf("sluice-e2e-%d", pid), fmt.Sprintf("sluice-e2e-%d-void", pid), fmt.Sprintf("sl%d", pid)
	ours, theirs := fmt.Sprintf("10.203.%d.1", pid%256), fmt.Sprintf("10.203.%d.2", pid%256)
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		setting.Missing(t, setting.Root, "a network cannot be made: ", err, ": ", string(out))
	}
	settings := filepath.Join("/etc/netns", name)
	t.Cleanup(func() {
		for _, n := range []string{name, void} {
			_ = exec.Command("ip", "netns", "del", n).Run() // the second may not exist yet
		}
		_ = os.RemoveAll(settings)
		_ = os.Remove("/etc/netns") // if it is empty
	})
	for _, line := range []string{
		"netns add " + void,
		"link add " + link + " type veth peer name link0 netns " + name,
		"addr add " + ours + "/30 dev " + link,
		"link set " + link + " up",
		"-n " + name + " addr add " + theirs + "/30 dev link0",
		"-n " + name + " link set link0 up",
		"-n " + name + " link set lo up",
		"-n " + name + " link add out0 type veth peer name in0 netns " + void,
		"-n " + name + " link set out0 addrgenmode none",
		"-n " + name + " link set out0 arp off multicast off", // it says nothing by itself
		"-n " + void + " link set in0 arp off multicast off up",
		"-n " + name + " link set out0 up",
		"-n " + name + " addr add 198.18.77.2/32 dev out0",
		"-n " + name + " addr add fd00:203:77::2/128 dev out0 nodad",
		"-n " + name + " route add default dev out0",
		"-n " + name + " -6 route add default dev out0",
		"netns exec " + name + " true",
	} {
		// A kernel may lack IPv6 or such links, and a container the right to enter what it made.
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			setting.Missing(t, setting.Root, "a network cannot be made: ip ", line, ": ", err, ": ", string(out))
		}
	}
	if err := os.MkdirAll(settings, 0o755); err != nil {
		t.Fatal(err)
	}
	// A name that is asked for once more because the answer was late would have turned, so late means very late.
	resolver := "nameserver " + ours + "\noptions timeout:30 attempts:1\n"
	if err := os.WriteFile(filepath.Join(settings, "resolv.conf"), []byte(resolver), 0o644); err != nil {
		t.Fatal(err)
	}
	startNameServer(t, ours)
	l, err := net.Listen("tcp", ours+":0")
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	countConnections(t, l, &connections)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return &place{
		prefix: []string{"ip", "netns", "exec", name}, host: theirs, sim: ours, port: port, whole: true,
		seen: func() int64 { return connections.Load() + sentOver(t, name, "lo") + sentOver(t, name, "out0") },
	}
}

// sentOver is how many packets were sent over a link of a network.
func sentOver(t testing.TB, network, link string) int64 {
	t.Helper()
	out, err := exec.Command("ip", "-n", network, "-j", "-s", "link", "show", "dev", link).Output()
	if err != nil {
		t.Fatal(err)
	}
	var links []struct {
		Stats64 struct{ TX struct{ Packets int64 } }
	}
	if err := json.Unmarshal(out, &links); err != nil || len(links) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	return links[0].Stats64.TX.Packets
}

// launchIn is launch with something before the command.
func launchIn(t testing.TB, prefix []string, log string, args ...string) *process {
	t.Helper()
	return launchBy(t, log, prefix[0], slices.Concat(prefix[1:], []string{sluice(t)}, args)...)
}

const publicAddress = "8.8.8.8" // nothing leaves the test's networks for it

// rebind pays with webhooks at names that lead to forbidden addresses: always, through an alias, beside a public
// address, and only after they led to a public one.
func (p *place) rebind(t *testing.T, s *server, sim *simulator) {
	t.Helper()
	network := p.prefix[len(p.prefix)-1]
	var names, turning []string
	for _, a := range append(append([]string{p.sim}, forbiddenIPv4...), forbiddenIPv6...) {
		addr := netip.MustParseAddr(a)
		names = append(names, hex.EncodeToString(addr.AsSlice())+".always.test", hex.EncodeToString(addr.AsSlice())+".alias.test")
		if addr.Is4() {
			mapped := netip.AddrFrom16(addr.As16())
			names = append(names, hex.EncodeToString(mapped.AsSlice())+".always.test")
			for _, prefix := range []string{"64:ff9b::", "2002::", "2001:0:808:808::"} {
				names = append(names, hex.EncodeToString(embed(netip.MustParseAddr(prefix), addr))+".always.test")
			}
		}
	}
	for _, a := range []string{"127.0.0.1", "::1", p.sim} {
		addr := netip.MustParseAddr(a)
		turning = append(turning, hex.EncodeToString(addr.AsSlice())+".turns.test", hex.EncodeToString(addr.AsSlice())+".beside.test")
	}
	before := p.seen()
	shop := s.newHookShop(t, sim, object{})
	for _, name := range names {
		shop.pay(t, with(deposit(name, "1.00"), "webhookUrl", p.hook(name)))
	}
	reasons := p.awaitTried(t, s, shop.id, len(names), func(reasons map[string]int) bool {
		return reasons["address not allowed"] == len(names)
	})
	if n := p.seen() - before; n != 0 {
		t.Errorf("%d connections or packets to forbidden addresses by name; reasons %v", n, reasons)
	}

	// These may be tried at their public address, by which the packets leave; loopback and the test's port get none.
	forbidden := func() int64 {
		for { // both counters of one moment: packets to the public address are sent again and again
			out := sentOver(t, network, "out0")
			if all := p.seen(); sentOver(t, network, "out0") == out {
				return all - out
			}
		}
	}
	before = forbidden()
	public := sentOver(t, network, "out0")
	shop = s.newHookShop(t, sim, object{})
	for _, name := range turning {
		shop.pay(t, with(deposit(name, "1.00"), "webhookUrl", p.hook(name)))
	}
	await(t, "names that turn were tried after their turn", 2*patience, func() bool {
		out := s.command(t, "webhook", "endpoints", "--shop", shop.id)
		return strings.Count(out, "address not allowed") >= len(turning)/2
	})
	await(t, "the public address was tried", patience, func() bool { return sentOver(t, network, "out0") > public })
	time.Sleep(time.Second)
	if n := forbidden() - before; n != 0 {
		t.Errorf("%d connections or packets to forbidden addresses by names that turn", n)
	}
	public = sentOver(t, network, "out0") - public
	t.Logf("%d names that lead to forbidden addresses: %v; %d that turn to one: %d packets to the public address and 0 to the others",
		len(names), reasons, len(turning), public)
}

// embed puts an address of IP version 4 where the prefix of a way of translation wants it.
func embed(prefix, addr netip.Addr) []byte {
	b, four := prefix.As16(), addr.As4()
	at := 12
	if b[0] == 0x20 && b[1] == 0x02 {
		at = 2
	}
	copy(b[at:], four[:])
	return b[:]
}

// nameServer answers for every name. In the zones of the test the first label says which address a name has; every
// other name, numbers among them, has 127.0.0.1.
type nameServer struct {
	mu    sync.Mutex
	asked map[string]int
}

func startNameServer(t *testing.T, address string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", address+":53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	n := &nameServer{asked: map[string]int{}}
	go func() {
		query := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if reply := n.reply(query[:size]); reply != nil {
				_, _ = conn.WriteTo(reply, from) // a lost answer is asked for again
			}
		}
	}()
}

const (
	typeA, typeCNAME, typeAAAA = 1, 5, 28
)

// reply answers a query with one question, after RFC 1035.
func (n *nameServer) reply(query []byte) []byte {
	const head = 12
	var labels []string
	at := head
	for at < len(query) && query[at] != 0 {
		end := at + 1 + int(query[at])
		if end >= len(query) {
			return nil
		}
		labels = append(labels, string(query[at+1:end]))
		at = end
	}
	if at+5 > len(query) {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[at+1:])
	reply := append([]byte(nil), query[:at+5]...)
	binary.BigEndian.PutUint16(reply[2:], 0x8180)
	records := n.records(strings.ToLower(strings.Join(labels, ".")), kind)
	copy(reply[4:head], []byte{0, 1, 0, byte(len(records)), 0, 0, 0, 0})
	for _, r := range records {
		reply = append(reply, r...)
	}
	return reply
}

func (n *nameServer) records(name string, kind uint16) [][]byte {
	first, zone, _ := strings.Cut(name, ".")
	raw, err := hex.DecodeString(first)
	addr, ok := netip.AddrFromSlice(raw)
	if err != nil || !ok || !strings.HasSuffix(zone, ".test") {
		addr = netip.MustParseAddr("127.0.0.1")
	}
	public := netip.MustParseAddr(publicAddress)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[fmt.Sprint(name, kind)]++
	switch zone {
	case "turns.test":
		if n.asked[fmt.Sprint(name, kind)] == 1 {
			addr = public
		}
	case "beside.test":
		return append(record(asked, kind, public), record(asked, kind, addr)...)
	case "alias.test":
		target := append(append([]byte{byte(len(first))}, first...), "\x06always\x04test\x00"...)
		alias := entry(asked, typeCNAME, target)
		return append([][]byte{alias}, record(string(target), kind, addr)...)
	}
	return record(asked, kind, addr)
}

// record is the answer with an address, or none where the question is for the other kind.
func record(name string, kind uint16, addr netip.Addr) [][]byte {
	switch {
	case kind == typeA && addr.Is4(), kind == typeAAAA && addr.Is6():
		return [][]byte{entry(name, kind, addr.AsSlice())}
	}
	return nil
}

// asked is a reference to the name in the question.
const asked = "\xc0\x0c"

// entry is a resource record for a name, which is given as it is written in messages.
func entry(name string, kind uint16, data []byte) []byte {
	e := binary.BigEndian.AppendUint16([]byte(name), kind)
	e = binary.BigEndian.AppendUint16(e, 1)
	e = binary.BigEndian.AppendUint32(e, 0) // not to be kept
	e = binary.BigEndian.AppendUint16(e, uint16(len(data)))
	return append(e, data...)
}
