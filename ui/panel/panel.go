// Package panel draws what a kiosk's screen says while there is no browser on it:
// the start, the first start, an update, and the troubles that leave no browser. It
// draws pictures and knows no screen; the letters are handed in.
//
// Nobody has chosen a language when it shows, so all three stand side by side. Where
// the screen is too small for that, they take turns.
package panel

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"

	"github.com/penjire/penjire/ui/phrase"
)

// Kind is what the panel has to say. Its text is also what programs write into the
// files that the panel reads.
type Kind string

// The kinds, the gravest first: where several hold, that is the one shown.
const (
	Data     Kind = "data"     // the data partition cannot be mounted
	Full     Kind = "full"     // it is full
	Broken   Kind = "broken"   // the kiosk's program does not run
	Stopping Kind = "stopping" // the kiosk is being switched off
	Updating Kind = "updating" // a new release is put on; it must not be switched off
	First    Kind = "first"    // the steps of the first start
	Browser  Kind = "browser"  // the browser is down
	Setup    Kind = "setup"    // the kiosk has no set-up: nobody has said who it is
	Enrol    Kind = "enrol"    // the kiosk has no certificate yet
	Starting Kind = "starting" // all is well, and not ready yet
)

// Kinds returns the kinds there are, the gravest first.
func Kinds() []Kind {
	return []Kind{Data, Full, Broken, Stopping, Updating, First, Browser, Setup, Enrol, Starting}
}

// Trouble reports whether a person has to do something about it.
func (k Kind) Trouble() bool { return slices.Contains([]Kind{Data, Full, Broken, Browser}, k) }

// State is how far a step is.
type State string

// The states of a step. Unknown is never drawn as done.
const (
	Todo    State = "todo"
	Now     State = "now"
	Done    State = "done"
	Failed  State = "failed"
	Unknown State = "unknown"
)

// Step is one line of the list below the words. Name completes the phrase key
// panel.step. and is one of [Steps].
type Step struct {
	Name  string `json:"name"`
	State State  `json:"state"`
}

// Steps returns the names of the steps that there are words for.
func Steps() []string {
	return []string{"medium", "check", "folders", "setup", "card", "stick", "download", "install", "restart", "verify"}
}

// Hint says what is wrong with a set-up, and what to do about it, in place of what its
// kind would say. It completes the phrase key panel.hint. and is one of [Hints].
type Hint string

// The hints.
const (
	NoFile       Hint = "no-file"    // the stick has no set-up
	CutOff       Hint = "cut-off"    // only a part of it was copied
	TooLarge     Hint = "too-large"  // it is another file
	Foreign      Hint = "foreign"    // it is no set-up
	OtherVersion Hint = "version"    // it is for other software
	Faulty       Hint = "faulty"     // there is a mistake in it
	Unreadable   Hint = "unreadable" // the medium does not give it up
	NotKept      Hint = "not-kept"   // the kiosk cannot write it down
	NotWiped     Hint = "not-wiped"  // it was taken, and is still on the stick
)

// Hints returns the hints that there are words for.
func Hints() []Hint {
	return []Hint{NoFile, CutOff, TooLarge, Foreign, OtherVersion, Faulty, Unreadable, NotKept, NotWiped}
}

// View is one picture.
type View struct {
	Kind      Kind
	Hint      Hint // "": there is none
	Steps     []Step
	Phone     string   // of who helps; "" where it is not known
	Detail    []string // for the technician, in no language: number, version, codes
	Developer bool     // the software is a developer's: not for service
	Beat      int      // rises each second: a picture that stands still is seen to hang
}

// Fonts are the letters, as TrueType files.
type Fonts struct{ Regular, Bold, Mono []byte }

// The colours of ui/asset/css/token.css.
var (
	paper = color.RGBA{0xFA, 0xF6, 0xEE, 0xFF}
	ink   = color.RGBA{0x1C, 0x25, 0x21, 0xFF}
	soft  = color.RGBA{0x4A, 0x53, 0x4E, 0xFF}
	green = color.RGBA{0x0E, 0x4D, 0x3A, 0xFF}
	red   = color.RGBA{0x8E, 0x1F, 0x2F, 0xFF}
	gold  = color.RGBA{0xD9, 0xB4, 0x5F, 0xFF}
	line  = color.RGBA{0xD8, 0xD0, 0xC0, 0xFF}
	amber = color.RGBA{0x6B, 0x40, 0x00, 0xFF}
)

// Painter draws views of one size. It is not safe for use by several goroutines.
type Painter struct {
	size  image.Point
	faces *faces
	gol   ornament
	edge  ornament
}

// The sizes of screens that it draws for, in pixels.
const (
	minSide = 240
	maxSide = 8192
)

// NewPainter returns a painter for a screen of that size.
func NewPainter(size image.Point, f Fonts) (*Painter, error) {
	if min(size.X, size.Y) < minSide || max(size.X, size.Y) > maxSide {
		return nil, fmt.Errorf("panel: got a screen of %d × %d, want sides from %d to %d", size.X, size.Y, minSide, maxSide)
	}
	p := &Painter{size: size}
	var err error
	if p.faces, err = parseFonts(f); err != nil {
		return nil, err
	}
	if p.gol, err = readOrnament("svg/gol.svg"); err != nil {
		return nil, err
	}
	if p.edge, err = readOrnament("svg/border.svg"); err != nil {
		return nil, err
	}
	return p, nil
}

// Size returns the size of the pictures.
func (p *Painter) Size() image.Point { return p.size }

// Draw draws the whole of v.
func (p *Painter) Draw(v View) *image.RGBA {
	c := p.canvas(image.NewRGBA(image.Rectangle{Max: p.size}))
	draw.Draw(c.img, c.img.Rect, image.NewUniform(paper), image.Point{}, draw.Src)
	body := p.frame(c, v)
	if langs, u := p.fit(c, v, body); langs != nil {
		p.blocks(c, v, body, langs, u)
	}
	c.beat(p.beatAt(), v.Beat)
	return c.img
}

// Beat draws only the sign of life of v into img, a picture that Draw made, and
// returns where it is.
func (p *Painter) Beat(img *image.RGBA, v View) image.Rectangle {
	at := p.beatAt()
	p.canvas(img).beat(at, v.Beat)
	return at
}

// TakesTurns reports whether the screen is too small for three languages at once.
func (p *Painter) TakesTurns(v View) bool {
	c := p.canvas(image.NewRGBA(image.Rectangle{Max: p.size}))
	langs, _ := p.fit(c, v, p.frame(c, v))
	return len(langs) < len(phrase.Langs)
}

// turn is how many beats one language stays where they take turns.
const turn = 6

// Lang returns the language whose turn it is.
func (v View) Lang() string { return phrase.Langs[max(0, v.Beat)/turn%len(phrase.Langs)] }

// NextTurn returns the beat with which the next language's turn begins.
func (v View) NextTurn() int { return (max(0, v.Beat)/turn + 1) * turn }
