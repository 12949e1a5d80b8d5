// Package commission takes a kiosk from the box into service on the kiosk's own
// screen: the technician sees what was found in it, chooses its network and sees
// whether that leads to the portal, types the one-time code if it did not come with
// the card, has every device tested and a ticket printed, and puts the kiosk into
// service.
//
// It has pages and decides what comes next. What it shows is done by others:
// hardware, network, enrol, and the kiosk itself.
//
// # Contract
//
// A first start that nobody touches goes by as if this package were not there: the
// kiosk enrols by itself and serves. Once a technician has touched the screen it
// serves no citizen until they say so. How far they are is durable: after a power cut
// they touch their language and are at the same step.
//
// Passwords and codes are kept by packages enrol and network alone: no view, log,
// error or file of this package holds one.
package commission

import (
	"context"
	"log/slog"
	"sync"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/hardware"
	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/network"
	"github.com/penjire/penjire/firmware/printing"
	"github.com/penjire/penjire/ui/web"
)

// Visit is the id of the technician's visit, in the path of its pages.
const Visit = "first"

// Networks is what the technician's choice of a network is done by; a
// [network.Manager] is one.
type Networks interface {
	Devices(ctx context.Context) ([]network.Device, error)
	Networks(ctx context.Context) ([]network.Network, error)
	Scan(ctx context.Context) error
	Join(ctx context.Context, n enrol.Network) error
	Keep(ctx context.Context, folder string, log *slog.Logger, said func(network.Why)) error
	Look(ctx context.Context, address string, p network.Portal) network.Check
}

// Kiosk is what a kiosk that is enrolled says of itself; a [kiosk.Kiosk] is one.
type Kiosk interface {
	SelfTest(ctx context.Context) []printing.Tested
	PrintTicket(ctx context.Context, lang string) kiosk.TicketStatus
	Reaches() kiosk.Reach
}

// Options are what a wizard is opened with. Only Dir is needed.
type Options struct {
	Dir       string // the kiosk's folder
	Number    string // of the kiosk
	Place     string // where it stands
	Board     string // of the image
	Version   string // of the software
	Developer bool   // the software is a developer's: not for service
	Portal    string // address for sync
	Phone     string // of who helps technicians and citizens
	Stick     string // folder where a memory stick is mounted
	// Networks is nil where others see to the machine's network.
	Networks Networks
	Hardware func() (hardware.Report, error) // nil: nothing is known of the machine
	Log      *slog.Logger                    // nil: slog.Default()
	// Joined is told why the network of the set-up is not joined; "": it is. nil:
	// nobody is told.
	Joined func(network.Why)
}

// Wizard is a first start. Its methods may be called at once.
type Wizard struct {
	o   Options
	hub web.Hub

	life   context.Context // of jobs
	cancel context.CancelFunc
	jobs   sync.WaitGroup
	wake   chan struct{} // the page changed: look at once
	rejoin chan struct{} // another network was chosen

	mu    sync.Mutex
	rec   *record         // nil: no technician is at it
	enrol *enrol.Enroller // nil: the kiosk is enrolled
	kiosk Kiosk
	page  page // within the step; "" the step's own
	under page // what help stands over
	size  int
	theme string
	fault string        // of the field on the page
	draft enrol.Network // the network that is being typed
	seen  snapshot      // what is known
	busy  map[job]int   // jobs under way
}

// job names what goes on behind a page.
type job string

const (
	jobJoin  job = "join"
	jobTest  job = "test"
	jobPrint job = "print"
	jobStick job = "stick"
)

// snapshot is what pages show. It is brought up to date behind them.
type snapshot struct {
	hardware *hardware.Report
	devices  []network.Device
	wifi     []network.Network
	kind     enrol.Kind // that was chosen; Ask: none
	why      network.Why
	nobody   bool // sets up networks here
	check    network.Check
	looked   bool
	tested   []printing.Tested
	ticket   string // outcome of the ticket; "": none was printed
	stick    note   // what became of the memory stick
	left     bool   // this kiosk's set-up, with its code, is on the stick
}

// note is a note of a page.
type note struct {
	say  string
	good bool
	args []any
}

// Open returns the wizard of the kiosk in o.Dir, at the step at which it was left.
func Open(o Options) (*Wizard, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	w := &Wizard{o: o, wake: make(chan struct{}, 1), rejoin: make(chan struct{}, 1), busy: map[job]int{}}
	w.life, w.cancel = context.WithCancel(context.Background())
	var err error
	w.rec, err = readRecord(o.Dir)
	if err != nil {
		// A technician can begin anew; a kiosk that is set up is not kept from serving.
		o.Log.Warn("how far the first start was is not known", "err", err)
	}
	return w, nil
}

// Close ends everything that goes on behind the pages.
func (w *Wizard) Close() {
	w.cancel()
	w.jobs.Wait()
}

// Engaged reports whether a technician is at it: then no citizen is served.
func (w *Wizard) Engaged() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rec != nil
}

// Enrolling says that e gets the kiosk its certificates; nil: that is over.
func (w *Wizard) Enrolling(e *enrol.Enroller) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enrol = e
	if e != nil {
		w.seen.kind = e.Setup().Network.Kind
	}
	w.again() // what is tried no longer counts
	w.changed()
}

// again has the network of the set-up tried anew, or no more.
func (w *Wizard) again() {
	select {
	case w.rejoin <- struct{}{}:
	default:
	}
}

// Changed says that enrolment went on: pages are drawn anew.
func (w *Wizard) Changed() { w.hub.Tell(web.Change{Visit: Visit, Reload: true}) }

// changed has pages drawn anew and looks at once; w.mu is held.
func (w *Wizard) changed() {
	w.Changed()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// begin starts a job unless one of its kind is under way; w.mu is held. What f
// returns is done under the lock.
func (w *Wizard) begin(j job, f func(ctx context.Context) func()) {
	if w.busy[j] > 0 || w.life.Err() != nil {
		return
	}
	w.busy[j]++
	w.jobs.Go(func() {
		done := f(w.life)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.busy[j]--
		if done != nil {
			done()
		}
		w.changed()
	})
	w.changed()
}

// save makes the record durable; w.mu is held. A record that is not saved is no
// reason to stop: the worst is a step that is seen twice.
func (w *Wizard) save() {
	if err := w.rec.write(w.o.Dir); err != nil {
		w.o.Log.Error("how far the first start is cannot be kept", "err", err)
	}
}
