package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/control"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/journal/evidence"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
)

// Open opens everything a kiosk is made of and listens, but serves nothing yet.
func Open(ctx context.Context, o Options) (_ *Kiosk, err error) {
	k := &Kiosk{
		s: o.Settings, version: o.Version, developer: o.Updates != nil && o.Updates.Release.Developer, boot: o.Boot, log: o.Log, level: o.Level, started: time.Now(), gone: make(chan struct{}), page: pageFile{path: o.PageFile}, front: o.Front, setup: o.Setup,
		idle: session.Idle{
			Warn: o.Settings.IdleWarn, End: o.Settings.IdleEnd,
			Alone: min(15*time.Second, o.Settings.IdleWarn), Take: time.Minute,
			Left: min(5*time.Second, o.Settings.IdleWarn), LeftEnd: min(15*time.Second, o.Settings.IdleEnd),
		},
		woken:   make(chan struct{}, 1),
		talking: make(chan struct{}, 1),
		doubts:  make(chan struct{}, 1),
		devices: screen.Devices{Printer: screen.Unknown, Reader: screen.Unknown, Net: screen.Unknown, Clock: screen.Unknown},
	}
	if k.log == nil {
		k.log = slog.Default()
	}
	k.life, k.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, k.Close())
		}
	}()
	if err := makeFolder(k.s.State); err != nil {
		return nil, err
	}
	if err := k.leftBefore(ctx); err != nil {
		return nil, err
	}
	if k.board, err = board.Load(k.s.Board); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	if err := k.openUpdates(ctx, o.Updates); err != nil {
		return nil, err
	}
	if err := k.openKeys(); err != nil {
		return nil, err
	}
	roots, err := keyfile.Certificates(k.s.Roots)
	if err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	if k.know, err = openKnowledge(k.s, roots, k.log); err != nil {
		return nil, err
	}
	if k.owners, err = openOwnerKey(filepath.Join(k.s.State, "pseudonym.key")); err != nil {
		return nil, err
	}
	if k.codes, err = openCodes(filepath.Join(k.s.State, "receipt.codes")); err != nil {
		return nil, err
	}
	if err := k.openDevices(ctx); err != nil {
		return nil, err
	}
	if err := k.openCabinet(); err != nil {
		return nil, err
	}
	if err := k.openClock(o.Built); err != nil {
		return nil, err
	}
	k.firstLook(ctx)
	if err := k.openOutbox(ctx, o); err != nil {
		return nil, err
	}
	if k.proofs, err = evidence.Open(filepath.Join(k.s.State, "evidence")); err != nil {
		return nil, fmt.Errorf("kiosk: %w", err)
	}
	k.renewer = k.renews(roots)
	if err := k.openUplink(roots); err != nil {
		return nil, err
	}
	k.openRemote(ctx)
	k.openCode()
	k.worker = &printing.Worker{
		Queue: k.box, Wake: k.box.Changes(), Printer: k.printer, Paper: k.paper, Sheets: k.sheets, Document: k.sheet,
		Hanging: k.hanging, Hold: func() bool { return k.health.Holds(health.SupplyFailing) }, Notify: func() { k.wake() }, Log: k.log,
	}
	if k.screens = o.Screens; k.screens == nil {
		if k.screens, err = net.Listen("tcp", k.s.Listen); err != nil {
			return nil, fmt.Errorf("kiosk: listen for the screen: %w", err)
		}
	}
	if k.control, err = control.Listen(k.s.Control); err != nil {
		return nil, err
	}
	return k, nil
}

// openClock starts the clock from what is known to have passed.
func (k *Kiosk) openClock(built time.Time) error {
	src, err := clockSource(k.board.Clock, k.s.Ports)
	if err != nil {
		return err
	}
	beacon := k.know.lastBeacon(k.s.Kiosk)
	if issued := k.know.trust().Issued; issued.After(beacon) {
		beacon = issued // signed by the register: the portal's time too
	}
	k.battery = clock.NewBattery(src)
	k.readClocks()
	k.clock = clock.New(clock.Options{Source: k.battery.Now, Floor: built, LastBeacon: beacon, MaxAge: k.s.BeaconMaxAge})
	k.know.passed = k.clock.LastBeacon // the portal's word; a clock that was set forward retires no root
	return nil
}

func (k *Kiosk) openOutbox(ctx context.Context, o Options) (err error) {
	k.box, err = outbox.Open(ctx, filepath.Join(k.s.State, "outbox"), outbox.Options{
		Kiosk: k.s.Kiosk, Boot: o.Boot, Version: o.Version, MaxSize: k.s.OutboxMax,
		Now: k.clock.Now, CheckCommand: o.CheckOutbox, Mirror: k.s.Mirror,
	})
	if err != nil {
		return fmt.Errorf("kiosk: %w", err)
	}
	k.accept = k.acceptUnlessLeaving
	if err := k.afterPowerCut(ctx); err != nil {
		return err
	}
	k.opened, k.asked = k.clock.Now(), map[outbox.Doc]struct{}{}
	if err := letGo(filepath.Join(k.s.State, "outbox", "outbox.db")); err != nil { // an old kernel: more memory, and nothing worse
		k.log.Info("pages stay in memory", "err", err)
	}
	return nil
}

func (k *Kiosk) openUplink(roots []*x509.Certificate) (err error) {
	k.up, err = uplink.New(uplink.Config{
		URL: k.s.Portal.URL, TLS: k.portalTLS(roots), Fallback: k.line(roots), Schedule: k.schedule(), Aside: filepath.Join(k.s.State, "aside.json"),
		Outbox: k.box, Trust: k.know.trust, Catalogue: k.know.catalogueVersion, Sink: sink{k},
		Signer: k.signer, Counter: k.counter(), Witnessed: func() int64 { return k.proofs.Witnessed(k.box.Stats(k.life).Epoch) },
		Kept: func() *journal.Head {
			h, err := k.proofs.Newest(k.box.Stats(k.life).Epoch)
			if err != nil {
				return nil // there is none, or it is whole that goes up
			}
			return h
		},
		Software: k.version, Now: k.clock.Now, Log: k.log,
	})
	if err != nil {
		return fmt.Errorf("kiosk: %w", err)
	}
	return nil
}
