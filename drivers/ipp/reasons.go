package ipp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penjire/penjire/drivers/device"
)

// meaning is what a printer-state-reason says, for us.
type meaning int

const (
	noPaper  meaning = 1
	lowPaper meaning = 2
	jammed   meaning = 3
	isOpen   meaning = 4
	noToner  meaning = 5
	lowToner meaning = 6
	mendable meaning = 7 // something that a person at the printer can mend
	broken   meaning = 8
	away     meaning = 9 // it does not take part: paused, shutting down
	full     meaning = 10
)

// reasons are the keywords of RFC 8011, 5.4.12, and PWG 5100.9, 5.2, without their
// severity.
var reasons = map[string]meaning{
	"media-empty":       noPaper,
	"media-needed":      noPaper,
	"media-low":         lowPaper,
	"media-jam":         jammed,
	"cover-open":        isOpen,
	"door-open":         isOpen,
	"interlock-open":    isOpen,
	"toner-empty":       noToner,
	"toner-low":         lowToner,
	"developer-empty":   noToner,
	"developer-low":     lowToner,
	"marker-waste-full": noToner, "marker-waste-almost-full": lowToner,
	"marker-supply-empty": noToner, "marker-supply-low": lowToner,
	"marker-supply-missing": mendable,
	"input-tray-missing":    mendable,
	"output-tray-missing":   mendable,
	"output-area-full":      mendable,
	"opc-life-over":         noToner,
	"opc-near-eol":          lowToner,
	"fuser-over-temp":       broken,
	"fuser-under-temp":      broken,
	"paused":                away,
	"moving-to-paused":      away,
	"shutdown":              away,
	"connecting-to-device":  away,
	"timed-out":             away,
	"stopped-partly":        mendable,
	"hold-new-jobs":         away,
	"deactivated":           away,
	"spool-area-full":       full,
}

// reason takes a reason apart: what it means (0: nothing to us) and whether it
// keeps the printer from printing. Without a severity it is taken for an error.
func reason(s string) (m meaning, stops bool) {
	stops = true
	for _, suffix := range []string{"-report", "-warning", "-error"} {
		if b, ok := strings.CutSuffix(s, suffix); ok {
			s, stops = b, suffix == "-error"
			break
		}
	}
	return reasons[s], stops
}

// says reports whether any reason means m; hard: one that stops the printer.
func (p *printer) says(m meaning, hard bool) bool {
	return slices.ContainsFunc(p.reasons, func(s string) bool {
		got, stops := reason(s)
		return got == m && (stops || !hard)
	})
}

// media returns paper and cover. A tray that is empty is nothing to us while the
// printer says of another that it has A4: media-ready alone does not say it, since
// many printers list there what an empty tray is set to. A printer that has other
// paper only is out of ours.
func (p *printer) media(anyMedia bool) device.Media {
	m := device.Media{Paper: device.PaperUnknown, Cover: device.CoverClosed}
	if p.says(isOpen, false) {
		m.Cover = device.CoverOpen
	}
	trusts := p.readySaid && !anyMedia
	switch {
	case p.says(jammed, false):
		m.Paper = device.PaperJammed
	case p.says(noPaper, true), trusts && !p.a4Ready(), p.says(noPaper, false) && !p.a4Tray:
		m.Paper = device.PaperOut
	case p.says(lowPaper, false), p.says(noPaper, false):
		m.Paper = device.PaperLow
	case p.readySaid || p.state != stateStopped:
		m.Paper = device.PaperFull
	}
	return m
}

// health returns the state of the whole device.
func (p *printer) health(anyMedia bool) device.Health {
	m := p.media(anyMedia)
	switch {
	case p.says(broken, true):
		return device.HardwareError
	case m.Cover == device.CoverOpen, m.Paper == device.PaperOut, m.Paper == device.PaperJammed,
		p.says(noToner, true), p.says(mendable, true):
		return device.UserError
	case !p.accepting, p.says(away, true):
		return device.Offline
	case p.says(full, true):
		return device.Busy
	case p.state == stateStopped:
		return device.HardwareError // it says no reason that we know
	}
	return device.Online
}

// problem returns why nothing should be sent to the printer now, or nil.
func (p *printer) problem(anyMedia bool) error {
	m := p.media(anyMedia)
	switch {
	case m.Cover == device.CoverOpen:
		return device.ErrCoverOpen
	case m.Paper == device.PaperJammed:
		return device.ErrPaperJam
	case m.Paper == device.PaperOut && len(p.ready) > 0:
		return fmt.Errorf("%w of size A4: loaded is %s", device.ErrNoPaper, strings.Join(p.ready, ", "))
	case m.Paper == device.PaperOut:
		return device.ErrNoPaper
	case p.says(noToner, true):
		return device.ErrNoToner
	}
	switch h := p.health(anyMedia); h {
	case device.Online:
		return nil
	case device.Busy:
		return device.ErrBusy
	default:
		return fmt.Errorf("printer is %s: %w", strings.Join(p.reasons, ", "), errNotReady)
	}
}

// errNotReady is a printer that cannot print for a reason without a word of ours.
var errNotReady = errors.New("printer is not ready")
