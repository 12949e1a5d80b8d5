// Package wiring draws how a board is wired: a page of HTML that needs nothing else
// and that a technician prints. Everything on it is the board's data; the words are
// in Turkmen, Russian and English.
package wiring

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/penjire/penjire/boards/board"
)

//go:embed page.html
var pageHTML string

//go:embed words.json
var wordsJSON []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// Languages are those that a page can be in.
func Languages() []string { return []string{"tk", "ru", "en"} }

// words are those of one language.
type words map[string]string

// word returns the word for key, or the last part of the key: a board may have what
// there is no word for yet.
func (w words) word(key string) string {
	if s, ok := w[key]; ok {
		return s
	}
	return key[strings.LastIndex(key, ".")+1:]
}

func wordsOf(lang string) (words, error) {
	if !slices.Contains(Languages(), lang) {
		return nil, fmt.Errorf("wiring: language %q: want one of %q", lang, Languages())
	}
	var all map[string]map[string]string
	if err := json.Unmarshal(wordsJSON, &all); err != nil {
		return nil, fmt.Errorf("wiring: words: %w", err)
	}
	w := words{}
	for k, v := range all {
		w[k] = v[lang]
	}
	return w, nil
}

// sheet is what the page shows.
type sheet struct {
	Lang  string
	Board *board.Board
	W     words
	Pins  []drawnPin
	Tall  int // of the drawing of pins
	Rows  []row

	Sockets    []drawnSocket
	SocketTall int
}

// row is a device.
type row struct{ What, Where, How string }

// Page returns the page of b in a language.
func Page(b *board.Board, lang string) ([]byte, error) {
	w, err := wordsOf(lang)
	if err != nil {
		return nil, err
	}
	s := sheet{Lang: lang, Board: b, W: w}
	s.drawPins()
	s.drawSockets()
	for _, d := range b.Devices {
		s.Rows = append(s.Rows, row{s.what(d), s.where(d), s.how(d)})
	}
	var out bytes.Buffer
	if err := page.Execute(&out, s); err != nil {
		return nil, fmt.Errorf("wiring: draw board %s: %w", b.Name, err)
	}
	return out.Bytes(), nil
}

// options are those of a device that a page has words for.
type options struct {
	Kind   string                           `json:"kind"`
	Line   string                           `json:"line"`
	Lights map[string]struct{ Line string } `json:"lights"`
}

func optionsOf(d board.Device) (o options) {
	_ = json.Unmarshal(d.Options, &o) // options of another shape are of a device without words
	return o
}

// what names a device.
func (s *sheet) what(d board.Device) string {
	if o := optionsOf(d); d.Class == board.Sensor && o.Kind != "" {
		return s.W.word("kind." + o.Kind)
	}
	return s.W.word("class." + string(d.Class))
}

// where says where a device is connected.
func (s *sheet) where(d board.Device) string {
	for _, k := range s.Board.USB {
		if on(d, k) {
			return s.W.word("place." + k.Place)
		}
	}
	var pins []string
	for _, p := range s.Board.Pins {
		if p.Device == d.Name {
			pins = append(pins, fmt.Sprintf("%d (%s)", p.Number, s.W.word("colour."+p.Colour)))
		}
	}
	switch {
	case len(pins) > 0:
		return s.W.word("pin") + " " + strings.Join(pins, ", ")
	case strings.HasPrefix(d.Port, "/sys/"), d.Class == board.RealTimeClock:
		return s.W.word("inside")
	}
	return d.Port
}

// how says what a wire carries.
func (s *sheet) how(d board.Device) string {
	o := optionsOf(d)
	for _, k := range []string{"how." + o.Kind, "how." + string(d.Class)} {
		if v, ok := s.W[k]; ok && slices.ContainsFunc(s.Board.Pins, func(p board.Pin) bool { return p.Device == d.Name }) {
			return v
		}
	}
	if len(o.Lights) > 0 && s.Board.Header != "" {
		return s.W["how.lights"]
	}
	return ""
}

// on says whether d hangs on socket k.
func on(d board.Device, k board.Socket) bool {
	return k.Port != "" && (d.Port == k.Port || strings.HasPrefix(d.Port, k.Port+":"))
}

// end names what is at the far end of a wire.
func (s *sheet) end(p board.Pin) string {
	var d board.Device
	for _, x := range s.Board.Devices {
		if x.Name == p.Device {
			d = x
		}
	}
	what := s.what(d)
	switch o := optionsOf(d); {
	case p.Use == "ground":
		return what + ": " + s.W["ground"]
	case p.Use == "power":
		volts := strconv.FormatFloat(p.Volts, 'f', -1, 64)
		if s.Lang != "en" {
			volts = strings.ReplaceAll(volts, ".", ",")
		}
		return fmt.Sprintf("%s: %s %s %s", what, s.W["supply"], volts, s.W["volts"])
	case p.Use == "i2c1":
		return what + ": " + s.W.word("i2c."+p.Line)
	case len(o.Lights) > 0:
		for _, l := range slices.Sorted(maps.Keys(o.Lights)) {
			if o.Lights[l].Line == p.Line {
				return s.W.word("light." + l)
			}
		}
	}
	return what
}
