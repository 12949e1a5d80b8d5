package commission

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/network"
	code "github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/ui/phrase"
	"github.com/penjire/penjire/ui/web"
)

// page is one within a step; "" is the step's own.
type page string

const (
	pageOwn         page = ""
	pageWiFi        page = "wifi"
	pageSSID        page = "ssid"
	pagePassword    page = "password"
	pageAPN         page = "apn"
	pagePIN         page = "pin"
	pageAPNUser     page = "apn-user"
	pageAPNPassword page = "apn-password"
	pageCode        page = "code"
	pageStick       page = "stick"
	pageHelp        page = "help"
)

// Begin takes the technician to the step at which it was left, in lang. From then on
// no citizen is served.
func (w *Wizard) Begin(lang string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rec == nil {
		w.rec = &record{Schema: recordSchema}
		w.hub.Tell(web.Change{Reload: true}) // the start page is another
	}
	w.rec.Lang, w.page, w.fault = phrase.In(lang).Lang(), pageOwn, ""
	if w.enrol != nil && w.seen.kind != enrol.Ask {
		w.rec.pass(stepNetwork) // the card said it; it can be changed
	}
	w.save()
	w.entered()
	w.changed()
	return Visit
}

// Reopen has the technician's pages come back on a kiosk that serves.
func (w *Wizard) Reopen(lang string) { w.Begin(lang) }

// Do takes one action of the technician's.
func (w *Wizard) Do(a web.Action) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rec == nil {
		return web.ErrVisitOver
	}
	switch a.Name {
	case "lang":
		w.rec.Lang = phrase.In(a.Values.Get("lang")).Lang()
		w.save()
	case "size":
		n, err := strconv.Atoi(a.Values.Get("size"))
		if err == nil && n >= 0 && n <= 2 {
			w.size = n
		}
	case "theme":
		w.theme = a.Values.Get("theme")
	case "help":
		w.under, w.page = w.page, pageHelp
	case "end":
		return web.ErrVisitOver // what is done stays: whoever comes back goes on there
	case "back":
		return w.back()
	case "serve":
		return w.serve()
	default:
		w.act(a)
	}
	w.changed()
	return nil
}

// act does what is done on one page alone; w.mu is held.
func (w *Wizard) act(a web.Action) {
	at, entry := w.at(), strings.TrimSpace(a.Values.Get("entry"))
	if w.page == pagePassword || w.page == pageAPNPassword {
		entry = a.Values.Get("entry") // spaces may belong to it
	}
	switch {
	case w.page == pageHelp:
	case a.Name == "next":
		w.next(at)
	case a.Name == "choose" && at == stepNetwork && w.page == pageOwn:
		w.chooseKind(enrol.Kind(a.Values.Get("choice")))
	case a.Name == "choose" && w.page == pageWiFi:
		w.chooseWiFi(a.Values.Get("choice"))
	case a.Name == "scan" && w.page == pageWiFi:
		w.scan()
	case a.Name == "set" && w.page == pageCode:
		w.setCode(entry)
	case a.Name == "set" && w.page != pageOwn:
		w.set(entry)
	case a.Name == "other" && (at == stepCheck || at == stepEnrol):
		w.rec.back(stepCheck)
		w.page = pageOwn
		w.save()
	case a.Name == "again" && at == stepCheck:
		w.seen.looked = false
	case a.Name == "again" && at == stepTest:
		w.test()
	case a.Name == "code" && at == stepEnrol:
		w.page, w.fault = pageCode, ""
	case a.Name == "stick" && at == stepEnrol:
		w.page, w.seen.stick = pageStick, note{}
	case a.Name == "export" && w.page == pageStick:
		w.export()
	case a.Name == "import" && w.page == pageStick:
		w.take()
	case a.Name == "report" && at == stepHardware:
		w.report()
	case a.Name == "print" && at == stepReady:
		w.print()
	}
}

// at is the step that the technician is at; w.mu is held.
func (w *Wizard) at() step { return w.rec.at(w.enrolled()) }

func (w *Wizard) enrolled() bool { return w.kiosk != nil }

// next goes on from a page that was only to be read; w.mu is held.
func (w *Wizard) next(at step) {
	w.page, w.fault = pageOwn, ""
	if at == stepEnrol || at == stepReady || at == stepNetwork && w.nets() != nil && !w.connected() {
		return // something has to be done there
	}
	w.rec.pass(at)
	w.save()
	w.entered()
}

// entered does what a step begins with; w.mu is held.
func (w *Wizard) entered() {
	switch w.at() {
	case stepCheck:
		w.seen.looked = false
	case stepTest:
		w.test()
	case stepReady:
		if w.seen.tested == nil {
			w.test()
		}
		if !w.rec.Ticket {
			w.print()
		}
	}
}

// nets is what sets up networks; nil: others see to that. w.mu is held.
func (w *Wizard) nets() Networks {
	if w.seen.nobody {
		return nil
	}
	return w.o.Networks
}

// connected reports whether the machine has a network already; w.mu is held.
func (w *Wizard) connected() bool {
	return slices.ContainsFunc(w.seen.devices, func(d network.Device) bool { return d.State == network.Connected })
}

// back goes back one page; w.mu is held.
func (w *Wizard) back() error {
	w.fault = ""
	defer w.changed()
	before := map[page]page{
		pageHelp: w.under, pageSSID: pageWiFi, pagePassword: pageWiFi, pagePIN: pageAPN, pageAPNUser: pagePIN, pageAPNPassword: pageAPNUser,
	}
	if w.page != pageOwn {
		w.page = before[w.page] // of all others the step's own
		return nil
	}
	if !w.rec.back(w.at()) {
		return web.ErrVisitOver
	}
	w.save()
	return nil
}

// serve puts the kiosk into service; w.mu is held.
func (w *Wizard) serve() error {
	if w.at() != stepReady || w.page != pageOwn {
		return nil
	}
	if err := removeRecord(w.o.Dir); err != nil {
		return err
	}
	w.rec, w.seen.ticket, w.seen.tested = nil, "", nil
	w.o.Log.Info("penjire: first", "service", true)
	w.hub.Tell(web.Change{Reload: true})
	return web.ErrVisitOver
}

// chooseKind goes on with a kind of network; w.mu is held.
func (w *Wizard) chooseKind(k enrol.Kind) {
	w.draft = enrol.Network{Kind: k}
	w.fault = ""
	switch k {
	case enrol.Ethernet, enrol.Stick:
		w.join()
	case enrol.WiFi:
		w.page = pageWiFi
		w.scan()
	case enrol.LTE:
		w.page = pageAPN
	}
}

// chooseWiFi goes on with a wireless network; "" is one whose name is typed. w.mu is
// held.
func (w *Wizard) chooseWiFi(ssid string) {
	w.draft = enrol.Network{Kind: enrol.WiFi, SSID: ssid}
	if ssid == "" {
		w.page = pageSSID
		return
	}
	i := slices.IndexFunc(w.seen.wifi, func(n network.Network) bool { return n.SSID == ssid })
	switch {
	case i < 0: // it went out of reach
	case w.seen.wifi[i].Lock == network.Unlocked:
		w.join()
	case joinable(w.seen.wifi[i].Lock):
		w.page = pagePassword
	}
}

func joinable(l network.Lock) bool {
	return l == network.Unlocked || l == network.Password || l == network.PasswordW3
}

// set takes what was typed on a page of the network; w.mu is held.
func (w *Wizard) set(entry string) {
	n := &w.draft
	if w.fault = check(w.page, entry); w.fault != "" {
		return
	}
	switch w.page {
	case pageSSID:
		n.SSID, n.Hidden, w.page = entry, true, pagePassword
	case pagePassword:
		n.Password = enrol.Hide(entry)
		w.join()
	case pageAPN:
		n.APN, w.page = entry, pagePIN
	case pagePIN:
		n.PIN, w.page = enrol.Hide(entry), pageAPNUser
	case pageAPNUser:
		n.User = entry
		if w.page = pageAPNPassword; entry == "" {
			w.join()
		}
	case pageAPNPassword:
		n.Password = enrol.Hide(entry)
		w.join()
	}
}

// check returns what is wrong with what was typed on a page, as first.fault. has it.
func check(p page, entry string) string {
	n := len(entry)
	switch {
	case !utf8.ValidString(entry) || strings.ContainsFunc(entry, func(r rune) bool { return r < ' ' }):
		return "long" // no keyboard of ours types that
	case (p == pageSSID || p == pageAPN) && n == 0:
		return "empty"
	case p == pageSSID && n > 32, n > 64:
		return "long"
	case p == pagePassword && n != 0 && (n < 8 || n > 63):
		return "password"
	case p == pagePIN && n != 0 && (n < 4 || n > 8 || strings.Trim(entry, "0123456789") != ""):
		return "pin"
	}
	return ""
}

// join makes the network of the draft the kiosk's, and goes on to the way to the
// portal; w.mu is held. While the kiosk is not enrolled the choice is durable before
// it is tried.
func (w *Wizard) join() {
	n := w.draft
	w.draft, w.page = enrol.Network{}, pageOwn
	if e := w.enrol; e != nil {
		if err := e.SetNetwork(n); err != nil {
			w.o.Log.Warn("the network that was chosen is not kept", "err", err)
			w.seen.why = network.WhyOther
			return
		}
		w.again()
	} else if nets := w.nets(); nets != nil {
		w.begin(jobJoin, func(ctx context.Context) func() {
			err := nets.Join(ctx, n)
			return func() { w.joined(err) }
		})
	}
	w.seen.kind, w.seen.why, w.seen.looked = n.Kind, "", false
	w.rec.pass(stepNetwork)
	w.save()
	w.entered()
}

// joined notes what came of a try to join; w.mu is held.
func (w *Wizard) joined(err error) {
	w.seen.why, w.seen.looked = "", false
	if err == nil {
		return
	}
	w.seen.why = network.WhyOther
	if e, ok := errors.AsType[*network.JoinError](err); ok {
		w.seen.why = e.Why
	} else if errors.Is(err, network.ErrNoDevice) {
		w.seen.why = whyDevice
	}
	w.o.Log.Warn("the network is not joined", "why", string(w.seen.why), "err", err)
}

// whyDevice says that the machine has no such network.
const whyDevice network.Why = "device"

// setCode takes a one-time code; w.mu is held.
func (w *Wizard) setCode(entry string) {
	c, err := code.ParseCode(entry)
	if err != nil {
		w.fault = "code"
		return
	}
	if w.enrol != nil {
		if err := w.enrol.SetCode(c); err != nil {
			w.o.Log.Warn("a code is not kept", "err", err)
		}
	}
	w.page, w.fault = pageOwn, ""
}
