// Package ippprinter is a printer of sheets in software that speaks IPP Everywhere
// over HTTP. It keeps what it printed, runs out of paper, jams, loses its power
// and its memory, and misbehaves on demand.
//
// # Reference
//
// RFC 8010 and RFC 8011; PWG 5100.14. It checks requests as strictly as the driver
// that it is a far end of must be.
package ippprinter

import (
	"bytes"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
)

// Opts say what kind of printer it is. Zero values are the defaults.
type Opts struct {
	Formats     []string      // document-format-supported; nil: PDF and PWG raster
	Types       []string      // pwg-raster-document-type-supported; nil: sgray_8, srgb_8
	Sheet       time.Duration // that a sheet takes; 0: none
	NoCreateJob bool          // knows Print-Job only
	NoMediaCol  bool          // knows sizes by name only
	OldIPP      bool          // knows IPP 1.1 only
	History     int           // how many ended jobs it remembers; 0: 50; -1: none
	MaxCopies   int           // 0: 99
}

// Print is a document that came out, or as much of it as did.
type Print struct {
	Job    string // its name
	Format string
	Data   []byte
	Sheets int  // that came out
	Whole  bool // every sheet did
}

// Printer is the printer. Its methods may be called from any goroutine.
type Printer struct {
	o Opts

	mu     sync.Mutex
	on     bool
	paper  device.Paper
	cover  device.Cover
	toner  int
	ready  []string // media names in its trays
	paused bool
	jobs   []*job // oldest first
	nextID int
	epoch  int // of its power: timers of an earlier one do nothing
	prints []Print
	faults []Fault
	after  []after
	boot   time.Time
}

type after struct {
	sheets int
	f      func()
}

// New returns a printer that is on, with paper and toner, and has nothing to do.
func New(o Opts) *Printer {
	if o.Formats == nil {
		o.Formats = []string{"application/pdf", "image/pwg-raster"}
	}
	if o.Types == nil {
		o.Types = []string{"sgray_8", "srgb_8"}
	}
	if o.MaxCopies == 0 {
		o.MaxCopies = 99
	}
	if o.History == 0 {
		o.History = 50
	}
	return &Printer{
		o: o, on: true, paper: device.PaperFull, cover: device.CoverClosed, toner: 70,
		ready: []string{"iso_a4_210x297mm"}, nextID: 1, boot: time.Now(),
	}
}

// SetPaper sets what is in the tray, or a jam.
func (p *Printer) SetPaper(v device.Paper) { p.change(func() { p.paper = v }) }

// SetCover opens or closes the cover.
func (p *Printer) SetCover(v device.Cover) { p.change(func() { p.cover = v }) }

// SetToner sets how much toner is left, in percent.
func (p *Printer) SetToner(percent int) { p.change(func() { p.toner = percent }) }

// SetReady says which sizes lie in the trays (PWG 5101.1 names).
func (p *Printer) SetReady(names ...string) { p.change(func() { p.ready = names }) }

// Pause stops the printer as its button does, or starts it again.
func (p *Printer) Pause(v bool) { p.change(func() { p.paused = v }) }

func (p *Printer) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.work()
}

// LosePower turns it off and on again: it knows no jobs any more, and counts anew.
// What came out of them lies there.
func (p *Printer) LosePower() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range p.jobs {
		if !j.ended() {
			p.drop(j)
		}
	}
	p.jobs, p.nextID, p.boot = nil, 1, time.Now()
	p.epoch++
}

// After does f when that many sheets more have come out.
func (p *Printer) After(sheets int, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = append(p.after, after{sheets, f})
}

// Prints returns what came out, oldest first.
func (p *Printer) Prints() []Print {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.prints)
}

// Jobs returns how many jobs it has that have not ended.
func (p *Printer) Jobs() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting()
}

func (p *Printer) waiting() int {
	n := 0
	for _, j := range p.jobs {
		if !j.ended() {
			n++
		}
	}
	return n
}

// pdfPage finds the page objects of a PDF whose objects are not compressed.
var pdfPage = regexp.MustCompile(`/Type\s*/Page[^s]`)

// sheets returns how many sheets a document takes.
func sheets(format string, data []byte) int {
	n := 0
	if format == "application/pdf" {
		n = len(pdfPage.FindAll(data, -1))
	} else {
		n = bytes.Count(data, []byte("PwgRaster\x00"))
	}
	return max(1, n)
}
