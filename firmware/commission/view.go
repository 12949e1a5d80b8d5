package commission

import (
	"cmp"
	"slices"
	"strings"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/network"
	code "github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// View returns the technician's page.
func (w *Wizard) View() (screen.View, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rec == nil {
		return screen.View{}, web.ErrVisitOver
	}
	at := w.at()
	f := &screen.FirstView{Step: string(at), No: slices.Index(steps, at) + 1, Of: len(steps), Foot: join(" · ", w.o.Number, w.o.Board)}
	v := screen.View{Screen: screen.FirstList, Lang: w.rec.Lang, Visit: Visit, Back: true, Size: w.size, Theme: w.theme, First: f}
	if w.page != pageOwn {
		f.Step = string(w.page)
		v.Screen = w.drawPage(f)
		return v, nil
	}
	switch at {
	case stepHardware:
		w.drawHardware(f)
	case stepNetwork:
		v.Screen = w.drawNetwork(f)
	case stepCheck:
		w.drawCheck(f)
	case stepEnrol:
		w.drawEnrol(f)
	case stepTest:
		w.drawTest(f)
	case stepReady:
		w.drawReady(f)
	}
	return v, nil
}

// Start returns the page on which the technician chooses a language.
func (w *Wizard) Start() screen.View {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := screen.View{Screen: screen.Start, Start: &screen.StartView{Notice: "notice.first", Developer: w.o.Developer}}
	v.Devices = screen.Devices{Printer: screen.Unknown, Reader: screen.Unknown, Net: screen.Unknown, Clock: screen.Unknown}
	if w.rec != nil {
		v.Lang = w.rec.Lang
	}
	return v
}

func join(with string, all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), with)
}

var (
	actNext  = screen.FirstAct{Do: "next", Icon: "arrow-right"}
	actAgain = screen.FirstAct{Do: "again", Icon: "return", Ghost: true}
	actOther = screen.FirstAct{Do: "other", Icon: "net-up", Ghost: true}
	actSet   = screen.FirstAct{Do: "set", Icon: "arrow-right"}
	actCode  = screen.FirstAct{Do: "code", Icon: "pen"}
	actStick = screen.FirstAct{Do: "stick", Icon: "tray", Ghost: true}
)

// drawPage draws a page within a step.
func (w *Wizard) drawPage(f *screen.FirstView) screen.Name {
	switch w.page {
	case pageHelp:
		w.drawHelp(f)
		return screen.FirstList
	case pageStick:
		w.drawStick(f)
		return screen.FirstList
	case pageWiFi:
		w.drawWiFi(f)
		return screen.FirstChoose
	}
	f.Field = screen.FirstEntry{Keys: "pass", Max: 64, Fault: w.fault, Optional: w.page == pagePIN || w.page == pageAPNUser || w.page == pageAPNPassword}
	switch w.page {
	case pageSSID:
		f.Field.Max = 32
	case pagePassword:
		f.Field.Max = 63
	case pagePIN:
		f.Field.Keys, f.Field.Max = "num", 8
	case pageCode:
		f.Field.Keys, f.Field.Max = "code", 24
	}
	f.Acts = []screen.FirstAct{actSet}
	return screen.FirstField
}

// drawNetwork offers the ways out that the machine has.
func (w *Wizard) drawNetwork(f *screen.FirstView) screen.Name {
	if w.nets() == nil {
		f.Notes = []screen.FirstNote{{Say: "network.others"}}
		f.Acts = []screen.FirstAct{actNext}
		return screen.FirstList
	}
	w.noteJoin(f)
	if w.seen.devices == nil {
		f.Waits, f.Notes = true, append(f.Notes, screen.FirstNote{Say: "looking"})
	}
	if w.connected() {
		f.Acts = []screen.FirstAct{actNext}
	}
	chosen := false
	for _, d := range w.seen.devices {
		if slices.ContainsFunc(f.Tiles, func(t screen.FirstTile) bool { return t.Value == string(d.Kind) }) {
			continue // the first of a kind is the best of it
		}
		t := screen.FirstTile{Value: string(d.Kind), Icon: cmp.Or(netIcons[d.Kind], "net-up"), Name: string(d.Kind), Say: "there"}
		switch {
		case d.State == network.Connected:
			t.Say = "connected"
		case d.Kind == enrol.Ethernet && d.Cable:
			t.Say = "cable"
		case d.Kind == enrol.Ethernet:
			t.Say = "no-cable"
		case d.State == network.Unavailable:
			t.Say = "unavailable"
		}
		t.First = !chosen && (t.Say == "connected" || t.Say == "cable")
		chosen = chosen || t.First
		f.Tiles = append(f.Tiles, t)
	}
	f.Tiles = append(f.Tiles, screen.FirstTile{Value: string(enrol.Stick), Icon: "tray", Name: "none", Say: "none"})
	return screen.FirstChoose
}

// netIcons are of the kinds of networks that have one of their own.
var netIcons = map[enrol.Kind]string{enrol.Ethernet: "cable", enrol.LTE: "bars"}

// noteJoin says what became of joining the network.
func (w *Wizard) noteJoin(f *screen.FirstView) {
	switch {
	case w.seen.why != "":
		say := "why." + string(w.seen.why)
		f.Notes = append(f.Notes, screen.FirstNote{Kind: "bad", Say: say})
	case w.busy[jobJoin] > 0 && w.seen.kind != enrol.Ask:
		f.Waits, f.Notes = true, append(f.Notes, screen.FirstNote{Say: "joining"})
	}
}

// mostWiFi is how many wireless networks a page offers: the weakest are of no use.
const mostWiFi = 12

func (w *Wizard) drawWiFi(f *screen.FirstView) {
	f.Acts = []screen.FirstAct{{Do: "scan", Icon: "search", Ghost: true}}
	switch {
	case w.seen.wifi == nil:
		f.Waits, f.Notes = true, []screen.FirstNote{{Say: "looking"}}
	case len(w.seen.wifi) == 0:
		f.Notes = []screen.FirstNote{{Kind: "warn", Say: "wifi.none"}}
	}
	for _, n := range w.seen.wifi[:min(mostWiFi, len(w.seen.wifi))] {
		t := screen.FirstTile{Value: n.SSID, Plain: n.SSID, Icon: "lock", Say: "lock.password", Args: []any{n.Strength}}
		if n.Lock == network.Unlocked {
			t.Icon, t.Say = "net-up", "lock.open"
		} else if !joinable(n.Lock) {
			t.Icon, t.Say = "no", "lock.no"
		}
		f.Tiles = append(f.Tiles, t)
	}
	f.Tiles = append(f.Tiles, screen.FirstTile{Icon: "pen", Name: "hidden", Say: "hidden"})
}

var answers = map[network.Answer]screen.FirstState{network.Yes: screen.FirstGood, network.No: screen.FirstBad, network.NotKnown: screen.FirstUnknown}

// drawCheck says whether the network leads to the portal.
func (w *Wizard) drawCheck(f *screen.FirstView) {
	f.Acts = []screen.FirstAct{actOther, actNext}
	if w.nets() == nil {
		f.Acts = []screen.FirstAct{actAgain, actNext}
	}
	if w.seen.kind == enrol.Stick {
		f.Notes = []screen.FirstNote{{Say: "check.stick"}}
		return
	}
	w.noteJoin(f)
	good, asked := w.seen.looked, true
	for _, s := range w.seen.check.Steps {
		l := screen.FirstLine{Name: s.Name, Text: s.Say, State: answers[s.OK]}
		switch {
		case !w.seen.looked, s.OK == network.NotKnown && !asked:
			l.Text, l.State = "", screen.FirstTodo
		case s.OK == network.No:
			l.Say = s.Name + ".bad"
		}
		// A clock that is off goes right by itself, and what stops the way stops all after it.
		if s.OK != network.Yes && s.Name != network.StepClock && (s.Name != network.StepAddress || s.OK == network.No) {
			good, asked = false, false
		}
		f.Lines = append(f.Lines, l)
	}
	switch {
	case !w.seen.looked:
		f.Waits, f.Notes = true, append(f.Notes, screen.FirstNote{Say: "looking"})
	case good:
		f.Notes = append(f.Notes, screen.FirstNote{Kind: "good", Say: "check.good"})
	case slices.ContainsFunc(w.seen.check.Steps, func(s network.Step) bool { return s.Name == network.StepIdentity && s.OK == network.No }):
		// Nobody is led on to somebody who is not the portal.
		f.Waits, f.Acts = true, f.Acts[:1]
		f.Notes = append(f.Notes, screen.FirstNote{Kind: "bad", Say: "lacks." + enrol.LacksTrust})
	default:
		f.Waits = true // it is looked at again and again
		f.Notes = append(f.Notes, screen.FirstNote{Kind: "warn", Say: "check.bad"})
	}
}

// enrolSteps are the steps of enrolment as the page names them.
var enrolSteps = []struct{ step, line string }{
	{enrol.StepKeys, "keys"},
	{enrol.StepCertificate, "certificates"},
	{enrol.StepKnowledge, "knowledge"},
	{enrol.StepDone, "settings"},
}

// drawEnrol says how far enrolment is and what it lacks.
func (w *Wizard) drawEnrol(f *screen.FirstView) {
	var st enrol.Status
	if w.enrol != nil {
		st = w.enrol.Status()
	} else { // the kiosk is being opened with what came
		st.Step = enrol.StepDone
	}
	state := screen.FirstGood
	for _, s := range enrolSteps {
		l := screen.FirstLine{Name: s.line, State: state}
		if s.step == st.Step && st.Step != enrol.StepDone {
			l.State, state = screen.FirstNow, screen.FirstTodo
			switch st.Lacks {
			case enrol.LacksNothing:
			case enrol.LacksCode, enrol.LacksStick:
				l.State = screen.FirstTodo
			default:
				l.State = screen.FirstBad
			}
			if st.Refusal != "" {
				l.State = screen.FirstBad
			}
		}
		f.Lines = append(f.Lines, l)
	}
	f.Acts = []screen.FirstAct{actStick}
	switch {
	case st.Step == enrol.StepDone:
		f.Acts, f.Waits, f.Notes = nil, true, []screen.FirstNote{{Kind: "good", Say: "enrol.done"}}
	case st.Refusal != "":
		f.Acts, f.Notes = []screen.FirstAct{actStick, actCode}, []screen.FirstNote{{Kind: "bad", Say: "refused." + refusal(st.Refusal)}}
	case st.Lacks == enrol.LacksNothing:
		f.Waits, f.Notes = true, []screen.FirstNote{{Say: "enrol.now"}}
	case st.Lacks == enrol.LacksCode:
		f.Acts, f.Notes = []screen.FirstAct{actStick, actCode}, []screen.FirstNote{{Say: "lacks.code"}}
	case st.Lacks == enrol.LacksStick:
		f.Notes = []screen.FirstNote{{Say: "lacks.stick"}}
	case st.Lacks == enrol.LacksPortal:
		f.Waits, f.Notes = true, []screen.FirstNote{{Kind: "warn", Say: "lacks.portal"}}
		f.Acts = []screen.FirstAct{actStick, {Do: "other", Icon: "net-up"}}
	default:
		f.Notes = []screen.FirstNote{{Kind: "bad", Say: "lacks." + st.Lacks}}
	}
}

// refusal is the portal's word where the page has words of its own for it.
func refusal(c string) string {
	for _, r := range []*code.Refusal{code.NoCode, code.CodeExpired, code.CodeUsed, code.CodeOther, code.Busy} {
		if r.Code == c {
			return c
		}
	}
	return "other"
}

// drawStick carries enrolment on a memory stick.
func (w *Wizard) drawStick(f *screen.FirstView) {
	f.Notes = []screen.FirstNote{{Say: "stick.how"}}
	w.noteStick(f)
	f.Acts = []screen.FirstAct{{Do: "export", Icon: "tray", Ghost: true}, {Do: "import", Icon: "arrow-down"}}
}

// noteStick says what became of the memory stick.
func (w *Wizard) noteStick(f *screen.FirstView) {
	n := w.seen.stick
	switch {
	case w.busy[jobStick] > 0:
		f.Waits, f.Notes = true, append(f.Notes, screen.FirstNote{Say: "looking"})
	case n.say != "":
		kind := "warn"
		if n.good {
			kind = "good"
		}
		f.Notes = []screen.FirstNote{{Kind: kind, Say: n.say, Args: n.args}}
	}
}
