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
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/boards/board"
	"github.com/penjire/penjire/drivers/device"
	"github.com/penjire/penjire/drivers/registry"
	"github.com/penjire/penjire/firmware/cashbook"
	"github.com/penjire/penjire/firmware/clock"
	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/firmware/session"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/firmware/storage"
	"github.com/penjire/penjire/sync/edoc/trust"
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
	code    atomic.Pointer[typedCode] // a one-time code that waits for a stick; nil: none does
	coding  sync.Mutex                // while another takes its place
	doubts  chan struct{}             // a key failed: look at once
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
	floor    uint64                 // the highest version taken; under remoting
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
