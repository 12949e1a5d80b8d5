// Package kiosk puts a running kiosk together from settings and a board: the
// devices, the outbox, the link to the portal, the paper, the screens and the
// citizen's visit. Everything that decides is in the packages it joins; this
// one carries out what package session says, and feeds back what came of it.
//
// # What it keeps
//
// On disk: the outbox, the newest trust bundle and catalogue, the portal's last
// signed time, the key of the pseudonyms and, until their receipts are out, the
// codes of requests without a card, all in the state folder. In memory:
// one visit, and only until it ends. Nothing personal is written to a log, to
// an error or to the state page.
package kiosk

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/cashbook"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/control"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/firmware/storage"
	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/journal/evidence"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/ui/screen"
	"github.com/penjire/penjire/ui/web"
)

// Options are what a kiosk is opened with. Only Settings is needed.
type Options struct {
	Settings settings.Settings
	Version  string       // of the software
	Built    time.Time    // when it was built: the clock cannot be before
	Boot     string       // names this start of the machine in the journal
	Log      *slog.Logger // nil: slog.Default(). It is never told anything personal
	// PageFile is a file that is written anew whenever a page says that the browser
	// painted it; who watches over the browser looks at it. "": there is none.
	PageFile string
	// Level is that of Log; nil: it cannot be changed.
	Level *slog.LevelVar
	// Updates is how the software is renewed; nil: this machine has no slots for it.
	Updates *Updates
	// Front stands before the kiosk's screens: it is handed what serves citizens, and
	// returns what the pages are drawn from; nil: that itself.
	Front func(citizens *Kiosk) web.Kiosk
	// Screens is where the screens are served; nil: where Settings.Listen says. It is
	// the kiosk's from then on.
	Screens net.Listener
	// Setup has the technician's pages come, in that language; nil: there are none.
	Setup func(lang string)
	// CheckOutbox is outbox.Options.CheckCommand.
	CheckOutbox []string
}

// Kiosk is a running kiosk. It implements web.Kiosk.
//
// Contract: a request that a citizen was told is accepted is durable; whatever
// device fails, the visit goes on or says why not, and the next citizen can
// begin.
type Kiosk struct {
	s         settings.Settings
	version   string
	developer bool // the image is a developer's
	boot      string
	log       *slog.Logger
	level     *slog.LevelVar // of log; nil: it cannot be changed
	started   time.Time
	gone      chan struct{} // closed once the kiosk went out of service for ever
	gate      sync.RWMutex  // read-locked while a request is accepted
	leaving   bool          // nothing is accepted any more; gate

	board  *board.Board
	clock  *clock.Clock
	know   *knowledge
	owners ownerKey
	codes  *codes // of requests without a card, until their receipts are out
	// keeping is read-locked from when a code is kept until its receipt is queued:
	// meanwhile none is forgotten. It is taken before mu.
	keeping sync.RWMutex
	keys    signing.Keyring
	own     atomic.Pointer[signing.Device] // signs as the kiosk itself
	ident   atomic.Pointer[signing.Device] // shows the portal who the kiosk is
	renewer *enrol.Renewal
	proof   atomic.Pointer[[32]byte] // of a one-time code that was typed; nil: none was
	doubts  chan struct{}            // a key failed: look at once
	box     *outbox.Outbox
	accept  func(context.Context, outbox.Draft) (outbox.Request, error) // the outbox's; tests stall it
	proofs  *evidence.Folder                                            // of the journal
	up      *uplink.Uplink

	loaded  []registry.Result      // one for each device of the board
	reader  device.CardReader      // nil: none
	talking chan struct{}          // one token: whose commands the card in the reader gets
	printer device.ReceiptPrinter  // nil: none
	sheets  device.DocumentPrinter // nil: none
	scanner device.CodeScanner     // nil: none
	worker  *printing.Worker
	books   []*cashbook.Book // of the acceptors of money

	front    func(*Kiosk) web.Kiosk // nil: none
	setup    func(lang string)      // nil: there are no pages for it
	page     pageFile
	upd      updates
	far      atomic.Pointer[remote] // what is set from afar; nil: nothing is
	remoting sync.Mutex             // while newer is taken
	cab      *cabinet
	battery  *clock.Battery
	beat     atomic.Int64 // when watch last went round, for the watchdog

	health health.Monitor
	hub    web.Hub
	idle   session.Idle
	woken  chan struct{}

	life   context.Context // of everything done for visits
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	opened    time.Time     // by the kiosk's clock; requests from before are of an earlier start
	trustSeen time.Time     // when watch last looked at the revocation lists
	trustOf   *trust.Bundle // whose they were

	screens, control net.Listener
	sticks           sync.Mutex // held while a memory stick is written or read

	mu          sync.Mutex
	visit       *visit
	visits      int
	card        uint64                  // generation of the card in the reader; 0 none
	spent       uint64                  // generation of a card that belongs to an ended visit
	belated     []outbox.Doc            // receipts that late kept back and whose jobs have not ended
	interrupted []outbox.Doc            // receipts that a power cut left in doubt
	restarted   time.Time               // since when they are offered
	asked       map[outbox.Doc]struct{} // requests older than this start for whose papers somebody asked since
	hanging     bool                    // a paper may hang out of the printer since the power cut
	devices     screen.Devices          // as last looked at
	media       device.Media            // of the printer
	exit        time.Time               // since when a paper stands in its output; zero: none does
	notice      string                  // as last looked at
	full        time.Time               // when the outbox was last found full; zero: it is not
	faults      [2]error                // of the keys own and ident, as last looked at
	renewals    [2]renewal              // of their certificates
	journalled  time.Time               // when a beacon was last put into the journal
	unsent      int                     // as last looked at
	queue       session.Queue           // as last looked at, for the assistant
	software    screen.UpdateView       // as last looked at, for the assistant
	scans       bool                    // a code scanner may be there, as last looked at
	medium      *storage.Medium         // as last looked at; nil: not yet
	mediumSeen  time.Time               // when that was
}

var _ web.Kiosk = (*Kiosk)(nil)

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

// Addr returns host:port of the screens.
func (k *Kiosk) Addr() string { return k.screens.Addr().String() }

// Run serves the kiosk until ctx ends, then closes it. It returns nil unless
// something that cannot be mended by itself broke.
func (k *Kiosk) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	run := func(what string, f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("kiosk: %s: %w", what, err))
			}
		})
	}
	mm := k.s.MM
	if mm == 0 {
		mm = k.board.Display.PxPerMM
	}
	var shown web.Kiosk = k
	if k.front != nil {
		shown = k.front(k)
	}
	screens := web.NewServer(web.Config{
		Kiosk: shown, MMPx: mm, Width: k.board.Display.Width, Height: k.board.Display.Height,
		Frame: k.s.Frames, Log: k.log, Painted: k.painted,
	})
	run("screens", func(ctx context.Context) error { return serve(ctx, k.screens, screens) })
	run("control socket", func(ctx context.Context) error { return serve(ctx, k.control, k.controlHandler()) })
	run("printing", k.worker.Run)
	run("uplink", k.up.Run)
	run("first ticket", k.firstTicket)
	run("watch", k.watch)
	run("cabinet", k.watchCabinet)
	if k.sheets != nil {
		run("sheets", k.watchSheets)
	}
	run("power", k.watchPower)
	run("temperature and battery clock", k.tendCabinet)
	run("watchdog", k.kickWatchdog)
	run("keys", k.watchKeys)
	run("certificates", k.watchCertificates)
	run("service", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-k.gone:
		}
		select {
		case <-ctx.Done():
		case <-time.After(leaveTime):
		}
		return ErrDecommissioned
	})
	if k.upd.Updater != nil {
		run("updates", k.upd.Run)
		run("sticks", k.watchStick)
	}
	if k.reader != nil {
		run("card reader", k.cards)
	}
	<-ctx.Done()
	wg.Wait()
	err := context.Cause(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, k.Close())
}

// Close ends the visit and closes everything. It may be called twice.
func (k *Kiosk) Close() error {
	k.mu.Lock()
	k.endVisit()
	k.mu.Unlock()
	k.cancel()
	k.tasks.Wait()
	var errs []error
	for _, l := range []net.Listener{k.screens, k.control} {
		if l != nil {
			if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, fmt.Errorf("kiosk: close a listener: %w", err))
			}
		}
	}
	if err := registry.Halt(k.loaded); err != nil {
		errs = append(errs, fmt.Errorf("kiosk: %w", err))
	}
	errs = append(errs, k.closeBooks())
	if k.codes != nil {
		errs = append(errs, k.codes.close())
	}
	errs = append(errs, k.keys.Close())
	if k.box != nil {
		if err := k.box.Close(); err != nil {
			errs = append(errs, fmt.Errorf("kiosk: close the outbox: %w", err))
		}
	}
	return errors.Join(errs...)
}

// serve answers HTTP on l until ctx ends. Streams of events end with ctx.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close() // whoever is still connected had their time
		}
	})
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if !stop() {
		<-done
	}
	return err
}
