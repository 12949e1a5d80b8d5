package portal

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/stick"
	"github.com/penjire/penjire/sync/wire"
)

// A session in files: what a kiosk exported to a memory stick comes in here, and
// the answer goes back in a file (wire.md, section 9). It is the same session with
// the same receipts; but what it brings may be old, may come twice and in any
// order, and its acks come with the next one.

// Errors of Import, beside those of package stick.
var (
	ErrNoExport = errors.New("the file is an answer, which goes to the kiosk")
	ErrStranger = errors.New("the file is signed by no kiosk of this portal")
)

// answerBytes is how much goes into one answer, about; the rest comes with the next.
const answerBytes = 32 << 20

// Imported says what a file from a stick held, and has its answer.
type Imported struct {
	Kiosk   string    `json:"kiosk"`
	Number  uint64    `json:"number"`
	Made    time.Time `json:"made"`    // by the kiosk's clock
	Records int       `json:"records"` // that were whole
	New     int       `json:"new"`     // of them, that had not come before
	Forks   int       `json:"forks"`   // of them, under the number of another: the kiosk has a clone
	Waiting int       `json:"waiting"` // not decided when the answer was made
	Cut     bool      `json:"cut"`     // it ends too early
	Damaged int       `json:"damaged"` // frames that are not as they were signed
	Name    string    `json:"answer"`  // of the answer's file
	Answer  []byte    `json:"-"`
}

// late is what a session in files has beside others.
type late struct {
	Imported
	docs  map[ledger.Doc]struct{} // to be decided
	first bool                    // nothing is known of this outbox yet
	haves map[[32]byte]*wire.Have // of large requests that are not all here
	fresh bool                    // no newer journal of this kiosk is known: its hello tells how it is
}

// errCarried is a head in a file that is older than the one kept, or that starts
// from another one: it is not kept, and says nothing bad about the kiosk
// (WIRE-FIL-10).
var errCarried = errors.New("a head that was overtaken")

// head says whether a head that is this kiosk's can be judged here.
func (l *late) head(h *journal.Head, kept ledger.Head, from int64) error {
	if h.Size >= kept.Size {
		l.fresh = true
	}
	if h.Size < kept.Size || h.Size > kept.Size && kept.Size > 0 && from != kept.Size {
		return errCarried
	}
	return nil
}

func (l *late) took(in []ledger.Incoming, out []ledger.Outcome) {
	for i, o := range out {
		l.Records++
		if o.New {
			l.New++
		}
		if o.Fork {
			l.Forks++
		}
		l.docs[in[i].Doc] = struct{}{}
	}
}

// Import takes a kiosk's export from r and makes the answer to it. Importing it
// again gives the same receipts and registers nothing twice. Errors wrap
// stick.ErrOther, ErrVersion, ErrCut or ErrDamaged where not even the header can be
// read, ErrNoExport or ErrStranger; any other is the portal's own, and the same file
// can be brought again.
func (p *Portal) Import(ctx context.Context, r io.Reader) (Imported, error) {
	f, err := stick.Read(r)
	if err != nil {
		return Imported{}, fmt.Errorf("portal: import: %w", err)
	}
	if f.Kind != stick.Export {
		return Imported{}, fmt.Errorf("portal: import %s: %w", f.Name(), ErrNoExport)
	}
	if err := p.exporter(ctx, f); err != nil {
		p.c.Log.Warn("portal: a file is turned away", "kiosk", f.Kiosk, "err", err)
		return Imported{}, fmt.Errorf("portal: import %s: %w: %w", f.Name(), ErrStranger, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &collector{}
	s := &session{
		p: p, conn: out, kiosk: f.Kiosk, cancel: cancel,
		wake: make(chan struct{}, 1), acks: make(chan uint64, 1), ended: make(chan struct{}),
		late: &late{docs: map[ledger.Doc]struct{}{}, haves: map[[32]byte]*wire.Have{}},
	}
	s.late.Kiosk, s.late.Number, s.late.Made = f.Kiosk, f.Number, f.When()
	defer close(s.ended)
	defer p.leave(s)
	if err := s.file(ctx, f); err != nil {
		if c := context.Cause(ctx); c != nil {
			err = c
		}
		return s.late.Imported, fmt.Errorf("portal: import %s: %w", f.Name(), err)
	}
	h := f.Header
	h.Kind, h.At, h.Portal = stick.Answer, p.c.Now().Unix(), p.c.Name
	parts, err := stick.Pack(h, out.frames, p.c.Receipt)
	if err != nil {
		return s.late.Imported, fmt.Errorf("portal: answer %s: %w", f.Name(), err)
	}
	s.late.Name = h.Name()
	for _, b := range parts {
		s.late.Answer = append(s.late.Answer, b...)
	}
	p.c.Log.Info("portal: a file was taken", "kiosk", f.Kiosk, "number", f.Number, "records", s.late.Records,
		"new", s.late.New, "forks", s.late.Forks, "cut", s.late.Cut, "damaged", s.late.Damaged)
	return s.late.Imported, nil
}

// exporter checks who signed a file: the kiosk that it names, with the key by which
// it signs as intermediary or that of its connections.
func (p *Portal) exporter(ctx context.Context, f *stick.File) error {
	b := p.Trust()
	var known []*x509.Certificate
	for _, c := range b.SealSigners {
		if trust.DeviceID(c) == f.Kiosk {
			known = append(known, c)
		}
	}
	cert, err := f.Verify(known...)
	if err != nil {
		return err
	}
	id, err := p.admit(ctx, cert)
	if err != nil {
		return err
	}
	if id != f.Kiosk {
		return fmt.Errorf("the certificate is the one of %s", id)
	}
	now := p.c.Now()
	if w := b.CheckCert(cert, trust.UseDevice, now, true, now).Worst(); w.Verdict != trust.Yes {
		return fmt.Errorf("the certificate: %s", w.Reason)
	}
	return nil
}

// file runs the session: everything that is whole in the file, then what waits for
// the kiosk.
func (s *session) file(ctx context.Context, f *stick.File) error {
	// The header says as much as a hello whose frame is damaged.
	s.hello = &wire.Hello{Kiosk: f.Kiosk, Epoch: f.Epoch, Oldest: wire.Version, Newest: wire.Version, Cursor: f.Cursor}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.beacon(ctx); err != nil {
		return err
	}
	s.late.first = s.head.Size == 0 && s.least == 0
	said := false
	for end := false; !end; {
		fr, err := f.Next()
		switch {
		case errors.Is(err, io.EOF):
			end = true
		case errors.Is(err, stick.ErrCut):
			s.late.Cut, end = true, true
		case errors.Is(err, stick.ErrDamaged):
			s.late.Damaged++
			continue
		case err != nil:
			return err
		}
		switch fr := fr.(type) {
		case *wire.Hello:
			if fr.Kiosk == f.Kiosk && fr.Epoch == f.Epoch {
				s.hello, said = fr, true
				s.hello.Cursor = f.Cursor
			}
		case *wire.Checkpoint:
			err = s.checkpoint(ctx, fr)
		case *wire.Records:
			err = s.records(ctx, fr)
		case *wire.Large:
			err = s.large(ctx, fr)
		case *wire.Chunk:
			err = s.chunk(ctx, fr)
		}
		if err != nil && !end {
			return err
		}
	}
	for _, h := range s.late.haves {
		if err := s.conn.Send(ctx, h); err != nil {
			return err
		}
	}
	if s.late.fresh && said {
		if err := s.seen(ctx, f); err != nil {
			return s.busy(ctx, err)
		}
	}
	if s.head.Size > 0 {
		// With the kiosk's own signature: it may not have kept it. And one that the
		// kiosk's journal does not lead to shows it that it is an older copy.
		if err := s.conn.Send(ctx, &wire.Witness{Epoch: s.hello.Epoch, Head: s.head.Note}); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return s.busy(ctx, err)
	}
	return s.downFile(ctx)
}

// seen tells the fleet view how the kiosk was when it exported, and what it had
// stored by then; unless the kiosk is known to have gone on to another outbox.
func (s *session) seen(ctx context.Context, f *stick.File) error {
	all, err := s.p.ledger.Kiosks(ctx)
	if err != nil {
		return err
	}
	for _, k := range all {
		if k.ID == s.kiosk && k.Visit.Epoch != f.Epoch && !s.late.first {
			return nil
		}
	}
	at := f.When()
	if now := s.p.c.Now(); at.After(now) {
		at = now
	}
	if err := s.p.ledger.Visited(ctx, s.kiosk, visit(s.hello, at)); err != nil {
		return err
	}
	if f.Cursor == 0 {
		return nil
	}
	// Before anything counts as acked that stands under a lower ID and has not gone down.
	behind, err := s.p.ledger.Surpass(ctx, s.kiosk, f.Cursor)
	if err == nil && behind {
		err = s.p.putBack(ctx, s.kiosk, f.Cursor)
	}
	if err != nil {
		return err
	}
	return s.p.ledger.Acked(ctx, s.kiosk, f.Cursor, at)
}

// settle waits a while until what came is decided: an answer that could have said
// «registered» and says «received» costs the citizen another way with the stick.
func (s *session) settle(ctx context.Context) error {
	t := time.NewTimer(s.p.c.Settle)
	defer t.Stop()
	for {
		for doc := range s.late.docs {
			r, err := s.p.ledger.Get(ctx, doc)
			switch {
			case err == nil && r.State == ledger.Received:
				continue
			case err != nil && !errors.Is(err, ledger.ErrNotFound):
				return err
			}
			delete(s.late.docs, doc)
		}
		if s.late.Waiting = len(s.late.docs); s.late.Waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		case <-s.wake:
		}
	}
}

// downFile puts into the answer what the kiosk does not have.
func (s *session) downFile(ctx context.Context) error {
	knows := known{s.hello.Trust, s.hello.Catalogue}
	cursor := s.hello.Cursor
	if err := s.teach(ctx, &knows, cursor); err != nil {
		return err
	}
	if err := s.p.instruct(ctx, s.kiosk); err != nil {
		return s.busy(ctx, err)
	}
	out, _ := s.conn.(*collector)
	for out.room() {
		its, err := s.p.ledger.Items(ctx, s.kiosk, cursor, itemsAtOnce)
		if err != nil {
			return s.busy(ctx, err)
		}
		if len(its) == 0 {
			return nil
		}
		f, next, err := s.items(its, cursor)
		if err != nil {
			return s.busy(ctx, err)
		}
		if f.Last() > 0 {
			if _, err := s.hand(ctx, f); err != nil {
				return err
			}
		}
		cursor = next
	}
	return nil
}
