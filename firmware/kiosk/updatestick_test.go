package kiosk

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/firmware/update"
	releases "github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
	"github.com/penjire/penjire/ui/screen"
)

// slots is an installer on a machine where nobody ever lets it install.
type slots struct{}

func (slots) Install(context.Context, string, func(int, string)) error { return errors.New("not here") }
func (slots) MarkGood(context.Context) error                           { return nil }
func (slots) ActivateOther(context.Context) error                      { return nil }
func (slots) Booted(context.Context) (string, error)                   { return "A", nil }
func (slots) Room(context.Context) int64                               { return 64 << 20 }

// onStick is a kiosk with two slots, and a stick that releases can be put on.
func onStick(t *testing.T) (r *rig, put func(name string, build uint64, change func(*releases.Release), bundle []byte)) {
	t.Helper()
	r = newRig(t)
	w := releasetest.New(t, time.Now())
	s := r.settings()
	s.Portal.URL = "wss://127.0.0.1:1/sync"
	s.Stick = filepath.Join(t.TempDir(), "stick")
	r.must(os.Mkdir(s.Stick, 0o700))
	if err := unix.Mount("tmpfs", s.Stick, "tmpfs", 0, "size=16m"); err != nil {
		if os.Getenv("PENJIRE_PEERS") == "require" {
			t.Fatalf("mount a small file system: %v", err)
		}
		t.Skipf("LEFT OUT: new software on a stick: mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(s.Stick, unix.MNT_DETACH) })
	r.updates = &Updates{
		Release: layout.Release{Board: "bench", Version: "0.6.1", Build: time.Unix(5, 0), DataFormat: 1},
		Roots:   []*x509.Certificate{w.Root.Cert}, Boot: "1", Installer: slots{}, Restart: func(context.Context) error { return nil },
	}
	r.startWith(s)
	return r, func(name string, build uint64, change func(*releases.Release), bundle []byte) {
		t.Helper()
		d := w.Release(t, build, bundle)
		d.Board = "bench"
		if change != nil {
			change(&d)
		}
		r.must(os.WriteFile(filepath.Join(s.Stick, name+update.BundleExt), bundle, 0o600))
		r.must(os.WriteFile(filepath.Join(s.Stick, name+update.DescriptionExt), w.Sign(t, d), 0o600))
	}
}

// assistant opens the assistant's page.
func (r *rig) assistant(lang string) {
	r.t.Helper()
	r.begin(lang)
	r.do("help")
	r.do("assist")
}

// TestSoftwareOnStick: what lies on a stick that is put in is told on the start page and
// on the assistant's, who is asked once; it is copied only when their card says so, and
// then waits for the night without the stick.
func TestSoftwareOnStick(t *testing.T) {
	r, put := onStick(t)
	software := func() screen.UpdateView {
		if v := r.view(); v.Assist != nil {
			return v.Assist.Update
		}
		return screen.UpdateView{}
	}
	bundle := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // three chunks
	put("new", 7, nil, bundle)
	r.until("the start page to say so", func() bool { return r.k.Start(r.live).Start.Stick == screen.UpdateOffered })

	r.assistant("en")
	if u := software(); u.State != screen.UpdateOffered || u.Version != "0.6.7" || u.Running != "0.6.1" || u.Size != int64(len(bundle)) {
		t.Fatalf("the assistant is told %+v, want that 0.6.7 is offered", u)
	}
	r.do("tonight")
	r.insert("citizen-1")
	r.until("that the card is refused", func() bool { v := r.view(); return v.Card != nil && v.Card.State == "assistant" })
	if _, err := os.Stat(filepath.Join(r.dir, "state", "update", "bundle.raucb")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("with a citizen's card: %v, want that nothing is copied", err)
	}
	r.chip.Remove()
	r.insert("assistant")
	r.until("that it waits for the night", func() bool { return software().State == screen.UpdateNight })
	r.chip.Remove()
	if u := software(); u.Night != "02:00–05:00" || u.Version != "0.6.7" {
		t.Errorf("the assistant is told %+v, want when it is installed", u)
	}
	b, err := os.ReadFile(filepath.Join(r.dir, "state", "update", "bundle.raucb"))
	if err != nil || !bytes.Equal(b, bundle) {
		t.Errorf("in the kiosk are %d bytes, %v, want the bundle", len(b), err)
	}
	if s := r.k.Start(r.live).Start.Stick; s != "" {
		t.Errorf("the start page says %q, want nothing: it was answered", s)
	}
}

// TestSoftwareRefused: each reason not to take what is on the stick is told in words of
// the page's language, and «no» is an answer.
func TestSoftwareRefused(t *testing.T) {
	r, put := onStick(t)
	bundle := []byte("a bundle")
	put("half", 7, func(d *releases.Release) { d.Content.Size = 9 }, bundle)
	r.until("the start page to say so", func() bool { return r.k.Start(r.live).Start.Stick == screen.UpdateRefused })
	r.assistant("ru")
	u := r.view().Assist.Update
	if want := releases.Say("ru", "release.corrupt"); u.State != screen.UpdateRefused || u.Says != want.Says || u.Do != want.Do {
		t.Errorf("the assistant is told %+v, want that it is damaged", u)
	}
	r.do("tonight") // there is no such button
	if v := r.view(); v.Screen != screen.Assist {
		t.Errorf("the page is %s, want the assistant's", v.Screen)
	}
	put("half", 8, nil, bundle)
	r.until("that the other is offered", func() bool { return r.view().Assist.Update.State == screen.UpdateOffered })
	r.do("leave")
	r.until("that it is not asked again", func() bool { return r.view().Assist.Update.State == "" })
	if r.k.Start(r.live).Start.Stick != "" {
		t.Error("the start page asks again")
	}
	if st := r.k.upd.Status().Report; st.Phase != "idle" || st.Last != nil {
		t.Errorf("after a no it is in %s, %+v, want that nothing happened", st.Phase, st.Last)
	}
}
