package portal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/sync/ledger"
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

	settings atomic.Uint64 // version of the kiosk's settings that it was handed last
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
				err = s.raise(ctx, ledger.AlarmUnbelieving, fmt.Sprintf("trust %d", s.hello.Trust))
			case f.Of == wire.TypeItems && (f.Code == wire.CodeSettings || f.Code == wire.CodeSettingsRefused):
				if err = s.raise(ctx, ledger.AlarmSettings, f.Code); err == nil {
					if e := s.p.ledger.SettingsRefused(ctx, s.kiosk, s.settings.Load(), f.Code); e != nil {
						err = s.busy(ctx, e)
					}
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

// busy ends the session for a fault of the portal's own.
func (s *session) busy(ctx context.Context, err error) error {
	s.p.c.Log.Error("portal: cannot serve a kiosk", "kiosk", s.kiosk, "err", err)
	return s.bye(ctx, "busy", s.p.later(s.kiosk, 30*time.Second))
}
