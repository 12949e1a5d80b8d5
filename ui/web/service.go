// Package web serves the screens to the kiosk's own browser on loopback. It
// knows views and actions and nothing of cards, queues or networks: those are
// behind [Kiosk], which the kiosk hands in.
package web

import (
	"context"
	"errors"
	"net/url"

	"github.com/penjire/penjire/ui/screen"
)

// ErrVisitOver is returned for a visit that has ended or never was. The server
// answers it with the start page and shows nothing of the old visit.
var ErrVisitOver = errors.New("the visit is over")

// Kiosk is what the screens need of a kiosk.
//
// Contract: View never blocks on hardware, disk or network. Do returns when the
// action has been taken into the visit's state; long work (signing, printing)
// goes on behind it while the view says «working». Both may be called at once.
type Kiosk interface {
	// Begin starts a visit in lang and returns its opaque id. A visit that was
	// still open is ended first: one screen, one citizen.
	Begin(ctx context.Context, lang string) (visit string, err error)
	// Start returns the start page's view.
	Start(ctx context.Context) screen.View
	// View returns the visit's page as it is now.
	View(ctx context.Context, visit string) (screen.View, error)
	// Do takes one action. Actions that the page does not offer change nothing.
	Do(ctx context.Context, visit string, a Action) error
	// Changes yields a value whenever a page may look different from before,
	// until ctx ends. It carries no personal data.
	Changes(ctx context.Context) <-chan Change
}

// Action is what a hand did: a button, or an answer.
type Action struct {
	Name   string // lang, size, theme, back, help, end, stay, apply, requests, track, choose, begin, accept, decline, yes, no, answer, change, confirm, pin, print, reprint, open, correct, withdraw, retry, finish
	Values url.Values
}

// Change tells the page that something is new. Rev rises; a page that shows an
// older one asks again.
type Change struct {
	Rev     uint64         `json:"rev"`
	Visit   string         `json:"-"` // whose page; "" everyone's
	Reload  bool           `json:"reload"`
	Devices screen.Devices `json:"devices"`
}
