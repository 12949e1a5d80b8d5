package printing

import (
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/catalog"
)

// Finding is what is known of one thing. Its zero value knows nothing.
type Finding string

// The findings. Unknown is printed as unknown, never as good.
const (
	Unknown Finding = ""
	Good    Finding = "good"
	Bad     Finding = "bad"
)

// Tested is one device and what its test found.
type Tested struct {
	Name  string  // of the board: "printer"
	Class string  // "receipt-printer"
	State Finding // what the test found
	Words string  // "online", "paper out": as the device or its driver says it
}

// StatusTicket is what a kiosk says of itself on paper, for the technician who puts
// it up. It names no one.
type StatusTicket struct {
	Lang      string
	Kiosk     string
	Place     catalog.Text
	Serial    string // of the machine; "": unknown
	Version   string
	Developer bool // the software is a developer's: not for service
	Board     string
	Made      time.Time // in the kiosk's time zone
	Address   []string  // of the network cards; none: there is no network

	Portal      Finding   // Good: it was reached
	PortalWords string    // a code, where it was not
	Until       time.Time // the certificate is valid; zero: unknown
	Clock       Finding   // Good: the portal's signed time is known
	Devices     []Tested
}

// Draw draws the ticket, as [Receipt.Draw] does.
func (t StatusTicket) Draw(width, dpi int) (image.Image, error) {
	p := newPage(width, dpi)
	if p.err != nil {
		return nil, p.err
	}
	in := func(c catalog.Text) string { return c.In(t.Lang) }
	known := func(s string) string {
		if s == "" {
			return in(statusWords.Unknown)
		}
		return s
	}
	p.head(in(words.Name), t.Place.In(t.Lang))
	p.text(in(statusWords.Title), style{face: bold, size: 6, center: true})
	p.text(moment(t.Made, t.Lang), style{face: regular, size: 3.6, center: true})
	if t.Developer {
		p.text(in(statusWords.Developer), style{face: bold, size: 4.4, center: true})
	}
	p.gap(2)
	fact := func(label catalog.Text, value string) {
		p.text(in(label)+": "+value, style{face: regular, size: 3.6})
	}
	p.text(in(words.Kiosk)+t.Kiosk, style{face: bold, size: 5})
	fact(statusWords.Serial, known(t.Serial))
	fact(statusWords.Version, known(strings.TrimSpace(t.Version+" "+t.Board)))
	fact(statusWords.Address, known(strings.Join(t.Address, ", ")))
	p.gap(2)
	p.finding(t.Portal, in(statusWords.Portal), t.say(t.Portal, in(statusWords.Reached), t.PortalWords))
	until := Unknown
	words := ""
	if !t.Until.IsZero() {
		until, words = Good, in(statusWords.Until)+day(t.Until, t.Lang)
		if t.Until.Before(t.Made) {
			until = Bad
		}
	}
	p.finding(until, in(statusWords.Certificate), known(words))
	p.finding(t.Clock, in(statusWords.Clock), t.say(t.Clock, in(statusWords.ClockKnown), in(statusWords.ClockWrong)))
	p.gap(1)
	p.rule(0.25)
	p.gap(1.6)
	p.text(in(statusWords.Devices), style{face: bold, size: 4})
	p.gap(1)
	for _, d := range t.Devices {
		p.finding(d.State, d.Name, t.say(d.State, d.Words, d.Words))
	}
	if len(t.Devices) == 0 {
		p.text(in(statusWords.None), style{face: regular, size: 3.6})
	}
	p.gap(2)
	p.code(t.Short(), 34)
	p.border()
	return p.finish()
}

// say puts a finding into words: more is added to what is not good.
func (t StatusTicket) say(f Finding, good, more string) string {
	switch f {
	case Good:
		return good
	case Bad:
		if more == "" {
			return statusWords.Bad.In(t.Lang)
		}
		return statusWords.Bad.In(t.Lang) + ": " + more
	}
	s := statusWords.Unknown.In(t.Lang)
	if more != "" && more != good {
		s += ": " + more
	}
	return s
}

// Short is the text of the ticket's code: one line that fits a telephone, with + for
// good, - for bad and ? for unknown.
func (t StatusTicket) Short() string {
	sign := func(f Finding) string {
		switch f {
		case Good:
			return "+"
		case Bad:
			return "-"
		}
		return "?"
	}
	until := "?"
	if !t.Until.IsZero() {
		until = t.Until.UTC().Format("20060102")
	}
	var s strings.Builder
	_, _ = fmt.Fprintf(&s, "PENJIRE-STATUS/1 K=%s V=%s%s B=%s T=%s P%s C=%s T%s", t.Kiosk, t.Version, map[bool]string{true: "(developer)"}[t.Developer], t.Board, t.Made.UTC().Format("20060102T1504Z"), sign(t.Portal), until, sign(t.Clock))
	for _, d := range t.Devices {
		s.WriteString(" " + d.Name + sign(d.State))
	}
	return s.String()
}

// finding sets a line with the mark of what was found: a tick, a cross, or an empty
// ring with a word.
func (p *page) finding(f Finding, what, words string) {
	switch f {
	case Good:
		p.step(done, what, words)
	case Bad:
		p.step(wrong, what, words)
	default:
		p.step(waiting, what, words)
	}
}

// statusWords are those of the ticket.
var statusWords = struct {
	Title, Developer, Serial, Version, Address, Portal, Reached, Certificate, Until, Clock, ClockKnown, ClockWrong, Devices, None, Unknown, Bad catalog.Text
}{
	Title:       catalog.Text{TK: "Kioskyň ýagdaýy", RU: "Состояние киоска", EN: "State of the kiosk"},
	Developer:   catalog.Text{TK: "Işläp düzüjiniň synag nusgasy: hyzmat üçin däl", RU: "Пробная сборка разработчика: не для обслуживания", EN: "Developer’s build for trials: not for service"},
	Serial:      catalog.Text{TK: "Enjamyň tertip belgisi", RU: "Серийный номер", EN: "Serial number"},
	Version:     catalog.Text{TK: "Programma", RU: "Программа", EN: "Software"},
	Address:     catalog.Text{TK: "Tor salgysy", RU: "Адрес в сети", EN: "Network address"},
	Portal:      catalog.Text{TK: "Portal", RU: "Портал", EN: "Portal"},
	Reached:     catalog.Text{TK: "aragatnaşyk bar", RU: "связь есть", EN: "reached"},
	Certificate: catalog.Text{TK: "Sertifikat", RU: "Сертификат", EN: "Certificate"},
	Until:       catalog.Text{TK: "möhleti: ", RU: "действует до ", EN: "valid until "},
	Clock:       catalog.Text{TK: "Sagat", RU: "Часы", EN: "Clock"},
	ClockKnown:  catalog.Text{TK: "portal bilen deň", RU: "сверены с порталом", EN: "as the portal says"},
	ClockWrong:  catalog.Text{TK: "portal bilen deňeşdirilmedi", RU: "не сверены с порталом", EN: "not as the portal says"},
	Devices:     catalog.Text{TK: "Enjamlar", RU: "Устройства", EN: "Devices"},
	None:        catalog.Text{TK: "Enjam ýok", RU: "Устройств нет", EN: "There are none"},
	Unknown:     catalog.Text{TK: "belli däl", RU: "неизвестно", EN: "unknown"},
	Bad:         catalog.Text{TK: "işlemeýär", RU: "не работает", EN: "does not work"},
}
