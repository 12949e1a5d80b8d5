package kiosk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/penjire/penjire/boards/layout"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/update"
	"github.com/penjire/penjire/sync/durable"
	"github.com/penjire/penjire/sync/journal"
	releases "github.com/penjire/penjire/sync/release"
	"github.com/penjire/penjire/sync/uplink"
)

// Updates are what a kiosk needs to renew its software: it runs from an image with two
// slots.
type Updates struct {
	Release   layout.Release // of the slot that runs
	Roots     []*x509.Certificate
	Boot      string // of the machine: another after each of its starts
	Trials    string // update.Config has it
	Installer update.Installer
	Restart   func(context.Context) error
}

// updates is what the kiosk knows for its updater.
type updates struct {
	*update.Updater // nil: this machine is no image of ours

	mu      sync.Mutex
	calm    time.Time // since when nobody has stood here
	reached time.Time // when the portal was last connected; zero: never
	stick   stickRelease
}

// formatFile says which format the kiosk's data has.
const formatFile = "data-format"

// checkFormat refuses data of a format that this software does not read, and says
// which it is where nobody said yet.
func (k *Kiosk) checkFormat() (uint32, error) {
	name := filepath.Join(k.s.State, formatFile)
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return layout.DataFormat, durable.WriteFile(name, fmt.Appendf(nil, "%d\n", layout.DataFormat), 0o600)
	}
	if err != nil {
		return 0, fmt.Errorf("kiosk: read which format the data has: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("kiosk: read which format the data has: %w", err)
	}
	return uint32(n), update.CheckFormat(uint32(n))
}

// openUpdates comes before everything that new software may break: what fails after
// it is counted.
func (k *Kiosk) openUpdates(ctx context.Context, o *Updates) error {
	k.upd.calm = time.Now()
	format, wrong := k.checkFormat()
	if o == nil {
		return wrong
	}
	ring, err := releases.ParseRing(k.s.Update.Ring)
	if err != nil {
		return fmt.Errorf("kiosk: %w", err)
	}
	c := update.Config{
		Dir: k.s.Update.Folder, Roots: o.Roots, Boot: o.Boot, Trials: o.Trials, Installer: o.Installer, Restart: o.Restart,
		Own: update.Own{
			Board: o.Release.Board, Version: o.Release.Version, Build: uint64(max(0, o.Release.Build.Unix())), Format: format, Ring: ring,
		},
		Every: k.s.Update.Every, PerDay: k.s.Update.BytesPerDay, Allowed: k.mayFetch, Facts: k.updateFacts, Journal: k.noteUpdate,
		Changed: k.wake, Log: k.log,
	}
	if base, ok := strings.CutPrefix(strings.TrimSuffix(k.s.Portal.URL, "/sync"), "wss://"); ok {
		c.Source = &update.Portal{Base: "https://" + base, TLS: func() *tls.Config { return k.portalTLS(k.know.roots) }}
	}
	if k.upd.Updater, err = update.Open(ctx, c); err != nil {
		return fmt.Errorf("kiosk: %w", err)
	}
	return wrong
}

// within says whether the kiosk's time is in one of the windows. Who does not know
// the time is in none; where there are none it always is.
func (k *Kiosk) within(windows []settings.Window) bool {
	if len(windows) == 0 {
		return true
	}
	s := uplink.Schedule{Zone: zone}
	for _, w := range windows {
		s.Windows = append(s.Windows, uplink.Window(w))
	}
	return k.clock != nil && k.clock.Binding() && s.Allows(k.clock.Now())
}

func (k *Kiosk) mayFetch() bool {
	if len(k.live().Update.Windows) > 0 {
		return k.within(k.live().Update.Windows)
	}
	return k.within(k.live().Sync.Windows)
}

// reachedFor is how long ago the portal counts as reached: then new software has to
// reach it as well.
const reachedFor = 2 * time.Hour

// updateFacts is what the updater asks at each step.
func (k *Kiosk) updateFacts(ctx context.Context, before update.Health) update.Facts {
	f := update.Facts{
		Now: k.clock.Now(), Quiet: k.within(k.live().Update.Quiet),
		Battery: k.health.Holds(health.OnBattery) || k.health.Holds(health.SupplyFailing),
		Busy:    k.worker.Status().Printing || !k.sticks.TryLock(),
	}
	if !f.Busy {
		k.sticks.Unlock()
	}
	k.mu.Lock()
	f.Visit = k.visit != nil
	k.mu.Unlock()
	k.upd.mu.Lock()
	if f.Visit {
		k.upd.calm = time.Now()
	}
	f.Calm = time.Since(k.upd.calm)
	if k.up.Status().Connected {
		k.upd.reached = time.Now()
	}
	portal := !k.upd.reached.IsZero() && time.Since(k.upd.reached) < reachedFor && len(k.live().Sync.Windows) == 0
	k.upd.mu.Unlock()
	k.page.mu.Lock()
	painted := k.page.seen
	k.page.mu.Unlock()

	st := k.box.Stats(ctx)
	size, root := k.box.Head()
	f.Health = update.Health{
		Painted: painted, Outbox: !k.health.Holds(health.OutboxLost), Unsent: st.Unsent, Epoch: st.Epoch[:],
		Journal: size, Root: root[:], Portal: portal,
	}
	if then, err := k.box.RootAt(ctx, before.Journal); err == nil {
		f.Health.Then = then[:]
	}
	for _, d := range k.loadedStatus() {
		if h := device.Health(d.Health); h == device.Online || h == device.Busy {
			f.Health.Devices = append(f.Health.Devices, d.Name)
		}
	}
	return f
}

func (k *Kiosk) noteUpdate(ctx context.Context, n update.Note) error {
	_, err := k.box.Append(ctx, journal.Entry{Kind: journal.Update, Fields: journal.Fields{Reason: n.Reason, Digest: n.Digest}})
	return err
}

// updateRoutes are those of the control socket:
//
//	GET  /update                        where it stands: update.Status
//	POST /update/check                  asks the portal now
//	POST /update/install?file=…&again=1 takes a description and its bundle, which lie
//	                                    beside one another, or in a folder
//
// They answer with an UpdateLine as JSON.
func (k *Kiosk) updateRoutes(m *http.ServeMux) {
	m.HandleFunc("GET /update", func(w http.ResponseWriter, r *http.Request) { k.sayUpdate(w, nil) })
	m.HandleFunc("POST /update/check", func(w http.ResponseWriter, r *http.Request) {
		if k.upd.Updater == nil {
			k.sayUpdate(w, errNoSlots)
			return
		}
		k.sayUpdate(w, k.upd.Ask(r.Context()))
	})
	m.HandleFunc("POST /update/install", func(w http.ResponseWriter, r *http.Request) {
		k.sayUpdate(w, k.installFrom(r.Context(), r.FormValue("file"), r.FormValue("again") == "1"))
	})
}

var errNoSlots = errors.New("this machine was not started from an image with two slots: it cannot be updated so")

// UpdateLine is the answer to a question about updates.
type UpdateLine struct {
	Status *update.Status `json:"status,omitempty"` // nil: this machine has no slots
	Code   releases.Code  `json:"code,omitempty"`   // why a release is refused
	Error  string         `json:"error,omitempty"`
}

func (k *Kiosk) sayUpdate(w http.ResponseWriter, err error) {
	l := UpdateLine{Status: k.updateStatus()}
	if err != nil {
		l.Error = err.Error()
		if no, ok := errors.AsType[*update.Refused](err); ok {
			l.Code = no.Code
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(l) // whoever asked went away: nothing to do
}

func (k *Kiosk) updateStatus() *update.Status {
	if k.upd.Updater == nil {
		return nil
	}
	s := k.upd.Status()
	return &s
}

// installFrom takes the release at path, as update.Find has it.
func (k *Kiosk) installFrom(ctx context.Context, path string, again bool) error {
	if k.upd.Updater == nil {
		return errNoSlots
	}
	f, err := update.Find(path, k.upd.Status().Report.Board)
	if err != nil {
		return err
	}
	if f.Size < 0 {
		return fmt.Errorf("the bundle %s is not beside its description", filepath.Base(f.Bundle))
	}
	_, err = k.upd.Offer(ctx, f.Signed, update.Offered{Path: f.Bundle, Hand: true, Again: again})
	return err
}
