package bench

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/emulator/ccnet"
	"github.com/penjire/penjire/drivers/emulator/codescanner"
	"github.com/penjire/penjire/drivers/emulator/firmataemu"
	"github.com/penjire/penjire/drivers/emulator/ippprinter"
	"github.com/penjire/penjire/drivers/emulator/pivcard"
	"github.com/penjire/penjire/drivers/emulator/pn532emu"
	"github.com/penjire/penjire/drivers/emulator/printer"
	"github.com/penjire/penjire/drivers/emulator/pty"
	"github.com/penjire/penjire/drivers/piv"
	"github.com/penjire/penjire/firmware/demo"
)

// hands are what hands can touch: cards, reader, printer, and the clock.
type hands struct {
	world   *demo.World
	chip    *pn532emu.Chip
	reader  *pty.Port
	printer *printer.Printer
	paper   *pty.Port
	scanner scanner
	cabinet cabinet
	notes   notes
	sheets  sheets
	lines   []*pty.Port // all of them

	mu     sync.Mutex
	cards  map[string]*card // by name
	inside string           // the card in the reader; "" none
	offset time.Duration
}

// card is one specimen card. Its PIN tries live as long as the bench.
type card struct {
	*pivcard.Card
	holder, pin string
}

// take puts the emulated devices at their ports.
func take(w *demo.World, speed float64) (*hands, error) {
	h := &hands{world: w, chip: new(pn532emu.Chip), printer: printer.New(printer.Opts{Speed: speed}), cards: map[string]*card{}}
	for _, name := range w.Cards {
		p, err := w.Card(name)
		if err != nil {
			return nil, err
		}
		c, err := pivcard.New(p)
		if err != nil {
			return nil, fmt.Errorf("bench: card %s: %w", name, err)
		}
		holder := name
		if cert, err := x509.ParseCertificate(p.Slots[piv.Slot(0x9A)].Cert); err == nil {
			holder = cert.Subject.CommonName
		}
		h.cards[name] = &card{c, holder, p.PIN}
	}
	h.scanner.Scanner = codescanner.New(new(codescanner.SSI))
	h.cabinet.board = new(firmataemu.Board)
	h.cabinet.wire()
	h.notes.Validator = ccnet.New(ccnet.Manats, 1)
	for _, at := range []struct {
		name string
		dev  pty.Device
		port **pty.Port
	}{
		{"reader", h.chip, &h.reader},
		{"printer", h.printer, &h.paper},
		{"scanner", h.scanner, &h.scanner.line},
		{"io", h.cabinet.board, &h.cabinet.line},
		{"notes", h.notes.Validator, &h.notes.line},
	} {
		p, err := pty.Attach(filepath.Join(w.Ports(), at.name), at.dev)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("bench: %w", err), h.close())
		}
		*at.port = p
		h.lines = append(h.lines, p)
	}
	h.sheets = sheets{Printer: ippprinter.New(ippprinter.Opts{Sheet: 2 * time.Second}), paper: device.PaperFull, toner: 70}
	var err error
	if h.sheets.port, err = ippprinter.Attach(filepath.Join(w.Ports(), "sheets"), h.sheets.Printer); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: %w", err), h.close())
	}
	h.readOffset()
	return h, nil
}

func (h *hands) close() error {
	var errs []error
	if h.sheets.port != nil {
		errs = append(errs, h.sheets.port.Close())
	}
	for _, p := range h.lines {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

func (h *hands) insert(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.cards[name]
	if !ok {
		return fmt.Errorf("card: there is no card %q", name)
	}
	h.chip.Insert(c.Card)
	h.inside = name
	return nil
}

func (h *hands) remove() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chip.Remove()
	h.inside = ""
}

// restore gives a card's PIN back its tries: as if it were a new card.
func (h *hands) restore(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.cards[name]
	if !ok {
		return fmt.Errorf("card: there is no card %q", name)
	}
	c.Restore()
	return nil
}

// Faults of the next APDU, by the words of the API.
var readerFaults = map[string]pn532emu.Fault{
	"pull-before": pn532emu.PullBefore, "pull-after": pn532emu.PullAfter, "mute": pn532emu.Mute,
	"no-ack": pn532emu.NoACK, "damage": pn532emu.DamageTwice, "stale": pn532emu.Stale,
	"late": pn532emu.Late, "garbage": pn532emu.Garbage,
}

// Moments of the commands to a card, by the words of the API: the instruction
// bytes of VERIFY and GENERAL AUTHENTICATE.
var readerMoments = map[string]byte{"pin": 0x20, "sign": 0x87}

func plug(p *pty.Port, link string) error {
	switch link {
	case "":
		return nil
	case "plugged":
		return p.Replug()
	case "unplugged":
		return p.Unplug()
	}
	return fmt.Errorf("link: got %q, want plugged or unplugged", link)
}

func plugged(p *pty.Port) string {
	if p.Plugged() {
		return "plugged"
	}
	return "unplugged"
}

// The printer's paper in the words of the API.
var paperWords = map[string]device.Paper{
	"ok": device.PaperFull, "low": device.PaperLow, "out": device.PaperOut, "jam": device.PaperJammed,
}

func paperWord(p device.Paper) string {
	for w, v := range paperWords {
		if v == p {
			return w
		}
	}
	return "unknown"
}

var lies = map[string]printer.Lie{
	"": printer.Honest, "none": printer.Honest, "never-confirms": printer.NeverConfirms,
	"wrong-id": printer.WrongID, "always-fine": printer.AlwaysFine, "deaf": printer.Deaf,
}

// printerOrder is the body of POST /api/printer.
type printerOrder struct {
	Paper   string  `json:"paper"` // ok, low, out, jam
	Cover   string  `json:"cover"` // closed, open
	Link    string  `json:"link"`  // plugged, unplugged
	Lie     *string `json:"lie"`   // none, never-confirms, wrong-id, always-fine, deaf
	Tear    bool    `json:"tear"`
	AfterMM float64 `json:"after_mm"` // do it when so much more paper has been printed
}

// check finds fault before anything is done.
func (o printerOrder) check() error {
	if _, ok := paperWords[o.Paper]; o.Paper != "" && !ok {
		return fmt.Errorf("paper: got %q, want ok, low, out or jam", o.Paper)
	}
	if o.Cover != "" && o.Cover != "closed" && o.Cover != "open" {
		return fmt.Errorf("cover: got %q, want closed or open", o.Cover)
	}
	if o.Link != "" && o.Link != "plugged" && o.Link != "unplugged" {
		return fmt.Errorf("link: got %q, want plugged or unplugged", o.Link)
	}
	if o.Lie != nil {
		if _, ok := lies[*o.Lie]; !ok {
			return fmt.Errorf("lie: got %q, want none, never-confirms, wrong-id, always-fine or deaf", *o.Lie)
		}
	}
	if o.AfterMM < 0 || o.AfterMM > 1000 {
		return fmt.Errorf("after_mm: got %v, want 0 to 1000", o.AfterMM)
	}
	return nil
}

func (h *hands) order(o printerOrder) error {
	if err := o.check(); err != nil {
		return err
	}
	do := func() error {
		if o.Paper != "" {
			h.printer.SetPaper(paperWords[o.Paper])
		}
		switch o.Cover {
		case "open":
			h.printer.SetCover(device.CoverOpen)
		case "closed":
			h.printer.SetCover(device.CoverClosed)
		}
		if o.Lie != nil {
			h.printer.SetLie(lies[*o.Lie])
		}
		if o.Tear {
			h.printer.Tear()
		}
		return plug(h.paper, o.Link)
	}
	if o.AfterMM == 0 {
		return do()
	}
	h.afterMM(o.AfterMM, func() { _ = do() }) // it was checked
	return nil
}

// afterMM runs f when so much more paper has been printed.
func (h *hands) afterMM(mm float64, f func()) {
	h.printer.After(int(mm*203/25.4), func() { go f() })
}

func (h *hands) offsetFile() string { return filepath.Join(h.world.Ports(), "clock-offset") }

func (h *hands) readOffset() {
	b, err := os.ReadFile(h.offsetFile())
	if err != nil {
		return
	}
	if d, err := time.ParseDuration(strings.TrimSpace(string(b))); err == nil {
		h.offset = d
	}
}

// setClock steps the kiosk's clock: offset is how far it is from the true time.
func (h *hands) setClock(offset time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := h.offsetFile()
	if err := os.WriteFile(name+".new", []byte(offset.String()+"\n"), 0o600); err != nil {
		return fmt.Errorf("bench: step the clock: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("bench: step the clock: %w", err)
	}
	h.offset = offset
	return nil
}
