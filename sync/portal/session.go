package portal

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// What a kiosk may send in one frame, and how much goes down to it at once.
const (
	maxBatchBytes = 1 << 20
	itemsAtOnce   = wire.MaxItems
	itemBytes     = 512 << 10
)

// session is one kiosk's connection.
type session struct {
	p       *Portal
	conn    wire.Carrier
	kiosk   string
	cert    *x509.Certificate // that it showed; nil in files
	hello   *wire.Hello
	version uint // that both speak; there is only one yet
	cancel  context.CancelCauseFunc

	wake chan struct{} // there may be new items
	acks chan uint64
	// The kiosk has other records than decisions were sent for, and from then on
	// gets them with their documents; named is down's.
	unbuilt chan struct{}
	named   bool

	head  ledger.Head // the last one kept
	last  *shownHead  // the head that came last, if packed
	asked bool        // one that was packed against another base was asked for again
	least int64       // entries that the journal must have for what was taken before this session
	shown bool        // a head was shown in this session
	byes  sync.Mutex
	said  chan struct{} // closed when a bye has been said; nil: none yet. Under byes
	ended chan struct{}
	late  *late // of a session in files; nil over a line

	uploads map[[32]byte]*wire.Large // announced in this session; nil: here by now
	purse   purse                    // what it may still bring
	strikes int                      // how often it brought more
}

// SyncHandler takes kiosks' connections. It wants a server with TLSConfig.
func (p *Portal) SyncHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			http.Error(w, "a client certificate is needed", http.StatusForbidden)
			return
		}
		cert := r.TLS.PeerCertificates[0]
		kiosk, err := p.admit(r.Context(), cert)
		if err != nil {
			p.c.Log.Warn("portal: a kiosk is turned away", "kiosk", trust.DeviceID(cert), "err", err)
			http.Error(w, "this certificate is not accepted", http.StatusForbidden)
			return
		}
		conn, err := socket.Accept(w, r)
		if err != nil {
			p.c.Log.Info("portal: no session", "kiosk", kiosk, "err", err)
			return
		}
		_ = p.serve(context.WithoutCancel(r.Context()), kiosk, cert, conn) // it has logged
	})
}

// Peer is who is at the other end of a carrier, as the transport proved it.
type Peer struct {
	Kiosk string            // its id
	Cert  *x509.Certificate // its device certificate; the transport has checked the chain to a centre of devices
}

// codeRefused is the bye to a kiosk whose certificate is not accepted, where the
// carrier has no word of its own for it.
const codeRefused = "certificate.refused"

// Serve runs one session over c, whose other end has proved to be who, and returns
// when it has ended: nil after a bye of the kiosk. It cuts c.
func (p *Portal) Serve(ctx context.Context, who Peer, c wire.Carrier) error {
	kiosk, err := p.admit(ctx, who.Cert)
	if err == nil && kiosk != who.Kiosk {
		err = fmt.Errorf("the certificate is the one of %s", kiosk)
	}
	if err != nil {
		p.c.Log.Warn("portal: a kiosk is turned away", "kiosk", who.Kiosk, "err", err)
		defer c.Cut()
		return errors.Join((&session{p: p, conn: c}).bye(ctx, codeRefused, time.Hour), err)
	}
	return p.serve(ctx, kiosk, who.Cert, c)
}

func (p *Portal) serve(ctx context.Context, kiosk string, cert *x509.Certificate, c wire.Carrier) error {
	defer c.Cut()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &session{
		p: p, conn: c, kiosk: kiosk, cert: cert, cancel: cancel,
		wake: make(chan struct{}, 1), acks: make(chan uint64, 1), unbuilt: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	defer close(s.ended)
	err := s.run(ctx)
	if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
		err = c
	}
	p.c.Log.Info("portal: session ended", "kiosk", kiosk, "err", err)
	return err
}

// Admit returns the kiosk that a certificate is of, if it is let in: for what kiosks
// ask beside sync, on the same connection.
func (p *Portal) Admit(ctx context.Context, cert *x509.Certificate) (kiosk string, err error) {
	return p.admit(ctx, cert)
}

// admit returns the kiosk's id. TLS has checked the chain; the bundle knows what
// happened since (WIRE-TRN-1).
func (p *Portal) admit(ctx context.Context, cert *x509.Certificate) (string, error) {
	if cert == nil {
		return "", errors.New("no certificate was shown")
	}
	id := trust.DeviceID(cert)
	if id == "" {
		return "", errors.New("the certificate names no kiosk")
	}
	r := p.Trust().CheckCert(cert, trust.UseDevice, p.c.Now(), true, p.c.Now())
	if r.Centre == nil || r.Centre.Kind != trust.KindInfrastructure || r.Centre.State != trust.Working {
		return "", errors.New("no working centre of the bundle issued the certificate")
	}
	if r.Revocation.Verdict == trust.No {
		return "", fmt.Errorf("the certificate: %s", r.Revocation.Reason)
	}
	// Here it is known at once; the bundle's list follows (ENR-REV-1).
	if revoked, err := p.ledger.CertRevoked(ctx, ledger.Serial(cert)); err != nil || revoked {
		return "", cmp.Or(err, error(ledger.ErrCertRevoked))
	}
	return id, nil
}

// Expel ends the session of a kiosk, if there is one here: it was revoked. Where
// several portals share a ledger, the others end theirs at the next beacon.
func (p *Portal) Expel(kiosk string) {
	p.mu.Lock()
	s := p.sessions[kiosk]
	p.mu.Unlock()
	if s != nil {
		s.cancel(ledger.ErrCertRevoked)
	}
}

// errBye ends a session after a bye was sent.
var errBye = errors.New("said bye")

// bye says why the session ends.
func (s *session) bye(ctx context.Context, code string, retry time.Duration) error {
	// Who comes second waits on a channel and not on a lock: saying it takes time.
	s.byes.Lock()
	first := s.said == nil
	if first {
		s.said = make(chan struct{})
	}
	s.byes.Unlock()
	if !first {
		<-s.said
		return fmt.Errorf("%s: %w", code, errBye)
	}
	defer close(s.said)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.conn.Send(ctx, &wire.Bye{Code: code, Retry: uint(retry / time.Second)}) // the session ends either way
	s.conn.Close()
	return fmt.Errorf("%s: %w", code, errBye)
}

func (s *session) run(ctx context.Context) error {
	go func() {
		if err := s.conn.Watch(ctx, s.p.c.Interval); err != nil {
			s.cancel(err)
		}
	}()
	defer s.p.leave(s)
	if err := s.greeted(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.cancel(nil)
	wg.Go(func() {
		if err := s.down(ctx); err != nil && ctx.Err() == nil {
			s.p.c.Log.Warn("portal: nothing goes down", "kiosk", s.kiosk, "err", err)
			s.cancel(err)
		}
	})
	for {
		f, err := s.conn.Receive(ctx)
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case *wire.Records:
			err = s.records(ctx, f)
		case *wire.Large:
			err = s.large(ctx, f)
		case *wire.Chunk:
			err = s.chunk(ctx, f)
		case *wire.Checkpoint:
			err = s.checkpoint(ctx, f)
		case *wire.ItemAck:
			select {
			case s.acks <- f.ID:
			case <-ctx.Done():
				return ctx.Err()
			}
		case *wire.Nack:
			s.p.c.Log.Warn("portal: a kiosk did not take it", "kiosk", s.kiosk, "what", f.Of.String(), "code", f.Code)
			switch {
			case f.Of == wire.TypeItems && f.Code == wire.CodeUnbuilt:
				select {
				case s.unbuilt <- struct{}{}:
				default:
				}
			case f.Of == wire.TypeItems && f.Code == wire.CodeUnbelieved:
				if err = s.p.ledger.Raise(ctx, ledger.Alarm{
					At: s.p.c.Now(), Kiosk: s.kiosk, Code: ledger.AlarmUnbelieving, Note: fmt.Sprintf("trust %d", s.hello.Trust),
				}); err != nil {
					err = s.busy(ctx, err)
				}
			}
		case *wire.Bye:
			return nil
		default:
			err = s.bye(ctx, "frame.unexpected", 0)
		}
		if err != nil {
			return err
		}
	}
}

// greet answers hello, which is f.
func (s *session) greet(ctx context.Context, f wire.Frame) error {
	h, ok := f.(*wire.Hello)
	switch {
	case !ok:
		return s.bye(ctx, "hello.expected", 0)
	case h.Kiosk != s.kiosk:
		return s.bye(ctx, "hello.kiosk", 0)
	}
	if s.version, ok = s.p.speaks.Choose(h.Versions()); !ok {
		return s.bye(ctx, "version", time.Hour)
	}
	s.hello = h
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.p.ledger.Visited(ctx, s.kiosk, visit(h, s.p.c.Now())); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.p.knows(ctx, s.kiosk, h.Cursor); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.conn.Send(ctx, &wire.Welcome{
		Version: s.version, Portal: s.p.c.Name, HeadSize: s.head.Size, HeadName: s.headName(),
		Records: wire.MaxRecords, Bytes: maxBatchBytes,
	}); err != nil {
		return err
	}
	return s.beacon(ctx)
}

// begin makes s the session of its kiosk, and reads what is known of that.
func (s *session) begin(ctx context.Context) (err error) {
	h := s.hello
	if s.late == nil {
		if wait := s.p.sessionFits(s.kiosk); wait > 0 {
			s.p.overQuota(ctx, s.kiosk, codeSessions, wait)
			return s.bye(ctx, codeSessions, max(wait, leastWait))
		}
	}
	if !s.p.enter(s) {
		return s.bye(ctx, "busy", s.p.later(s.kiosk, 5*time.Minute))
	}
	if s.purse, err = s.p.purse(ctx, s.kiosk); err != nil {
		return s.busy(ctx, err)
	}
	if s.head, err = s.p.ledger.Head(ctx, s.kiosk, h.Epoch); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.stampKept(ctx); err != nil {
		return s.busy(ctx, err)
	}
	taken, last, err := s.p.ledger.Taken(ctx, s.kiosk, h.Epoch)
	if err != nil {
		return s.busy(ctx, err)
	}
	s.least = leastJournal(taken, last)
	return nil
}

// visit is what a hello tells the fleet view.
func visit(h *wire.Hello, at time.Time) ledger.Visit {
	v := ledger.Visit{
		Epoch: h.Epoch, At: at, Software: h.Software, Unsent: h.Unsent, Catalogue: h.Catalogue, Trust: h.Trust,
	}
	if h.Since > 0 {
		v.Oldest = time.Unix(h.Since, 0)
	}
	return v
}

// knows raises an alarm if the ledger does not have the last item that the kiosk
// has stored (WIRE-SES-20).
func (p *Portal) knows(ctx context.Context, kiosk string, cursor uint64) error {
	if cursor == 0 {
		return nil
	}
	its, err := p.ledger.Items(ctx, kiosk, cursor-1, 1)
	if err != nil {
		return err
	}
	if len(its) > 0 && its[0].ID == cursor {
		return nil
	}
	// A list that was replaced has gone from the items. What the kiosk acked is
	// remembered: a ledger that was put back does not know that either.
	all, err := p.ledger.Kiosks(ctx)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == kiosk && k.Cursor >= cursor {
			return nil
		}
	}
	// What stands under lower IDs would never go down to it.
	if _, err := p.ledger.Surpass(ctx, kiosk, cursor); err != nil {
		return err
	}
	return p.putBack(ctx, kiosk, cursor)
}

// putBack tells the operator that the ledger lacks what a kiosk has.
func (p *Portal) putBack(ctx context.Context, kiosk string, cursor uint64) error {
	p.c.Log.Error("portal: a kiosk has more than the ledger knows: the ledger was put back to an older state", "kiosk", kiosk, "item", cursor)
	return p.ledger.Raise(ctx, ledger.Alarm{
		At: p.c.Now(), Kiosk: kiosk, Code: ledger.AlarmRestored, Note: fmt.Sprintf("it has stored item %d", cursor),
	})
}

// busy ends the session for a fault of the portal's own.
func (s *session) busy(ctx context.Context, err error) error {
	s.p.c.Log.Error("portal: cannot serve a kiosk", "kiosk", s.kiosk, "err", err)
	return s.bye(ctx, "busy", s.p.later(s.kiosk, 30*time.Second))
}

// later returns when a kiosk that is sent away may come back.
func (p *Portal) later(kiosk string, least time.Duration) time.Duration {
	return p.away.later(kiosk, least, p.c.Now(), p.c.Jitter)
}

// enter makes s the kiosk's session. An older one, mostly a connection that died
// unnoticed, has ended when it returns: two would disagree about the journal
// head and the items. One that reads a file is short, and is waited for. False:
// there are too many.
func (p *Portal) enter(s *session) bool {
	p.mu.Lock()
	old := p.sessions[s.kiosk]
	for old != nil && old.late != nil {
		p.mu.Unlock()
		<-old.ended
		p.mu.Lock()
		old = p.sessions[s.kiosk]
	}
	if old == nil && s.late == nil && len(p.sessions) >= p.c.Herd {
		p.mu.Unlock()
		return false
	}
	p.sessions[s.kiosk] = s
	p.mu.Unlock()
	if old != nil {
		old.cancel(errors.New("replaced by a newer session"))
		<-old.ended
	}
	return true
}

func (p *Portal) leave(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions[s.kiosk] == s {
		delete(p.sessions, s.kiosk)
	}
}

// Connected returns the kiosks that are connected now.
func (p *Portal) Connected() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]string, 0, len(p.sessions))
	for k, s := range p.sessions {
		if s.late == nil {
			out = append(out, k)
		}
	}
	return out
}

// notify tells a kiosk's session, if there is one, that there may be items.
func (p *Portal) notify(kiosk string) {
	p.mu.Lock()
	s := p.sessions[kiosk]
	p.mu.Unlock()
	if s != nil {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

func (p *Portal) notifyAll() {
	for _, k := range p.Connected() {
		p.notify(k)
	}
}

// closeSessions says bye to everyone and waits until they are gone.
func (p *Portal) closeSessions() {
	p.mu.Lock()
	all := make([]*session, 0, len(p.sessions))
	for _, s := range p.sessions {
		all = append(all, s)
	}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() {
			_ = s.bye(context.Background(), "", spread(len(all), p.c.Jitter))
			s.cancel(errors.New("the portal stops"))
			<-s.ended
		})
	}
	wg.Wait()
}
