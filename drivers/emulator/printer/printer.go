// Package printer is an ESC/POS receipt printer in software, for the far end of
// a line. It draws what it prints as a picture of the paper, dot for dot, has
// paper, a cover and a cutter that hands can touch, prints as slowly as a real
// one if asked, and can lie.
//
// # Reference
//
// Epson, "ESC/POS Command Reference": DLE EOT, DLE ENQ, DLE DC4, GS a, GS r,
// GS ( H, GS v 0, GS ( L, GS 8 L, ESC *, GS ( k, GS V, ESC t and what text needs.
// Custom, "VKP80II, KPM180, command reference": DLE EOT 17 and 20, GS E0, GS e,
// ESC i. Nippon Primex, "NP-2511/3511 specifications" (D-F0446): ESC v, ESC r,
// GS G. What a model knows of these is in [Opts]; see [Model].
//
// It behaves as the references say a printer does where drivers go wrong: while
// it is offline it executes nothing but real-time commands, and what is in its
// buffer comes out when it is online again, unless it was told to forget it.
package printer

import (
	"context"
	"io"
	"sync"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/link"
	"golang.org/x/text/encoding/charmap"
)

// Opts are what a printer is made with. Zero values are the defaults.
type Opts struct {
	Width       int     // dots in a line; 0: 576
	DPI         int     // dots per inch; 0: 203
	Speed       float64 // mm per second; 0: at once
	Buffer      int     // bytes the receive buffer holds; 0: 4096
	Keep        int     // finished papers kept; 0: 32
	Maker       string  // "": "PENJIRE"
	Model       string  // "": "SPECIMEN-80"
	NoProcessID bool    // does not know GS ( H
	NoASB       bool    // does not know GS a
	NoClear     bool    // does not know DLE DC4 8
	NoRaster    bool    // does not know GS v 0
	NoGraphics  bool    // does not know GS ( L and GS 8 L
	NoQR        bool    // does not know GS ( k
	Latch       bool    // a jam stays until DLE ENQ, though its cause is gone
	Dialect     Dialect // 0: Epson
	Presenter   bool    // holds a cut paper in its output until it is taken
	Retracts    bool    // can pull that paper back into a bin
	// Pages are the code pages by their ESC t numbers; nil: those of Epson.
	Pages map[byte]*charmap.Charmap
}

// Dialect is how a printer says what state it is in.
type Dialect int

// The dialects.
const (
	Epson  Dialect = 0 // DLE EOT 1 to 4, GS a, GS r
	Custom Dialect = 1 // DLE EOT 20 and 17, GS E0, GS r
	Nippon Dialect = 2 // ESC v, GS G
)

// Lie is a way of not telling the truth.
type Lie int

// The lies. Honest ends them.
const (
	Honest        Lie = 0
	NeverConfirms Lie = 1 // answers neither GS r nor GS ( H
	WrongID       Lie = 2 // answers GS ( H with another job's number
	AlwaysFine    Lie = 3 // says that paper and cover are fine, whatever they are
	Deaf          Lie = 4 // answers nothing at all
)

// State is how the printer stands, as eyes would see it.
type State struct {
	Paper    device.Paper
	Cover    device.Cover
	Powered  bool // plugged in
	Printing bool // in the middle of a paper
	Papers   int  // finished since it was made
	Hot      bool // the head
	Waiting  bool // a paper stands in the output
	Bin      int  // papers pulled back
}

// Printer is a printer. Its methods may be called from any goroutine.
type Printer struct {
	o     Opts
	watch link.Watch

	mu      sync.Mutex
	cond    *sync.Cond // for everything below
	level   device.Paper
	jam     bool
	held    bool // a jam whose cause is gone
	hot     bool
	cover   bool // open
	lie     Lie
	powered bool
	now     *Paper // hangs out, not cut yet
	exit    *Paper // cut, and held in the output
	shown   bool   // exit can be taken
	bin     int    // papers pulled back
	done    []*Paper
	count   int
	rows    int // printed since it was made
	traps   []trap
	unknown []string // commands it did not know

	recoveries int // DLE ENQ 2 during an error
	session    *session
}

// trap is something to do at a row.
type trap struct {
	at int
	do func()
}

// New makes a printer with paper in it and the cover closed.
func New(o Opts) *Printer {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&o.Width, 576)
	def(&o.DPI, 203)
	def(&o.Buffer, 4096)
	def(&o.Keep, 32)
	if o.Pages == nil {
		o.Pages = epsonPages
	}
	if o.Maker == "" {
		o.Maker = "PENJIRE"
	}
	if o.Model == "" {
		o.Model = "SPECIMEN-80"
	}
	p := &Printer{o: o, level: device.PaperFull}
	p.cond = sync.NewCond(&p.mu)
	return p
}

// change runs f, then tells everyone: goroutines of the session, watchers, and
// the host if it asked for status back.
func (p *Printer) change(f func()) {
	p.mu.Lock()
	f()
	s := p.session
	p.cond.Broadcast()
	p.mu.Unlock()
	if s != nil {
		s.statusBack()
	}
	p.watch.Wake()
}

// SetPaper puts in a full roll, leaves little of one, takes it out, or jams it.
// Any other word than PaperJammed also clears a jam, or its cause.
func (p *Printer) SetPaper(paper device.Paper) {
	p.change(func() {
		p.jam = paper == device.PaperJammed
		p.held = p.held || p.jam && p.o.Latch
		if !p.jam {
			p.level = paper
		}
	})
}

// SetHot makes the head too hot to print, or cools it.
func (p *Printer) SetHot(hot bool) { p.change(func() { p.hot = hot }) }

// SetCover opens or closes the cover.
func (p *Printer) SetCover(c device.Cover) { p.change(func() { p.cover = c == device.CoverOpen }) }

// SetLie makes the printer lie from now on.
func (p *Printer) SetLie(l Lie) { p.change(func() { p.lie = l }) }

// SetSpeed sets the speed in mm per second; 0 prints at once.
func (p *Printer) SetSpeed(v float64) { p.change(func() { p.o.Speed = v }) }

// Tear tears off what hangs out.
func (p *Printer) Tear() { p.change(func() { p.finish(true) }) }

// After runs f when rows more rows have been printed; the printer waits for it.
func (p *Printer) After(rows int, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.traps = append(p.traps, trap{p.rows + rows, f})
}

// State returns how the printer stands.
func (p *Printer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Paper: p.level, Cover: device.CoverClosed, Powered: p.powered, Printing: p.now != nil, Papers: p.count}
	s.Hot, s.Waiting, s.Bin = p.hot, p.shown, p.bin
	if p.jam || p.held {
		s.Paper = device.PaperJammed
	}
	if p.cover {
		s.Cover = device.CoverOpen
	}
	return s
}

// Papers returns the finished papers, oldest first; at most Opts.Keep of them.
func (p *Printer) Papers() []*Paper {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Paper(nil), p.done...)
}

// Hanging returns a copy of the paper that is not cut yet, or nil.
func (p *Printer) Hanging() *Paper {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.clone()
}

// Last returns what one sees: the paper hanging out, else the last one
// finished, else nil.
func (p *Printer) Last() *Paper {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now != nil {
		return p.now.clone()
	}
	if n := len(p.done); n > 0 {
		return p.done[n-1]
	}
	return nil
}

// Unknown returns the commands the printer did not know, as the names in the
// reference or as hex. A driver for it should send none.
func (p *Printer) Unknown() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.unknown...)
}

// Recoveries returns how often the host tried to end an error (DLE ENQ 2).
func (p *Printer) Recoveries() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.recoveries
}

// Changes yields after State or Last may have changed, until ctx ends.
func (p *Printer) Changes(ctx context.Context) <-chan struct{} { return p.watch.Channel(ctx) }

// Serve implements pty.Device.
func (p *Printer) Serve(line io.ReadWriter) {
	s := &session{p: p, line: line, out: make(chan struct{}, 1)}
	p.change(func() { p.powered, p.session = true, s })
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.interpret()
	}()
	s.receive()
	p.change(func() { p.powered, p.session, s.off = false, nil, true })
	<-done
}

// offline reports whether the printer executes nothing now. p.mu is held.
func (p *Printer) offline() bool {
	return p.cover || p.jam || p.held || p.hot || p.level == device.PaperOut
}

// finish ends the paper that hangs out. p.mu is held.
func (p *Printer) finish(torn bool) {
	if p.now == nil {
		return
	}
	p.now.Torn = torn
	p.done = append(p.done, p.now)
	if n := len(p.done) - p.o.Keep; n > 0 {
		p.done = append([]*Paper(nil), p.done[n:]...)
	}
	p.count++
	p.now = nil
}
