package commission

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/hardware"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/network/networktest"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// hand is a technician at a wizard of a kiosk that is not enrolled.
type hand struct {
	*Wizard
	t   *testing.T
	dir string
	log bytes.Buffer
}

// aHand has the wizard of a fresh kiosk with that set-up's network and those networks
// around it. It has no code.
func aHand(t *testing.T, n enrol.Network, nets Networks) *hand {
	t.Helper()
	root, err := os.ReadFile("../enrol/testdata/root.pem")
	must(t, err)
	b, err := enrol.Setup{Kiosk: "K-000123", Portal: enrol.Portal{URL: "wss://127.0.0.1:1/sync", EST: "https://127.0.0.1:1"}, Roots: string(root), Network: n}.Marshal()
	must(t, err)
	h := &hand{t: t, dir: t.TempDir()}
	must(t, os.WriteFile(filepath.Join(h.dir, enrol.SetupFile), b, 0o600))
	h.open(nets)
	return h
}

func (h *hand) open(nets Networks) {
	h.t.Helper()
	log := slog.New(slog.NewTextHandler(&h.log, nil))
	e, err := enrol.Open(enrol.Options{Dir: h.dir, Board: "vm", TPM: filepath.Join(h.dir, "no-tpm"), Log: log})
	must(h.t, err)
	h.Wizard, err = Open(Options{
		Dir: h.dir, Number: "K-000123", Board: "vm", Portal: "wss://127.0.0.1:1/sync", Stick: filepath.Join(h.dir, "stick"), Networks: nets, Log: log,
		Hardware: func() (hardware.Report, error) { return hardware.Look(h.t.TempDir(), "pc") },
	})
	must(h.t, err)
	h.Enrolling(e)
}

// run has the wizard look and join until the test ends or the function that it
// returns is called.
func (h *hand) run() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
		h.Close()
	}
	h.t.Cleanup(stop)
	return stop
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *hand) do(action string, form ...string) {
	h.t.Helper()
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	if err := h.Do(web.Action{Name: action, Values: v}); err != nil {
		h.t.Fatalf("%s: %v", action, err)
	}
}

// on waits for a page of that step on which ok holds.
func (h *hand) on(step string, ok func(v *screen.FirstView) bool) *screen.FirstView {
	h.t.Helper()
	var f *screen.FirstView
	defer func() {
		if h.t.Failed() {
			h.t.Logf("the last page is %+v\n%s", f, h.log.String())
		}
	}()
	networktest.Until(h.t, step, func() bool {
		v, err := h.View()
		must(h.t, err)
		f = v.First
		must(h.t, screen.Draw(new(bytes.Buffer), v))
		return f.Step == step && ok(f)
	})
	return f
}

func says(what string) func(*screen.FirstView) bool {
	return func(f *screen.FirstView) bool {
		return slices.ContainsFunc(f.Notes, func(n screen.FirstNote) bool { return n.Say == what })
	}
}

func offers(what string) func(*screen.FirstView) bool {
	return func(f *screen.FirstView) bool {
		return slices.ContainsFunc(f.Tiles, func(t screen.FirstTile) bool { return t.Value == what })
	}
}

// A set-up of this kiosk that is still on the stick, as where the stick could not be
// written to, is said on the first page until it is gone; another kiosk's is not.
func TestSetupLeftOnStick(t *testing.T) {
	h := aHand(t, enrol.Network{}, nil)
	medium := filepath.Join(h.dir, "stick")
	must(t, os.Mkdir(medium, 0o700))
	own, err := os.ReadFile(filepath.Join(h.dir, enrol.SetupFile))
	must(t, err)
	h.run()
	h.Begin("tk")
	other := bytes.Replace(own, []byte("K-000123"), []byte("K-000124"), 1)
	must(t, os.WriteFile(filepath.Join(medium, enrol.SetupFile), other, 0o600))
	h.on("hardware", func(f *screen.FirstView) bool { return len(f.Lines) > 5 && !says("setup.left")(f) })
	if h.setupLeft() {
		t.Error("another kiosk's set-up is said to be this one's")
	}
	must(t, os.WriteFile(filepath.Join(medium, enrol.SetupFile), own, 0o600))
	h.on("hardware", says("setup.left"))
	must(t, os.Remove(filepath.Join(medium, enrol.SetupFile)))
	h.on("hardware", func(f *screen.FirstView) bool { return !says("setup.left")(f) })
}

// The technician joins a wireless network by hand: its password is asked for, kept
// with the set-up and handed to NetworkManager, and is nowhere else.
func TestWiFi(t *testing.T) {
	con := networktest.Mock(t)
	h := aHand(t, enrol.Network{}, network.On(con))
	h.run()
	h.Begin("en")
	h.on("hardware", func(f *screen.FirstView) bool { return len(f.Lines) > 5 })
	h.do("next")
	h.on("network", offers("wifi"))
	h.do("choose", "choice", "wifi")
	f := h.on("wifi", offers("Nusga"))
	if got := f.Tiles[0]; got.Say != "lock.no" || got.Value != "edara" {
		t.Errorf("the strongest is %+v, want the one that a kiosk cannot join, said so", got)
	}
	h.do("choose", "choice", "edara")
	h.on("wifi", offers("Nusga")) // nothing came of it
	h.do("choose", "choice", "nobody's")
	h.on("wifi", offers("Nusga"))
	h.do("choose", "choice", "Nusga")
	h.do("set", "entry", "short")
	if f := h.on("password", func(f *screen.FirstView) bool { return f.Field.Fault == "password" }); f.Field.Value != "" {
		t.Error("a password comes back to the page")
	}
	const secret = "gizlin açar söz "
	h.do("set", "entry", secret)
	h.on("check", func(*screen.FirstView) bool { return true })
	var all []dbus.ObjectPath
	networktest.Until(t, "the connection", func() bool {
		o := con.Object("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager/Settings")
		return o.Call("org.freedesktop.NetworkManager.Settings.ListConnections", 0).Store(&all) == nil && len(all) == 1
	})
	var s map[string]map[string]dbus.Variant
	must(t, con.Object("org.freedesktop.NetworkManager", all[0]).Call("org.freedesktop.NetworkManager.Settings.Connection.GetSettings", 0).Store(&s))
	if got, ok := s["802-11-wireless-security"]["psk"].Value().(string); ok && got != secret { // the mock may keep no secrets
		t.Errorf("joined with %q, want what was typed", got)
	}
	if n := h.enrol.Setup().Network; n.Kind != enrol.WiFi || n.SSID != "Nusga" || n.Password.Reveal() != secret {
		t.Errorf("the set-up has %v of %q", n.Kind, n.SSID)
	}
	h.on("check", func(f *screen.FirstView) bool { return !h.joining() })
	h.do("other")
	h.on("network", func(*screen.FirstView) bool { return true })
	b, err := os.ReadFile(filepath.Join(h.dir, File))
	must(t, err)
	h.Close()
	for what, s := range map[string]string{"the record": string(b), "the log": h.log.String()} {
		if strings.Contains(s, "gizlin") || strings.Contains(s, "Nusga") {
			t.Errorf("%s has the network or its password in it: %s", what, s)
		}
	}
}

func (h *hand) joining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.busy[jobJoin] > 0
}

// A cable, by the real NetworkManager: what the card says is passed, what the
// technician chooses after a power cut replaces it, and the way to a portal that is
// not there is said to be closed.
func TestCable(t *testing.T) {
	machine := networktest.Real(t)
	keyfiles, con := machine.Keyfiles, machine.Bus
	h := aHand(t, enrol.Network{}, network.On(con))
	stop := h.run()
	h.Begin("ru")
	h.do("next")
	networktest.Until(t, "the cable", func() bool {
		v, err := h.View()
		must(t, err)
		return slices.ContainsFunc(v.First.Tiles, func(t screen.FirstTile) bool { return t.Value == "ethernet" && t.Say != "no-cable" })
	})
	h.do("choose", "choice", "ethernet") // nobody at the other end gives an address
	h.on("check", says("joining"))
	stop() // the power goes
	if got := h.enrol.Setup().Network.Kind; got != enrol.Ethernet {
		t.Errorf("the set-up has the network %q, want what was chosen", got)
	}
	h.open(network.On(con))
	h.run()
	h.Begin("ru")
	h.on("check", says("joining"))
	h.do("other")
	h.on("network", offers("none"))
	h.do("choose", "choice", "none")
	h.on("check", says("check.stick"))
	networktest.Until(t, "the end of the connection", func() bool {
		files, err := os.ReadDir(keyfiles)
		return err == nil && len(files) == 0
	})
	h.do("next")
	h.on("enrol", func(*screen.FirstView) bool { return true })
}

// The record survives, is strict about what it is, and goes back without undoing an
// enrolment.
func TestRecord(t *testing.T) {
	dir := t.TempDir()
	if r, err := readRecord(dir); r != nil || err != nil {
		t.Errorf("readRecord of nothing = %v, %v", r, err)
	}
	r := &record{Schema: recordSchema, Lang: "ru"}
	for _, s := range []step{stepHardware, stepNetwork, stepCheck} {
		if got := r.at(false); got != s {
			t.Errorf("at = %s, want %s", got, s)
		}
		r.pass(s)
	}
	if got := r.at(false); got != stepEnrol {
		t.Errorf("at = %s, want enrolment", got)
	}
	if r.pass(stepTest); r.at(false) != stepEnrol {
		t.Errorf("before enrolment: %s, want enrolment whatever was passed", r.at(false))
	}
	if got := r.at(true); got != stepReady {
		t.Errorf("at = %s, want ready", got)
	}
	must(t, r.write(dir))
	again, err := readRecord(dir)
	must(t, err)
	if got := again.at(true); got != stepReady || again.Lang != "ru" {
		t.Errorf("read back: at %s in %s", got, again.Lang)
	}
	for _, want := range []step{stepTest, stepCheck, stepNetwork, stepHardware} {
		if ok := again.back(again.at(true)); !ok || again.at(true) != want {
			t.Errorf("back = %v to %s, want %s", ok, again.at(true), want)
		}
	}
	if again.back(stepHardware) {
		t.Error("there is something before the first step")
	}
	must(t, os.WriteFile(filepath.Join(dir, File), []byte(`{"schema":"penjire-first/9"}`), 0o600))
	if _, err := readRecord(dir); err == nil {
		t.Error("a record of another version is read")
	}
	w, err := Open(Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	if w.Engaged() {
		t.Error("a record that cannot be read keeps citizens away")
	}
	must(t, removeRecord(dir))
	must(t, removeRecord(dir))
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"schema":"penjire-first/1","lang":"tk","passed":["hardware","never"],"ticket":true}`))
	f.Add([]byte(`{"schema":"penjire-first/2"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			return
		}
		for range 10 { // it always comes to an end
			if !r.back(r.at(true)) {
				break
			}
		}
		if got := r.at(true); got != stepHardware {
			t.Errorf("back to the beginning is %s", got)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	})
}

// Everything that pages say has words in every language.
func TestPhrases(t *testing.T) {
	var keys []string
	for _, why := range []network.Why{
		network.WhyPassword, network.WhyNotFound, network.WhyAddress, network.WhyCable, network.WhySIM, network.WhyAPN, network.WhyTime, network.WhyOther, whyDevice,
	} {
		keys = append(keys, "first.note.why."+string(why))
	}
	for _, l := range []string{enrol.LacksCode, enrol.LacksStick, enrol.LacksPortal, enrol.LacksTrust, enrol.LacksChip, enrol.LacksRoom} {
		keys = append(keys, "first.note.lacks."+l)
	}
	for _, s := range []string{network.StepAddress, network.StepDNS, network.StepPortal, network.StepIdentity, network.StepClock} {
		keys = append(keys, "first.line."+s, "first.say."+s+".bad")
	}
	for _, s := range steps {
		keys = append(keys, "first.title."+string(s))
	}
	for _, p := range []page{pageSSID, pagePassword, pageAPN, pagePIN, pageAPNUser, pageAPNPassword, pageCode} {
		keys = append(keys, "first.title."+string(p), "first.hint."+string(p))
	}
	for _, lang := range phrase.Langs {
		for _, k := range keys {
			if !phrase.In(lang).Has(k) {
				t.Errorf("%s: there is no phrase %q", lang, k)
			}
		}
	}
}

// What a device says of itself is shown as it is: what is not known is never good.
func TestDeviceLine(t *testing.T) {
	for _, c := range []struct {
		tested printing.Tested
		state  screen.FirstState
		say    string
	}{
		{printing.Tested{Name: "reader", State: printing.Good, Words: "online"}, screen.FirstGood, ""},
		{printing.Tested{Name: "printer", State: printing.Bad, Words: "paper out, cover closed"}, screen.FirstBad, "device.paper"},
		{printing.Tested{Name: "printer", State: printing.Bad, Words: "driver not loaded"}, screen.FirstBad, "device.gone"},
		{printing.Tested{Name: "door", State: printing.Unknown, Words: "unknown"}, screen.FirstUnknown, "device.silent"},
		{printing.Tested{Name: "modem", State: printing.Unknown, Words: "not fitted"}, screen.FirstPlain, "device.unfitted"},
	} {
		if l := deviceLine(c.tested); l.State != c.state || l.Say != c.say {
			t.Errorf("%+v is shown as %q %q, want %q %q", c.tested, l.State, l.Say, c.state, c.say)
		}
	}
	if got := worst(nil); got != screen.FirstGood {
		t.Errorf("worst of nothing = %q", got)
	}
}

// Where somebody else answers for the portal, the page says so and leads nobody on.
func TestForeignPortal(t *testing.T) {
	for _, c := range []struct {
		portal, identity network.Answer
		say              string
		acts             []screen.FirstAct
	}{
		{network.Yes, network.Yes, "check.good", []screen.FirstAct{actAgain, actNext}},
		{network.No, network.NotKnown, "check.bad", []screen.FirstAct{actAgain, actNext}},
		{network.Yes, network.NotKnown, "check.bad", []screen.FirstAct{actAgain, actNext}},
		{network.Yes, network.No, "lacks.trust", []screen.FirstAct{actAgain}},
	} {
		w := &Wizard{}
		w.seen.looked = true
		w.seen.check.Steps = []network.Step{
			{Name: network.StepAddress, OK: network.Yes},
			{Name: network.StepDNS, OK: network.Yes},
			{Name: network.StepPortal, OK: c.portal},
			{Name: network.StepIdentity, OK: c.identity},
			{Name: network.StepClock},
		}
		var f screen.FirstView
		w.drawCheck(&f)
		if len(f.Notes) != 1 || f.Notes[0].Say != c.say || !slices.Equal(f.Acts, c.acts) {
			t.Errorf("portal %q, identity %q: notes %+v and acts %+v, want %q and %+v", c.portal, c.identity, f.Notes, f.Acts, c.say, c.acts)
		}
	}
}

// ticketing is a kiosk whose printing a test watches.
type ticketing struct {
	Kiosk
	print func() string // returns the outcome
}

func (ticketing) SelfTest(context.Context) []printing.Tested { return nil }
func (k ticketing) PrintTicket(context.Context, string) kiosk.TicketStatus {
	return kiosk.TicketStatus{Outcome: k.print()}
}

// A power cut while the ticket comes out brings no second one by itself; one that did
// not come out is tried anew.
func TestTicketOnce(t *testing.T) {
	for _, c := range []struct {
		outcome string
		after   bool // the next start takes it for one that may be out
	}{{kiosk.TicketPrinted, true}, {kiosk.TicketUnknown, true}, {kiosk.TicketNot, false}} {
		w, err := Open(Options{Dir: t.TempDir()})
		must(t, err)
		w.Begin("tk")
		kept := func() bool {
			t.Helper()
			r, err := readRecord(w.o.Dir)
			must(t, err)
			return r.Ticket
		}
		printed := 0
		w.kiosk = ticketing{print: func() string {
			printed++
			if !kept() {
				t.Errorf("%s: nothing says that a ticket may be out while it is printed", c.outcome)
			}
			return c.outcome
		}}
		w.mu.Lock()
		w.print()
		w.mu.Unlock()
		w.jobs.Wait()
		if printed != 1 || kept() != c.after {
			t.Errorf("%s: %d prints, kept as out: %v, want one and %v", c.outcome, printed, kept(), c.after)
		}
		w.Close()
	}
}
