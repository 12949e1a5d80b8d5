package simulation

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/portal"
)

// centre is where the portal runs: a machine with a medium.
type centre struct {
	s         *sim
	dir       string
	life      *service      // nil: it is off
	skew      time.Duration // of its clock
	bundle    int           // that the portal was given last
	catalogue int
	disk      int // pages that are left on it; roomy
}

// service is one life of the portal's process.
type service struct {
	fuse   *fuse
	db     *sqlite.DB
	led    *watched
	p      *portal.Portal
	cancel context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup
}

// watched is the ledger as the portal has it: it may die before and after each
// call, its medium may be full, and the word that a commit is done may get lost.
type watched struct {
	ledger.Ledger
	s      *sim
	fuse   *fuse
	turns  chan struct{} // each lets the portal decide what there is
	free   atomic.Bool   // it needs no turns
	full   atomic.Bool
	unsure atomic.Int32 // so many commits end in an error and are there all the same
	busy   atomic.Int32 // so many calls are turned away
	slow   atomic.Int64 // how long each call takes, in nanoseconds
	dir    string
	before map[string][]byte // the medium before the commit that a crash tears; nil: none
	writes atomic.Int64
}

var (
	errFull   = errors.New("no space left on the portal's medium")
	errUnsure = errors.New("the connection to the store was lost during a commit")
	errBusy   = errors.New("the store is busy")
)

// write runs one writing call of the ledger.
func (w *watched) write(what string, f func() error) error {
	if err := w.wait(); err != nil {
		return err
	}
	if !w.fuse.commit("before it has stored " + what) {
		return errDead
	}
	if w.full.Load() {
		w.s.count("state: the portal's medium is full when it stores " + what)
		return errFull
	}
	if err := f(); err != nil {
		if noSpace(err) {
			w.s.count("state: the portal's disk is full when it stores " + what)
		}
		return err
	}
	w.writes.Add(1)
	if !w.fuse.point("after it has stored " + what) {
		return errDead
	}
	for n := w.unsure.Load(); n > 0; n = w.unsure.Load() {
		if w.unsure.CompareAndSwap(n, n-1) {
			w.s.count("state: the word of a commit is lost")
			return errUnsure
		}
	}
	return nil
}

// wait is what a store that others use too does to a call.
func (w *watched) wait() error {
	if d := w.slow.Load(); d > 0 {
		w.s.count("state: a call of the ledger takes long")
		t := time.NewTimer(time.Duration(d))
		defer t.Stop()
		select {
		case <-t.C:
		case <-w.fuse.dead:
			return errDead
		}
	}
	for n := w.busy.Load(); n > 0; n = w.busy.Load() {
		if w.busy.CompareAndSwap(n, n-1) {
			w.s.count("state: the ledger is busy")
			return errBusy
		}
	}
	return nil
}

// Intake implements ledger.Ledger.
func (w *watched) Intake(ctx context.Context, kiosk string, at time.Time, recs []ledger.Incoming, sign func([]ledger.Incoming, time.Time) ([][]byte, error)) (out []ledger.Outcome, err error) {
	err = w.write("records", func() (err error) {
		out, err = w.Ledger.Intake(ctx, kiosk, at, recs, sign)
		return err
	})
	if err != nil {
		return nil, err
	}
	w.s.bring(ctx, kiosk, recs, out)
	return out, nil
}

// Undecided implements ledger.Ledger: the portal decides when it is its turn.
func (w *watched) Undecided(ctx context.Context, after int64, n int) ([]ledger.Record, error) {
	if !w.free.Load() {
		select {
		case <-w.turns:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.fuse.dead:
			return nil, errDead
		}
	}
	if !w.fuse.point("before it looks at what is undecided") {
		return nil, errDead
	}
	if err := w.wait(); err != nil {
		return nil, err
	}
	return w.Ledger.Undecided(ctx, after, n)
}

// Decide implements ledger.Ledger.
func (w *watched) Decide(ctx context.Context, vs []ledger.Verdict, sign func([]ledger.Decided) ([][]byte, error)) error {
	return w.write("decisions", func() error { return w.Ledger.Decide(ctx, vs, sign) })
}

// Answer implements ledger.Ledger.
func (w *watched) Answer(ctx context.Context, doc ledger.Doc, a ledger.Answer) error {
	return w.write("an answer", func() error { return w.Ledger.Answer(ctx, doc, a) })
}

// SetHead implements ledger.Ledger.
func (w *watched) SetHead(ctx context.Context, kiosk string, e ledger.Epoch, proved, h ledger.Head) error {
	return w.write("a journal's head", func() error { return w.Ledger.SetHead(ctx, kiosk, e, proved, h) })
}

// Acked implements ledger.Ledger.
func (w *watched) Acked(ctx context.Context, kiosk string, id uint64, at time.Time) error {
	return w.write("how far the kiosk has items", func() error { return w.Ledger.Acked(ctx, kiosk, id, at) })
}

// Visited implements ledger.Ledger.
func (w *watched) Visited(ctx context.Context, kiosk string, v ledger.Visit) error {
	return w.write("that the kiosk came", func() error { return w.Ledger.Visited(ctx, kiosk, v) })
}

// Raise implements ledger.Ledger.
func (w *watched) Raise(ctx context.Context, a ledger.Alarm) error {
	return w.write("an alarm", func() error { return w.Ledger.Raise(ctx, a) })
}

// boot starts the portal on what is on its medium.
func (c *centre) boot() {
	s := c.s
	v := &service{fuse: newFuse(s, "portal")}
	v.ctx, v.cancel = context.WithCancel(context.Background())
	c.life = v
	var err error
	done := s.await(func() {
		if v.db, err = sqlite.Open(context.Background(), filepath.Join(c.dir, ledgerFile)); err != nil {
			return
		}
		v.led = &watched{Ledger: v.db, s: s, fuse: v.fuse, turns: make(chan struct{}, 1), dir: c.dir}
		v.led.free.Store(s.calm)
		var conf portal.Config
		if conf, err = s.w.portalConfig(v.led, c.now, c.bundle, c.catalogue); err != nil {
			return
		}
		conf.Log = slog.New(teller{s, "portal"})
		conf.Beacon = 10 * time.Minute
		conf.Quota, conf.Uploads = s.plan.quota, s.plan.uploads
		if s.plan.faults["portal disk"] {
			conf.Room, conf.Reserve = func() (int64, error) { return free(v.led.dir) }, s.plan.reserve
		}
		v.p, err = portal.New(v.ctx, conf)
	}, v.fuse)
	if done && c.disk != roomy && noSpace(err) {
		s.say("portal: it does not start: its disk is full")
		s.count("state: the portal does not start on a full disk")
		c.kill()
		return
	}
	if !done || err != nil {
		s.broken("PortalStarts", "the portal does not start: %v", err)
		return
	}
	v.wg.Go(func() { v.p.Run(v.ctx) })
	s.settle()
}

func (c *centre) now() time.Time { return c.s.now().Add(c.skew) }

// serve takes a kiosk's connection.
func (v *service) serve(c *conn) {
	v.wg.Go(func() {
		who := portal.Peer{Kiosk: c.m.dev.ID, Cert: c.m.dev.TLS.Cert}
		_ = v.p.Serve(v.ctx, who, &end{c: c, sent: down, fuse: v.fuse}) // why it ended does not matter here
	})
}

// kill ends the portal at once. What is on the medium now is what it finds when
// it comes back.
func (c *centre) kill() {
	v := c.life
	c.life = nil
	files, err := readDir(c.dir)
	c.s.must(err)
	if v.led != nil && v.led.before != nil {
		v.led.tear(files, c.s.chance)
	}
	for _, m := range c.s.machines {
		if m.conn != nil {
			m.conn.cut()
		}
	}
	v.fuse.end()
	v.cancel()
	v.wg.Wait()
	if v.db != nil {
		c.s.must(v.db.Close())
	}
	c.s.lose(c.dir)
	c.dir = c.s.dir("portal")
	c.s.must(writeDir(c.dir, files))
	c.s.fill(c.dir, c.disk)
	c.s.forgetView()
}

// stop ends the portal in order, unless it crashes while it stops.
func (c *centre) stop() {
	v := c.life
	c.life = nil
	if !c.s.await(func() {
		v.cancel()
		v.wg.Wait()
	}, v.fuse) {
		c.s.say("portal: IT CRASHES %s", v.fuse.burnt())
		c.life = v
		c.kill()
		return
	}
	c.s.must(v.db.Close())
	c.s.forgetView()
}
