package main

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

// slots is an installer on a machine where nobody ever lets it install.
type slots struct{}

func (slots) Install(context.Context, string, func(int, string)) error { return errors.New("not here") }
func (slots) MarkGood(context.Context) error                           { return nil }
func (slots) ActivateOther(context.Context) error                      { return nil }
func (slots) Booted(context.Context) (string, error)                   { return "A", nil }
func (slots) Room(context.Context) int64                               { return 64 << 20 }

// updates makes the releases, and what the kiosk needs to take one.
func (f *fixture) updates() *kiosk.Updates {
	t := f.t
	w := releasetest.New(t, time.Now())
	bundle := []byte("a bundle of software")
	for name, change := range map[string]func(*release.Release){
		"new":   func(*release.Release) {},
		"older": func(r *release.Release) { r.Build = 4 },
		"rpi4":  func(r *release.Release) { r.Board = "rpi4" },
		"half":  func(r *release.Release) { r.Build, r.Version = 8, "0.6.8" },
	} {
		d := w.Release(t, 7, bundle)
		d.Board = "bench"
		change(&d)
		f.write("releases/"+name+".release", w.Sign(t, d))
		f.write("releases/"+name+".raucb", bundle)
	}
	f.write("releases/half.raucb", bundle[:4])
	foreign := w.Release(t, 9, bundle)
	foreign.Board = "bench"
	f.write("releases/foreign.release", releasetest.New(t, time.Now()).Sign(t, foreign))
	f.write("releases/foreign.raucb", bundle)
	return &kiosk.Updates{
		Release: layout.Release{Board: "bench", Version: "0.6.5", Build: time.Unix(5, 0), DataFormat: 1},
		Roots:   []*x509.Certificate{w.Root.Cert}, Boot: "1", Installer: slots{}, Restart: func(context.Context) error { return nil },
	}
}
