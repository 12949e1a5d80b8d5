package main

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/update"
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

// TestShowUpdate: how much comes over the network is said, and why where it is all.
func TestShowUpdate(t *testing.T) {
	s := update.Status{
		Report:  release.Report{Board: "vm", Version: "0.6.7", Build: 7, Slot: "A", Phase: "downloading", Target: 8, Have: 400_000_000},
		Version: "0.6.8", Size: 433_898_751, Fetch: 12_700_000, Fetched: 5_000_000, Base: 433_894_655,
	}
	shown := func(lang string) string {
		var b strings.Builder
		showUpdate(&b, s, lang)
		return b.String()
	}
	if got, want := shown("en"), "over the network: 12.7 of 433.9 MB; of them fetched: 5.0 MB"; !strings.Contains(got, want) || strings.Contains(got, "whole.") {
		t.Errorf("a difference: got %q, want %q", got, want)
	}
	s.Whole = release.WholeRoom
	for lang, want := range map[string]string{"tk": "diskde iki", "ru": "нет места для двух", "en": "no room for two updates. (whole.room)"} {
		if got := shown(lang); !strings.Contains(got, want) {
			t.Errorf("the whole, in %s: got %q, want %q", lang, got, want)
		}
	}
	s.Stick, s.Whole = true, ""
	if got := shown("en"); strings.Contains(got, "network") {
		t.Errorf("from a stick: got %q, want no word of the network", got)
	}
	s.Report.Target, s.Report.Phase = 0, "idle"
	if got, want := shown("en"), "kept to compare the next one with: 433.9 MB"; !strings.Contains(got, want) {
		t.Errorf("at rest: got %q, want %q", got, want)
	}
}
