package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/sync/portal"
)

// NewKiosk is the number of the board that has no certificates yet.
const NewKiosk = "K-000002"

// Fresh returns the world with a new board in its cabinet: one that was just flashed
// and has to be enrolled. Both boards keep what they have while the other is in.
func (w *World) Fresh() *World {
	fresh := *w
	fresh.fresh = true
	return &fresh
}

// IsFresh reports whether the kiosk is the new board, enrolled or not.
func (w *World) IsFresh() bool { return w.fresh }

// ErrNoEnrolment says that a world is older than enrolment.
var ErrNoEnrolment = errors.New("this world's portal issues no certificates: it was made before portals could; choose another folder, or clear this one")

// WriteSetup prepares the new board for these addresses: before its first start it has
// a set-up, as `penjire flash` writes one, without a code; later only the addresses in
// its settings change.
func (w *World) WriteSetup(a Addresses) error {
	p, err := portal.ReadFile(w.Portal())
	if err != nil {
		return fmt.Errorf("demo: prepare the new board: %w", err)
	}
	if p.Enrol == nil {
		return fmt.Errorf("demo: prepare the new board: %w", ErrNoEnrolment)
	}
	to := enrol.Portal{URL: "wss://" + a.Sync + "/sync", EST: "https://" + a.EST, PublicURL: a.Public, ServerName: "portal.specimen"}
	b, err := os.ReadFile(w.Settings())
	if err == nil {
		return w.readdress(b, a, to)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("demo: prepare the new board: %w", err)
	}
	s := enrol.Setup{Kiosk: NewKiosk, Place: place}
	b, err = os.ReadFile(filepath.Join(w.Kiosk(), enrol.SetupFile))
	if err == nil { // it was started, and may have a code by now
		s, err = enrol.ParseSetup(b)
	} else if errors.Is(err, os.ErrNotExist) {
		b, err = os.ReadFile(filepath.Join(w.Portal(), p.Roots))
		s.Roots = string(b)
	}
	if err != nil {
		return fmt.Errorf("demo: prepare the new board: %w", err)
	}
	own := map[string]any{"listen": a.Screen, "ports": w.Ports()}
	if a.Frames != "" {
		own["frames"] = a.Frames
	}
	s.Portal = to
	if s.Settings, err = json.Marshal(own); err != nil {
		return fmt.Errorf("demo: prepare the new board: %w", err)
	}
	if b, err = s.Marshal(); err != nil {
		return fmt.Errorf("demo: prepare the new board: %w", err)
	}
	f := files{dir: w.Kiosk()}
	// In files also where this machine has a TPM: that is not the demonstration's.
	f.write("keys.json", []byte(`{"schema":"penjire-keys/1","tpm":""}`+"\n"))
	f.write(enrol.SetupFile, b)
	if f.err != nil {
		return fmt.Errorf("demo: prepare the new board: %w", f.err)
	}
	return nil
}

// readdress changes the addresses in settings that enrolment made.
func (w *World) readdress(b []byte, a Addresses, to enrol.Portal) error {
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("demo: read the new board's settings: %w", err)
	}
	m["listen"], m["ports"] = a.Screen, w.Ports()
	if a.Frames != "" {
		m["frames"] = a.Frames
	}
	m["portal"] = map[string]string{"url": to.URL, "est": to.EST, "public_url": to.PublicURL, "server_name": to.ServerName}
	return w.keepSettings(m)
}
