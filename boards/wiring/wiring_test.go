package wiring

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/penjire/penjire/boards/board"
)

// TestEveryWordInEveryLanguage: a page with a hole in it is worse than one in the
// wrong language.
func TestEveryWordInEveryLanguage(t *testing.T) {
	var all map[string]map[string]string
	if err := json.Unmarshal(wordsJSON, &all); err != nil {
		t.Fatal(err)
	}
	for k, v := range all {
		for _, l := range Languages() {
			if v[l] == "" {
				t.Errorf("%s: no word in %s", k, l)
			}
		}
	}
	for _, c := range board.Classes() {
		if all["class."+c] == nil {
			t.Errorf("no word for devices of class %s", c)
		}
	}
	for _, c := range board.Colours() {
		if all["colour."+c] == nil || strokes[c] == "" {
			t.Errorf("no word for the colour %s, or none to draw it with", c)
		}
	}
	for _, p := range board.Places() {
		if all["place."+p] == nil && p != "left" && p != "right" {
			t.Errorf("no word for the place %s", p)
		}
	}
}

// TestPages: every wire, every device and every socket of every board is on its page.
func TestPages(t *testing.T) {
	boards, err := board.All()
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for _, b := range boards {
		for _, lang := range Languages() {
			page, err := Page(b, lang)
			if err != nil {
				t.Fatal(err)
			}
			s := string(page)
			for _, bad := range []string{"ZgotmplZ", "<no value>", "%!", "://", "<script"} {
				if strings.Contains(s, bad) {
					t.Errorf("%s, %s: the page has %q in it", b.Name, lang, bad)
				}
			}
			w, _ := wordsOf(lang)
			if got, want := strings.Count(s, "</tspan>, "), len(b.Pins); got != want {
				t.Errorf("%s, %s: %d wires are drawn, want %d", b.Name, lang, got, want)
			}
			if got, want := strings.Count(s, "<tr><td>"), len(b.Devices); got != want {
				t.Errorf("%s, %s: %d devices in the table, want %d", b.Name, lang, got, want)
			}
			if got, want := strings.Count(s, `rx="10"`), len(b.USB); got != want {
				t.Errorf("%s, %s: %d sockets are drawn, want %d", b.Name, lang, got, want)
			}
			for _, p := range b.Pins {
				if !strings.Contains(s, fmt.Sprintf("%d (%s)", p.Number, w.word("colour."+p.Colour))) {
					t.Errorf("%s, %s: the table lacks pin %d", b.Name, lang, p.Number)
				}
				drawn++
			}
		}
	}
	if drawn == 0 {
		t.Error("no board has wires")
	}
}

// TestWiresGoWhereTheBoardSays: pin 11 of a Raspberry Pi 4 is the door's, green, on the left.
func TestWiresGoWhereTheBoardSays(t *testing.T) {
	b, err := board.Load("rpi4")
	if err != nil {
		t.Fatal(err)
	}
	page, err := Page(b, "en")
	if err != nil {
		t.Fatal(err)
	}
	// Behind the colour of the wire come its words and then the pin it is on.
	for pin, want := range map[string]string{
		"11": `#1f8a3b[^$]{1,300}<tspan font-weight="700">door switch</tspan>, green`,
		"2":  `#c8102e[^$]{1,300}<tspan font-weight="700">motion detector: supply 5 V</tspan>, red`,
		"1":  `<tspan font-weight="700">clock with battery: supply 3.3 V</tspan>, red`,
		"33": `<tspan font-weight="700">light «in service»</tspan>, blue`,
	} {
		if !regexp.MustCompile(want + `</text>\s*<(circle|rect)[^>]*>\s*<text [^>]*>` + pin + `</text>`).Match(page) {
			t.Errorf("pin %s: the page lacks %s", pin, want)
		}
	}
}

// TestWordsFit: what is longer than this runs out of the drawing (looked at in print).
func TestWordsFit(t *testing.T) {
	boards, err := board.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range boards {
		for _, lang := range Languages() {
			w, err := wordsOf(lang)
			if err != nil {
				t.Fatal(err)
			}
			s := sheet{Lang: lang, Board: b, W: w}
			s.drawPins()
			for _, p := range s.Pins {
				if n := len([]rune(p.Text + ", " + p.Wire)); n > 41 {
					t.Errorf("%s, %s: pin %d has %d letters, at most 41 fit: %s, %s", b.Name, lang, p.Number, n, p.Text, p.Wire)
				}
			}
		}
	}
}

// TestHostileBoard: a board is data from a file; it cannot put markup on the page.
func TestHostileBoard(t *testing.T) {
	b, err := board.Load("rpi4")
	if err != nil {
		t.Fatal(err)
	}
	b.Title = `<img src=x onerror=alert(1)>`
	b.Devices[0].Port = `"><b>`
	page, err := Page(b, "en")
	if err != nil || strings.Contains(string(page), "<img") || strings.Contains(string(page), "<b>") {
		t.Errorf("Page = %v, with markup of the board's in it", err)
	}
	if _, err := Page(b, "de"); err == nil {
		t.Error("Page in German = nil, want an error")
	}
}
