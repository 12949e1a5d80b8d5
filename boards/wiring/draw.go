package wiring

import (
	"fmt"
	"strings"

	"github.com/penjire/penjire/boards/board"
)

// The drawing of pins, in tenths of a millimetre: two columns in the middle, the
// wires of the odd pins to the left and those of the even ones to the right, as they
// leave the board when it is held as the page says.
const (
	pinStep  = 78
	pinTop   = 44
	pinLeft  = 872 // of the column of odd pins
	pinRight = 948
	wireFrom = 128 // from a pin to the edge of the header
	wireLong = 62
)

// drawnPin is a pin in the drawing.
type drawnPin struct {
	Number, X, Y int
	Fill         string // its colour
	Line         string // what is there
	LineX        int
	Square       bool
	Anchor       string // of its words
	Used         bool
	Stroke       string // colour of the wire
	EdgeX, WireX int    // where the wire leaves the header, and ends
	TextX        int    // where its words begin
	Text, Wire   string
}

// fill returns the colour of a pin by what it is.
func fill(at board.HeaderPin) string {
	switch {
	case at.Line == "GND":
		return "#333"
	case at.Line == "5V":
		return "#8E1F2F"
	case at.Line == "3V3":
		return "#c77700"
	}
	return "#0E4D3A"
}

// strokes are the colours of wires as they are drawn.
var strokes = map[string]string{
	"black": "#111", "red": "#c8102e", "orange": "#ef7d00", "yellow": "#e6c200", "green": "#1f8a3b", "blue": "#1f5fbf",
	"violet": "#7a3fa0", "grey": "#888", "white": "#fff", "brown": "#7b4a21",
}

func (s *sheet) drawPins() {
	h, ok := board.HeaderOf(s.Board.Header)
	if !ok {
		return
	}
	s.Tall = pinTop + (len(h.Pins)+1)/2*pinStep
	wires := map[int]board.Pin{}
	for _, p := range s.Board.Pins {
		wires[p.Number] = p
	}
	for i, at := range h.Pins {
		d := drawnPin{Number: i + 1, X: pinLeft, Y: pinTop + i/2*pinStep, Fill: fill(at), Line: at.Line, Square: i == 0}
		side := -1
		d.Anchor = "end"
		if i%2 == 1 {
			d.X, side, d.Anchor = pinRight, 1, "start"
		}
		d.LineX = d.X + side*42
		if w, used := wires[i+1]; used {
			d.Used, d.Stroke = true, strokes[w.Colour]
			d.EdgeX = d.X + side*wireFrom
			d.WireX = d.EdgeX + side*wireLong
			d.TextX = d.WireX + side*14
			d.Text, d.Wire = s.end(w), s.W.word("colour."+w.Colour)
		}
		s.Pins = append(s.Pins, d)
	}
}

// drawnSocket is a socket in the drawing.
type drawnSocket struct {
	X, Y, W, H int
	Name       string // of what is on it
	Fill       string
	Kind       string
	Free       bool
}

// The drawing of sockets, in tenths of a millimetre.
const (
	socketWide = 400
	socketTall = 130
	socketGap  = 24
)

func (s *sheet) drawSockets() {
	column := map[string]int{}
	for _, k := range s.Board.USB { // from left to right
		if k.Place == "left" {
			column["left"] = 0
		}
	}
	next := len(column)
	for _, want := range []string{"-left", "-right", "right", "only", "hub-"} {
		for _, k := range s.Board.USB {
			side := sideOf(k.Place)
			if _, ok := column[side]; side == want && !ok {
				column[side] = next
				next++
			}
		}
	}
	for _, k := range s.Board.USB {
		side := sideOf(k.Place)
		x := column[side] * (socketWide + socketGap)
		d := drawnSocket{X: x, W: socketWide, H: socketTall, Fill: "#f2f2f2", Kind: strings.ToUpper(k.Kind[:3]) + " " + strings.TrimPrefix(k.Kind, "usb")}
		switch k.Kind {
		case "usb3":
			d.Fill = "#dbe7fa"
		case "micro":
			d.Kind = "micro-USB"
		case "ethernet":
			d.Kind, d.H, d.Fill, d.Name = "RJ45", 2*socketTall+socketGap, "#e7efe9", s.W["network"]
		}
		switch {
		case strings.HasPrefix(k.Place, "lower"):
			d.Y = socketTall + socketGap
		case strings.HasPrefix(k.Place, "hub-"):
			n := int(k.Place[4] - '1')
			d.X, d.Y = x+n%2*(socketWide+socketGap), n/2*(socketTall+socketGap)
			d.Kind = fmt.Sprintf("%s %c", s.W["hub"], k.Place[4])
		}
		d.Free = k.Kind != "ethernet"
		for _, v := range s.Board.Devices {
			if on(v, k) {
				d.Name, d.Free = s.what(v), false
			}
		}
		switch {
		case d.Free && k.Kind == "micro":
			d.Name, d.Free = s.W["hub"], false
		case d.Free:
			d.Name = s.W["free"]
		}
		s.Sockets = append(s.Sockets, d)
		s.SocketTall = max(s.SocketTall, d.Y+d.H)
	}
}

// sideOf returns the column of a place.
func sideOf(place string) string {
	if strings.HasPrefix(place, "hub-") {
		return "hub-"
	}
	if i := strings.Index(place, "-"); i > 0 {
		return place[i:]
	}
	return place
}
