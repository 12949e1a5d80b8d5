package uplink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/wire"
)

// hold is how long a record that was refused by a nack without a time is not
// sent again in the same session.
const hold = time.Minute

// session is one connection.
type session struct {
	u       *Uplink
	conn    wire.Carrier
	welcome *wire.Welcome
	epoch   [16]byte // of the outbox's file

	mu      sync.Mutex
	waiting map[key]outbox.Record // sent, neither receipted nor refused
	held    map[outbox.Doc]held   // refused
	settled chan struct{}         // something left waiting

	large    *upload       // goes up in chunks; nil: none
	progress chan struct{} // the portal said something about it

	refused bool          // the portal would not keep our journal head
	unsure  bool          // a head that is packed against a base is not answered
	whole   bool          // none is any more: the portal keeps another base
	resend  bool          // the last one is to go again
	kept    int64         // journal size of the head that the portal keeps
	flying  []flying      // heads that went up and are not answered; the portal answers in order
	base    *journal.Head // what the portal keeps too, so that the next one can be packed against it; nil: nothing
	head    int64         // journal size last told to the portal; up's
	named   bool          // decisions were asked for again, with their documents; down's
	told    bool          // the portal was told of a decision that is not believed
	looked  bool          // a head went up in this session; up's
	last    time.Time     // when; up's
	asked   time.Duration // by the portal's bye
	full    time.Time     // since when what comes down finds no room; zero: it does; down's
	late    *Taken        // what came in a file; nil in a session over a line
}

// held is a record that the portal would not take.
type held struct {
	until time.Time // not again before
	size  int
	large bool // it goes in chunks
}

// key is a record's number.
type key struct {
	epoch [16]byte
	seq   uint64
}

// session runs one connection until it ends. welcomed says whether it got as far
// as a welcome; retry is what the portal asked for.
func (u *Uplink) session(ctx context.Context) (retry time.Duration, welcomed bool, err error) {
	u.st.attempt()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn, second, err := u.connect(ctx)
	if err != nil {
		return 0, false, err
	}
	u.carries(conn)
	defer u.account(true)
	defer u.carries(nil)
	if n, ok := conn.(wire.Noter); ok {
		n.Note(func(up bool, f wire.Frame, n int) { u.st.frame(u.c.Now(), up, f, n) })
	}
	// What a session began has ended when it returns: the outbox may be closed
	// then, or another session be about to store the same items.
	var wg sync.WaitGroup
	defer func() {
		cancel(nil)
		conn.Cut()
		wg.Wait()
	}()
	s := &session{
		u: u, conn: conn, waiting: map[key]outbox.Record{}, held: map[outbox.Doc]held{},
		settled: make(chan struct{}, 1), progress: make(chan struct{}, 1),
	}
	defer s.closeLarge(ctx)
	// From here on a silent portal ends the session, at whatever step.
	wg.Go(func() {
		if err := conn.Watch(ctx, u.c.Interval); err != nil {
			cancel(err)
		}
	})
	why := func(err error) error {
		if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
			return c
		}
		return err
	}
	if err := s.greet(ctx); err != nil {
		return s.asked, false, why(err)
	}
	u.st.up(u.c.Now())
	wg.Go(func() { cancel(s.down(ctx)) })
	if second {
		wg.Go(func() { u.lookBack(ctx, cancel) })
	}
	wg.Go(func() { u.mind(ctx, cancel) })
	wg.Go(func() { u.ask(ctx, cancel) })
	err = s.up(ctx)
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && (cause == context.Canceled || cause == errBetter || cause == errSchedule || cause == errAside) { //nolint:errorlint // these very ones
		conn.Close() // we were told to stop, or go on elsewhere: in order
	}
	err = why(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, true, err
}

// hello says how this kiosk stands.
func (u *Uplink) hello(ctx context.Context) *wire.Hello {
	st := u.c.Outbox.Stats(ctx)
	hello := &wire.Hello{
		Kiosk: u.kiosk, Epoch: st.Epoch, Oldest: wire.Spoken.Oldest, Newest: wire.Spoken.Newest, Cursor: st.Cursor,
		Software: u.c.Software, Unsent: uint64(st.Unsent), Catalogue: u.c.Catalogue(),
	}
	if !st.OldestUnsent.IsZero() {
		hello.Since = st.OldestUnsent.Unix()
	}
	if b := u.c.Trust(); b != nil && !u.whole.Load() {
		hello.Trust = b.Version
	}
	cursor, err := u.aside.cursor(st.Cursor, u.trustVersion(), u.c.Now())
	if err != nil {
		u.c.Log.Error("uplink: a restart will forget what was left out", "err", err)
	}
	hello.Cursor = cursor
	return hello
}

// trustVersion is the version of the bundle in force; 0: there is none.
func (u *Uplink) trustVersion() uint64 {
	if b := u.c.Trust(); b != nil {
		return b.Version
	}
	return 0
}

// greet says hello and reads the welcome.
func (s *session) greet(ctx context.Context) error {
	hello := s.u.hello(ctx)
	s.epoch = hello.Epoch
	if err := s.conn.Send(ctx, hello); err != nil {
		return err
	}
	f, err := s.conn.Receive(ctx)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case *wire.Welcome:
		if !wire.Spoken.Has(f.Version) {
			return &coded{CodeVersion, fmt.Errorf("uplink: the portal speaks version %d", f.Version)}
		}
		s.welcome, s.head, s.kept = f, f.HeadSize, f.HeadSize
		if kept := s.u.c.Kept; kept != nil && f.HeadSize > 0 {
			if h := kept(); h != nil && h.Digest() == f.HeadName {
				s.base = h
			}
		}
		return nil
	case *wire.Bye:
		return s.bye(f)
	default:
		return &coded{CodeProtocol, fmt.Errorf("uplink: got %s, want welcome", f.Type())}
	}
}

// bye returns the error that a bye of the portal ends the session with.
func (s *session) bye(f *wire.Bye) error {
	s.mu.Lock()
	s.asked = time.Duration(f.Retry) * time.Second
	s.mu.Unlock()
	code := CodeBusy
	switch {
	case f.Code == "version":
		code = CodeVersion
	case f.Code == "certificate.refused":
		code = CodeKioskCertificate
	case pauses(f.Code) == WaitsQuota:
		code = CodeQuota
	}
	return &coded{code, fmt.Errorf("uplink: the portal says bye: %q, come back in %d s", f.Code, f.Retry)}
}
