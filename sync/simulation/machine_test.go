package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/uplink"
	"github.com/penjire/penjire/sync/wire"
)

// machine is a kiosk: a medium, and a process on it or none.
type machine struct {
	s        *sim
	name     string
	dev      specimen.Device
	dir      string
	room     int64 // of the outbox; 0: as usual
	store    store
	life     *life // nil: it is off
	conn     *conn // the last one
	noLine   bool
	skew     time.Duration // of its clock
	printing *printing
	boots    int
	exports  uint64
	renewed  bool // the outbox is to be opened again: the portal has shown that it is an older copy
	tampered bool // it was cloned or put back

	disk       int // pages that are left on its disk; roomy
	mirrorDisk int // and on its second medium

	mirror   string // folder of the second medium; empty: it has none
	away     bool   // the second medium is not there
	mirrored map[*doc]bool
	backup   *kioskBackup
	restored bool // it was made anew from a copy
}

// store is what the kiosk keeps beside its outbox.
type store struct {
	mu        sync.Mutex
	catalogue uint64
	trust     *trust.Bundle
	witnessed map[outbox.Epoch]int64
}

func (st *store) copyTo(to *store) {
	st.mu.Lock()
	defer st.mu.Unlock()
	to.catalogue, to.trust, to.witnessed = st.catalogue, st.trust, maps.Clone(st.witnessed)
}

// heads are the sizes of those that the portal has witnessed.
func (st *store) heads(e outbox.Epoch) []int64 {
	st.mu.Lock()
	defer st.mu.Unlock()
	if n := st.witnessed[e]; n > 0 {
		return []int64{n}
	}
	return nil
}

// life is one life of the kiosk's process.
type life struct {
	m      *machine
	fuse   *fuse
	box    *outbox.Outbox
	up     *uplink.Uplink
	cancel context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup
	before []byte // outbox.db before the commit that the power cut tears; nil: none
}

// printing is a paper that is being printed.
type printing struct {
	job    outbox.PrintJob
	d      *doc
	state  outbox.PrintState // how it ended; 0: it has not
	reason string
	out    bool // it came out
}

// end ends it, once.
func (p *printing) end(r *rand.Rand) (out bool) {
	if p.state != 0 {
		return p.out
	}
	p.state, p.out = outbox.Printed, true
	switch r.IntN(8) {
	case 0:
		p.state, p.reason, p.out = outbox.Unknown, "printer.unplugged", r.IntN(2) == 0
	case 1:
		p.state, p.reason, p.out = outbox.Failed, "printer.paper", false
	}
	if p.out {
		p.d.came(p.job)
	}
	return p.out
}

const outboxFile = "outbox.db"

// boot starts the kiosk on what is on its medium.
func (m *machine) boot() {
	s := m.s
	m.boots++
	l := &life{m: m, fuse: newFuse(s, m.name)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	m.life = l
	var err error
	done := s.await(func() {
		l.box, err = outbox.Open(context.Background(), m.dir, outbox.Options{
			Kiosk: m.dev.ID, Boot: fmt.Sprintf("%s-%d", m.name, m.boots), Version: "simulated", MaxSize: m.room, Mirror: m.mirrorFolder(),
			Now: func() time.Time {
				l.fuse.commit("before a commit of the outbox")
				return m.now()
			},
		})
	}, l.fuse)
	if done && m.disk != roomy && noSpace(err) && m.renewed {
		s.say("%s: its outbox is to be made anew, and its disk is full: it does not open", m.name)
		s.count("state: an outbox is not made anew on a full disk")
		m.kill(s.chance)
		return
	}
	if !done || err != nil {
		s.broken("KioskStarts", "the outbox does not open: %v", err)
		return
	}
	if m.renewed = false; m.disk == 0 {
		s.count("state: a kiosk starts on a full disk")
	}
	u, err := uplink.New(uplink.Config{
		Connect: l.connect, Outbox: l.box, Sink: &sink{l}, Signer: m.dev.Signing.Signer, Software: "simulated", Now: m.now,
		Trust: func() *trust.Bundle {
			m.store.mu.Lock()
			defer m.store.mu.Unlock()
			return m.store.trust
		},
		Catalogue: func() uint64 {
			m.store.mu.Lock()
			defer m.store.mu.Unlock()
			return m.store.catalogue
		},
		Witnessed: func() int64 {
			m.store.mu.Lock()
			defer m.store.mu.Unlock()
			return m.store.witnessed[l.box.Stats(l.ctx).Epoch]
		},
		Aside:  filepath.Join(m.dir, "aside.json"),
		Log:    slog.New(teller{s, m.name}),
		Jitter: func(d time.Duration) time.Duration { return d / 2 },
	})
	s.must(err)
	l.up = u
	l.wg.Go(func() { _ = u.Run(l.ctx) })
	s.settle()
}

func (m *machine) now() time.Time { return m.s.now().Add(m.skew) }

// connect makes a connection to the portal.
func (l *life) connect(context.Context) (wire.Carrier, error) {
	if !l.fuse.point("before it connects") {
		return nil, errDead
	}
	v := l.m.s.c.life
	if l.m.noLine || v == nil || v.p == nil || v.fuse.burnt() != "" {
		return nil, errNoLine
	}
	c := newConn(l.m)
	if l.m.conn != nil {
		l.m.conn.cut()
	}
	l.m.conn = c
	v.serve(c)
	return &end{c: c, sent: up, fuse: l.fuse}, nil
}

// kill ends the kiosk at once: the power is gone. torn says what becomes of a
// commit that was under way.
func (m *machine) kill(r *rand.Rand) {
	s, l := m.s, m.life
	m.life = nil
	files, err := readDir(m.dir)
	s.must(err)
	copies := m.readMirror()
	if l.before != nil && files[outboxFile] != nil {
		files[outboxFile] = tear(l.before, files[outboxFile], r)
	}
	if m.conn != nil {
		m.conn.cut()
	}
	l.fuse.end()
	l.shut()
	s.lose(m.dir)
	m.dir = s.dir(m.name)
	s.must(writeDir(m.dir, files))
	s.fill(m.dir, m.disk)
	m.writeMirror(copies)
	if p := m.printing; p != nil {
		m.printing = nil
		s.count("state: a power cut while a paper is printed")
		if p.state == 0 && r.IntN(2) == 0 {
			s.say("%s: the paper of %s had come out, all the same", m.name, p.d)
			p.d.came(p.job)
		}
	}
}

// stop ends the kiosk in order, unless its power goes while it stops.
func (m *machine) stop() {
	l := m.life
	m.life = nil
	if !l.shut() {
		m.s.say("%s: THE POWER IS CUT %s", m.name, l.fuse.burnt())
		m.life = l
		m.kill(m.s.chance)
		return
	}
	if m.conn != nil {
		m.conn.cut()
	}
}

// shut has everything of the kiosk end; false: its power went meanwhile.
func (l *life) shut() bool {
	if !l.m.s.await(func() {
		l.cancel()
		l.wg.Wait()
	}, l.fuse) {
		return false
	}
	if l.box != nil {
		if err := l.box.Close(); err != nil && !l.fuse.isDead() {
			l.m.s.broken("KioskStops", "the outbox does not close: %v", err)
		}
	}
	return true
}

// tearNext keeps what is on the medium before the next commit.
func (l *life) tearNext() {
	b, err := os.ReadFile(filepath.Join(l.m.dir, outboxFile))
	if err == nil {
		l.before = b
	}
}

// tear returns one of the files that a power cut inside a commit may leave: bbolt
// writes pages, flushes, writes one of its first two pages, and flushes. So any of
// the pages may be there without the first two, or all of them.
func tear(before, after []byte, r *rand.Rand) []byte {
	const page = 4096
	out := append([]byte(nil), after...)
	if r.IntN(4) == 0 {
		return out
	}
	for at := 0; at < len(out); at += page {
		if at >= 2*page && r.IntN(2) == 0 {
			continue
		}
		to := out[at:min(at+page, len(out))]
		clear(to)
		if at < len(before) {
			copy(to, before[at:])
		}
	}
	return out
}

// ask has the outbox do something and returns false where the power went before
// it was done.
func (m *machine) ask(f func(o *outbox.Outbox) error) (err error, done bool) {
	l := m.life
	fin := make(chan struct{})
	l.wg.Go(func() {
		err = f(l.box)
		close(fin)
	})
	m.s.settle()
	select {
	case <-fin:
		return err, l.fuse.burnt() == ""
	default:
		return nil, false
	}
}
