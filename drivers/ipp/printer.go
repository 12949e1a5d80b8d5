package ipp

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/OpenPrinting/goipp"

	"github.com/penjire/penjire/drivers/device"
)

// A4 in hundredths of a millimetre, and its name (PWG 5101.1).
const (
	a4Width  = 21000
	a4Height = 29700
	a4Name   = "iso_a4_210x297mm"
)

// stateAttributes are what changes from moment to moment; allAttributes are what a
// job needs known, too.
var (
	stateAttributes = []string{
		"printer-state", "printer-state-reasons", "printer-is-accepting-jobs", "media-ready",
		"marker-names", "marker-types", "marker-levels", "marker-low-levels", "marker-high-levels",
		"printer-supply", "printer-supply-description", "printer-input-tray",
	}
	allAttributes = append([]string{
		"document-format-supported", "operations-supported", "job-creation-attributes-supported",
		"pwg-raster-document-type-supported", "pwg-raster-document-resolution-supported",
		"copies-supported", "sides-supported",
	}, stateAttributes...)
)

// The values of printer-state (RFC 8011, 5.4.11).
const (
	stateIdle       = 3
	stateProcessing = 4
	stateStopped    = 5
)

// printer is what a printer says of itself.
type printer struct {
	state     int
	reasons   []string
	accepting bool
	readySaid bool // it says what lies in its trays
	ready     []string
	a4Tray    bool // it says of a tray that there is A4 in it
	supplies  []device.Supply

	// Only of allAttributes.
	formats, creation, types, sides []string
	operations                      []int
	dpis                            []int
	maxCopies                       int
}

// readPrinter reads an answer to Get-Printer-Attributes.
func readPrinter(m *goipp.Message) (*printer, error) {
	a := m.Printer
	p := &printer{
		state: number(a, "printer-state", 0), reasons: words(a, "printer-state-reasons"), accepting: true,
		ready:   words(a, "media-ready"),
		formats: words(a, "document-format-supported"), creation: words(a, "job-creation-attributes-supported"),
		types: words(a, "pwg-raster-document-type-supported"), sides: words(a, "sides-supported"),
		operations: numbers(a, "operations-supported"), maxCopies: 1,
	}
	if p.state < stateIdle || p.state > stateStopped {
		return nil, fmt.Errorf("printer-state is %d, want 3 to 5: %w", p.state, device.ErrProtocol)
	}
	if v := find(a, "printer-is-accepting-jobs"); len(v) == 1 {
		if b, ok := v[0].V.(goipp.Boolean); ok {
			p.accepting = bool(b)
		}
	}
	// Empty trays are said as no-value, which is not a word; not saying is different.
	if v := find(a, "media-ready"); len(v) > 0 && v[0].T != goipp.TagUnsupportedValue && v[0].T != goipp.TagUnknown {
		p.readySaid = true
	}
	for _, v := range find(a, "pwg-raster-document-resolution-supported") {
		if r, ok := v.V.(goipp.Resolution); ok && r.Xres == r.Yres && r.Units == goipp.UnitsDpi && r.Xres >= 72 && r.Xres <= 2400 {
			p.dpis = append(p.dpis, r.Xres)
		}
	}
	if v := find(a, "copies-supported"); len(v) == 1 {
		if r, ok := v[0].V.(goipp.Range); ok {
			p.maxCopies = max(1, r.Upper)
		}
	}
	for _, tray := range octets(a, "printer-input-tray") {
		p.a4Tray = p.a4Tray || tray["mediafeed"] == "29700" && tray["mediaxfeed"] == "21000" && tray["level"] != "0"
	}
	p.supplies = readSupplies(a)
	return p, nil
}

func (p *printer) same(q *printer) bool { return reflect.DeepEqual(p.state3(), q.state3()) }

// state3 returns what watchers care for.
func (p *printer) state3() any {
	if p == nil {
		return nil
	}
	return []any{p.state, p.reasons, p.accepting, p.ready, p.a4Tray, p.supplies}
}

// a4Ready reports whether the printer says that A4 lies in a tray.
func (p *printer) a4Ready() bool {
	// Names end in the size (PWG 5101.1, 5); trays may be named differently.
	return slices.ContainsFunc(p.ready, func(s string) bool { return strings.HasSuffix(s, "_210x297mm") })
}

// knows reports whether the printer knows operation op.
func (p *printer) knows(op goipp.Op) bool { return slices.Contains(p.operations, int(op)) }
