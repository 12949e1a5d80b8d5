package update

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/release/releasetest"
)

// still is an installer of a machine on which nothing is installed.
type still struct{}

func (still) Install(context.Context, string, func(int, string)) error { return errors.New("not here") }
func (still) MarkGood(context.Context) error                           { return nil }
func (still) ActivateOther(context.Context) error                      { return nil }
func (still) Booted(context.Context) (string, error)                   { return "A", nil }
func (still) Room(context.Context) int64                               { return 8 << 20 }

// TestFindAndExamine: of what lies on a stick the newest release for the board is found,
// and everything that would not be taken is said before anything is copied.
func TestFindAndExamine(t *testing.T) {
	w := releasetest.New(t, time.Now())
	u, err := Open(t.Context(), Config{
		Dir: t.TempDir(), Roots: []*x509.Certificate{w.Root.Cert}, Own: Own{Board: "vm", Version: "0.6.1", Build: 5, Format: 1}, Boot: "1", Installer: still{},
	})
	if err != nil {
		t.Fatal(err)
	}
	bundle := bytes.Repeat([]byte("bundle"), 1000)
	stick := t.TempDir()
	put := func(name string, signed, bundle []byte) {
		t.Helper()
		for ext, b := range map[string][]byte{DescriptionExt: signed, BundleExt: bundle} {
			if b == nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(stick, name+ext), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	sign := func(build uint64, change func(*release.Release)) []byte {
		r := w.Release(t, build, bundle)
		if change != nil {
			change(&r)
		}
		return w.Sign(t, r)
	}
	code := func(err error) release.Code {
		if no, ok := errors.AsType[*Refused](err); ok {
			return no.Code
		}
		return ""
	}

	if _, err := Find(stick, "vm"); !errors.Is(err, ErrNone) {
		t.Errorf("Find in an empty folder = %v, want ErrNone", err)
	}
	if _, err := Find(filepath.Join(stick, "nowhere"), "vm"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Find = %v, want ErrNotExist", err)
	}
	put("rpi", sign(9, func(r *release.Release) { r.Board = "rpi4" }), bundle)
	if _, err := Find(stick, "vm"); code(err) != release.CodeBoard {
		t.Errorf("Find of another board's = %v, want %s", err, release.CodeBoard)
	}
	put("._seven", []byte("of another system"), nil)
	put("junk", []byte("junk"), nil)
	f, err := Find(stick, "vm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = u.Examine(f); code(err) != release.CodeForm {
		t.Errorf("Examine of junk = %v, want %s", err, release.CodeForm)
	}
	put("six", sign(6, nil), bundle)
	put("seven", sign(7, nil), bundle)
	for _, path := range []string{stick, filepath.Join(stick, "seven.raucb"), filepath.Join(stick, "seven.release")} {
		f, err := Find(path, "vm")
		if err != nil || f.Bundle != filepath.Join(stick, "seven.raucb") || f.Size != int64(len(bundle)) {
			t.Fatalf("Find(%s) = %s, %d, %v, want build 7", path, f.Bundle, f.Size, err)
		}
		if r, err := u.Examine(f); err != nil || r.Build != 7 {
			t.Errorf("Examine = %v, %v, want that it would be taken", r, err)
		}
	}
	stranger := releasetest.New(t, time.Now())
	for name, tt := range map[string]struct {
		signed, bundle []byte
		want           release.Code
	}{
		"half":    {sign(8, nil), bundle[:100], release.CodeCorrupt},
		"alone":   {sign(8, nil), nil, release.CodeCorrupt},
		"older":   {sign(4, nil), bundle, release.CodeOlder},
		"large":   {sign(8, func(r *release.Release) { r.Room = 9 << 20 }), bundle, release.CodeSize},
		"lab":     {sign(8, func(r *release.Release) { r.Ring = release.Lab }), bundle, release.CodeRing},
		"foreign": {stranger.Sign(t, w.Release(t, 8, bundle)), bundle, release.CodeSignature},
	} {
		put(name, tt.signed, tt.bundle)
		f, err := Find(filepath.Join(stick, name+DescriptionExt), "vm")
		if err == nil {
			_, err = u.Examine(f)
		}
		if code(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if s := u.Status().Report; s.Phase != "idle" || s.Last != nil {
		t.Errorf("after looking alone it is in %s, %+v, want that nothing happened", s.Phase, s.Last)
	}
}

// TestTonight: what somebody chose for the night waits for it, takes the place of a
// download of the same, and is brought forward by «now».
func TestTonight(t *testing.T) {
	w := releasetest.New(t, time.Now())
	r := w.Release(t, 7, []byte("bundle"))
	signed, _, err := release.Open(w.Sign(t, r), w.Keys)
	if err != nil {
		t.Fatal(err)
	}
	f := Facts{Now: noon, Own: Own{Board: "vm", Build: 5, Format: 1}, Room: 1 << 30, Link: true, Calm: time.Hour}
	s, _ := Next(New(), Offered{Release: signed}, f)
	if s.Phase != release.Downloading || s.Path != "" {
		t.Fatalf("offered by the portal: %+v", s)
	}
	s, _ = Next(s, Offered{Release: signed, Path: "/stick/b", Hand: true, Wait: true}, f)
	if s.Path != "/stick/b" || s.Hand {
		t.Fatalf("chosen for the night: path %q, hand %v, want the stick's and false", s.Path, s.Hand)
	}
	s, _ = Next(s, Whole{}, f)
	if n, _ := Next(s, Tick{}, f); n.Phase != release.Staged {
		t.Errorf("by day it is in %s, want staged", n.Phase)
	}
	f.Quiet = true
	if n, _ := Next(s, Tick{}, f); n.Phase != release.Installing {
		t.Errorf("by night it is in %s, want installing", n.Phase)
	}
	f.Quiet = false
	s, _ = Next(s, Offered{Release: signed, Path: "/stick/b", Hand: true}, f)
	if n, _ := Next(s, Tick{}, f); n.Phase != release.Installing {
		t.Errorf("brought forward it is in %s, want installing", n.Phase)
	}
}

// TestStickCut: a stick that goes, and a disk that is full, end it with words of their
// own and leave no half bundle behind.
func TestStickCut(t *testing.T) {
	for want, e := range map[release.Code]Cut{release.CodeInterrupted: {}, release.CodeSize: {Full: true}} {
		s := State{Phase: release.Downloading, Path: "/stick/b", Target: Target{Build: 7, Version: "0.6.2"}}
		n, do := Next(s, e, Facts{Now: noon})
		if n.Phase != release.Idle || n.Last.Code != want || len(do) != 2 || do[0] != Effect(Drop{}) {
			t.Errorf("Next(%+v) = %s, %s, %v, want %s and the bundle dropped", e, n.Phase, n.Last.Code, do, want)
		}
	}
}
