package kiosk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/panel"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/durable"
	releases "github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/service"
	"github.com/penjire/penjire/sync/uplink"
)

// Settings from afar (sync/spec/wire.md, section 5b): what the portal's operator sets
// lies over the settings file, is kept over restarts as it was signed, and is in force
// at once.

// remoteFile has the last settings taken, signed.
const remoteFile = "settings.signed"

// remote is what is set from afar. It is not changed: a newer one takes its place.
type remote struct {
	version uint64
	all     settings.Settings // the file's, with what is set over them
	far     settings.Remote
	unknown []string        // names for newer software: kept, and not used
	faults  settings.Faults // values that cannot be used
}

// live returns the settings in force.
func (k *Kiosk) live() settings.Settings {
	if r := k.far.Load(); r != nil {
		return r.all
	}
	return k.s
}

// openRemote takes what was kept. What cannot be used any more is left out and said.
func (k *Kiosk) openRemote(ctx context.Context) {
	k.remoting.Lock()
	defer k.remoting.Unlock()
	k.openFloor()
	r, err := k.keptRemote()
	if err != nil {
		k.log.Warn("kept settings cannot be used", "err", err)
		k.set(health.SettingsRefused, true) // until the portal sends others
		return
	}
	if r == nil {
		return
	}
	if r.version > k.floor { // software of before kept none, or it is damaged
		if err := k.raiseFloor(r.version); err != nil {
			k.log.Warn("which settings were taken last is not kept apart from them", "err", err)
		}
	}
	k.putInForce(ctx, r)
}

// keptRemote returns the settings that were kept; nil: none ever were.
func (k *Kiosk) keptRemote() (*remote, error) {
	signed, err := os.ReadFile(filepath.Join(k.s.State, remoteFile))
	if errors.Is(err, os.ErrNotExist) && k.floor == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	r, err := k.readRemote(signed)
	if err == nil && r.version < k.floor {
		return nil, fmt.Errorf("kiosk: they are version %d, and version %d was taken", r.version, k.floor)
	}
	return r, err
}

// readRemote verifies settings, and says what of them is in force.
func (k *Kiosk) readRemote(signed []byte) (*remote, error) {
	s, err := service.OpenSettings(signed, k.know.trust(), k.s.Kiosk)
	if err != nil {
		return nil, fmt.Errorf("kiosk: take settings: %w: %w", uplink.ErrUnacceptable, err)
	}
	r := &remote{version: s.Version}
	if r.far, r.unknown, r.faults, err = settings.ParseRemote(s.Values); err != nil {
		return nil, fmt.Errorf("kiosk: take settings: %w: %w", uplink.ErrUnacceptable, err)
	}
	r.all = k.s.With(r.far)
	return r, nil
}

// Settings implements uplink.Sink.
func (s sink) Settings(signed []byte) error {
	k := s.k
	r, err := k.readRemote(signed)
	if err != nil {
		return err
	}
	k.remoting.Lock()
	defer k.remoting.Unlock()
	// Those of the floor itself are taken again where they are not in force: their file
	// was damaged, or the power went before it was there.
	if have := k.far.Load(); r.version < k.floor || have != nil && r.version <= have.version {
		return fmt.Errorf("kiosk: take settings version %d, took %d: %w", r.version, k.floor, uplink.ErrUnacceptable)
	}
	if r.version > k.floor {
		if err := k.raiseFloor(r.version); err != nil {
			return err
		}
	}
	if err := durable.WriteFile(filepath.Join(k.s.State, remoteFile), signed, 0o600); err != nil {
		return err
	}
	k.putInForce(k.life, r)
	if len(r.faults) > 0 {
		return fmt.Errorf("kiosk: settings version %d: %w: %w", r.version, uplink.ErrPartly, r.faults)
	}
	return nil
}

// putInForce has everything go by r.
func (k *Kiosk) putInForce(ctx context.Context, r *remote) {
	k.far.Store(r)
	for _, f := range r.faults {
		k.log.Warn("a setting from the portal cannot be used", "fault", f)
	}
	k.log.Info("settings from the portal", "version", r.version, "set", r.far.Names(), "unknown", r.unknown)
	k.set(health.SettingsRefused, len(r.faults) > 0)
	k.tendLevel()
	if k.up != nil {
		k.up.SetSchedule(k.schedule())
	}
	if k.upd.Updater != nil {
		ring, err := releases.ParseRing(r.all.Update.Ring)
		if err != nil {
			ring = releases.Broad // it was checked: it cannot be
		}
		k.upd.Set(ring, r.all.Update.Every, r.all.Update.BytesPerDay)
	}
	k.sayPhone(r.far.Phone)
	k.wake()
}

// sayPhone tells the screen that is there while there is no browser.
func (k *Kiosk) sayPhone(phone string) {
	const who = "far" // before "phone", which the file has
	err := panel.Unsay(panel.Dir, who)
	if phone != "" {
		if _, no := os.Stat(panel.Dir); no != nil { // a machine without that screen
			return
		}
		err = panel.Say(panel.Dir, who, panel.Statement{Phone: phone})
	}
	if err != nil {
		k.log.Warn("the panel was not told whom to call", "err", err)
	}
}

// solar reports whether every watt counts: as an operator says, or the board.
func (k *Kiosk) solar() bool {
	if r := k.far.Load(); r != nil && r.far.Solar != nil {
		return *r.far.Solar
	}
	return k.board.Power.Profile == board.Solar
}

// usualLevel is that of the log while no service ticket asks for more.
func (k *Kiosk) usualLevel() slog.Level {
	if r := k.far.Load(); r != nil && r.far.LogLevel == "debug" {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// RemoteStatus is what is set from afar.
type RemoteStatus struct {
	Version uint64   `json:"version"`
	Set     []string `json:"set"`
	Unknown []string `json:"unknown,omitempty"` // for newer software
	Faults  []string `json:"faults,omitempty"`
}

func (k *Kiosk) remoteStatus() *RemoteStatus {
	r := k.far.Load()
	if r == nil {
		return nil
	}
	return &RemoteStatus{Version: r.version, Set: r.far.Names(), Unknown: r.unknown, Faults: r.faults}
}
