package demo

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/settings"
	onetime "github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/portal"
)

// The new board has a set-up that can be read; started again before it is enrolled it
// keeps its code, and afterwards its settings: only the addresses are others.
func TestFresh(t *testing.T) {
	w, err := Open(t.TempDir(), now)
	must(t, err)
	w = w.Fresh()
	a := Addresses{Screen: "127.0.0.1:1001", Sync: "127.0.0.1:1002", EST: "127.0.0.1:1003", Public: "http://127.0.0.1:1004", Frames: "http://127.0.0.1:1005"}
	must(t, w.WriteSetup(a))
	file := filepath.Join(w.Kiosk(), enrol.SetupFile)
	read := func() enrol.Setup {
		b, err := os.ReadFile(file)
		must(t, err)
		s, err := enrol.ParseSetup(b)
		must(t, err)
		return s
	}
	s := read()
	if s.Kiosk != NewKiosk || s.Portal.EST != "https://127.0.0.1:1003" || !s.Code.IsZero() || !enrol.Due(w.Settings()) {
		t.Errorf("the set-up: %v", s)
	}
	s.Code = onetime.NewCode()
	b, err := s.Marshal()
	must(t, err)
	must(t, os.WriteFile(file, b, 0o600))
	a.EST = "127.0.0.1:2003"
	must(t, w.WriteSetup(a))
	if again := read(); again.Portal.EST != "https://127.0.0.1:2003" || again.Code.Reveal() != s.Code.Reveal() {
		t.Errorf("prepared again: %v, want another address and the same code", again)
	}

	m := map[string]any{
		"kiosk": NewKiosk, "board": "bench", "state": "state", "roots": "roots.pem", "trust": "trust.cbor", "catalogue": "catalogue.cbor",
		"portal":   map[string]string{"url": "wss://127.0.0.1:1/sync"},
		"identity": map[string]string{"cert": "a", "key": "b"}, "signing": map[string]string{"cert": "c", "key": "d"},
	}
	b, err = json.Marshal(m)
	must(t, err)
	must(t, os.WriteFile(w.Settings(), b, 0o600))
	must(t, w.WriteSetup(a))
	got, err := settings.Load(w.Settings())
	must(t, err)
	if got.Portal.EST != "https://127.0.0.1:2003" || got.Listen != a.Screen || got.Kiosk != NewKiosk || !strings.HasSuffix(got.Ports, "kiosk/ports") {
		t.Errorf("settings of the enrolled board: %+v", got)
	}
}

// A world from before portals issued certificates says so.
func TestFreshInAnOldWorld(t *testing.T) {
	w, err := Open(t.TempDir(), now)
	must(t, err)
	p, err := portal.ReadFile(w.Portal())
	must(t, err)
	p.Enrol = nil
	must(t, portal.WriteFile(w.Portal(), p))
	if err := w.Fresh().WriteSetup(Addresses{}); !errors.Is(err, ErrNoEnrolment) {
		t.Errorf("WriteSetup = %v, want ErrNoEnrolment", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
