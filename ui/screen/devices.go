package screen

import (
	"time"

	"github.com/penjire/penjire/ui/phrase"
)

// Light is one line of the footer: what it is about, in which state, in words.
type Light struct {
	Name string `json:"name"` // printer, reader, net, clock, unsent
	Icon string `json:"icon"` // of the sprite
	Kind string `json:"kind"` // good, warn, bad or unknown
	Text string `json:"text"`
}

// Lights says the state of the devices in the words of lang, in the order of
// the footer. What is well and needs no word is left out, except the printer
// and the connection, which people ask for. Unknown is said to be unknown.
func Lights(d Devices, lang string) []Light {
	b := phrase.In(lang)
	l := []Light{{"printer", "printer", kind(d.Printer), b.Get("light.printer." + word(d.Printer))}}
	net := Light{"net", "net-up", "good", b.Get("light.net.good")}
	kept := b.Get("light.net.kept")
	if d.Unsent > 0 {
		kept = b.Get("light.unsent", d.Unsent)
	}
	switch d.Net {
	case Good:
	case Unknown, "":
		net = Light{"net", "net-down", "unknown", b.Get("light.net.unknown")}
	default:
		net = Light{"net", "net-down", "warn", b.Get("light.join", b.Get("light.net.down"), kept)}
		if why := waits(d.Waits, d.Until, d.Today, b); why != "" {
			net = Light{"net", "clock", "warn", b.Get("light.also", why, kept)}
		}
	}
	l = append(l, net)
	switch d.Reader {
	case Good:
	case Gone, Unknown:
		l = append(l, Light{"reader", "reader", kind(d.Reader), b.Get("light.reader." + string(d.Reader))})
	case "":
		l = append(l, Light{"reader", "reader", "unknown", b.Get("light.reader.unknown")})
	default:
		l = append(l, Light{"reader", "reader", "bad", b.Get("light.reader.down")})
	}
	switch {
	case d.Overdue:
		l = append(l, Light{"unsent", "alert", "bad", b.Get("light.overdue", max(1, d.Days))})
	case d.Unsent > 0 && net.Kind != "warn":
		text := b.Get("light.unsent", d.Unsent)
		if why := waits(d.Waits, d.Until, d.Today, b); why != "" {
			text = b.Get("light.also", why, text)
		}
		l = append(l, Light{"unsent", "tray", "warn", text})
	}
	if d.Clock != Good {
		l = append(l, Light{"clock", "clock", "unknown", b.Get("light.clock.unknown")})
	}
	return l
}

// waits says what keeps requests here and until when; "" where there is nothing to
// say, or no time is known.
func waits(why string, until time.Time, today bool, b *phrase.Book) string {
	key := "light.waits." + why
	if why == "" || until.IsZero() || !b.Has(key) {
		return ""
	}
	return b.Get(key, b.Moment(until, today))
}

// word maps a state that a device does not have words for to unknown.
func word(s State) string {
	switch s {
	case Good, Low, Out, Open, Jam, Gone, Down:
		return string(s)
	}
	return string(Unknown)
}

func kind(s State) string {
	switch s {
	case Good:
		return "good"
	case Low:
		return "warn"
	case Out, Open, Jam, Gone, Down:
		return "bad"
	}
	return "unknown"
}

// Lights says the footer's lines.
func (p *page) Lights() []Light { return Lights(p.Devices, p.Lang) }
