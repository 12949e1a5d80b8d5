package portal

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// headError is a head that is not kept, and what for.
type headError struct {
	code string
	err  error
}

func (e *headError) Error() string { return e.code + ": " + e.err.Error() }

func (e *headError) Unwrap() error { return e.err }

func badHead(code, format string, args ...any) error {
	return &headError{code, fmt.Errorf(format, args...)}
}

// checkpoint is the portal as witness: it keeps the kiosk's journal head if it
// follows from the last one (WIRE-JRN-1), and gives the kiosk its signature and a
// time stamp over it. If it does not follow, it tells the kiosk, shows it the
// head that it contradicts and raises an alarm, and the session goes on: what
// citizens asked for must not wait for it.
func (s *session) checkpoint(ctx context.Context, f *wire.Checkpoint) error {
	h, err := s.checkHead(f)
	var bad *headError
	if errors.As(err, &bad) && bad.code == ledger.AlarmSignature && s.otherBase(f) {
		s.p.c.Log.Warn("portal: a head that cannot be read is asked for again", "kiosk", s.kiosk, "err", err)
		return s.conn.Send(ctx, &wire.Nack{Of: wire.TypeCheckpoint, Epoch: f.Epoch, Code: wire.CodeBase})
	}
	s.shown = true
	if errors.Is(err, errCarried) {
		return nil
	}
	if err == nil && h.Size == s.head.Size {
		// The kiosk has lost our word, or never got it. Where its counter has gone on,
		// or it has signed again, it has not the head that we keep, either.
		if h.Counter != s.head.Counter || !s.signedTheSame(h) {
			return s.conn.Send(ctx, &wire.Witness{Epoch: f.Epoch, Head: s.head.Note})
		}
		return s.witnessed(ctx)
	}
	if err == nil {
		var kept ledger.Head
		if kept, err = s.p.witness(ctx, s.kiosk, h); err == nil {
			err = s.p.ledger.SetHead(ctx, s.kiosk, f.Epoch, s.head, kept)
		}
		if err == nil {
			s.head = kept
			return s.witnessed(ctx)
		}
		if errors.Is(err, ledger.ErrHead) {
			err = badHead(ledger.AlarmForked, "another head came in between: %w", err)
		}
	}
	if !errors.As(err, &bad) {
		return s.busy(ctx, err)
	}
	return s.refuseHead(ctx, f, bad)
}

// signedTheSame says whether the kiosk's signature under h is the one under the head
// kept. A signature is another each time, and what comes later is packed against it.
func (s *session) signedTheSame(h *journal.Head) bool {
	kept := s.keptHead()
	if kept == nil {
		return false
	}
	a, b := h.Signed(s.kiosk), kept.Signed(s.kiosk)
	return a != nil && b != nil && bytes.Equal(a.Bytes(), b.Bytes())
}

func (s *session) refuseHead(ctx context.Context, f *wire.Checkpoint, bad *headError) error {
	s.p.c.Log.Error("portal: a kiosk's journal is refused", "kiosk", s.kiosk, "err", bad)
	if err := s.p.ledger.Raise(ctx, ledger.Alarm{
		At: s.p.c.Now(), Kiosk: s.kiosk, Code: bad.code,
		Note: fmt.Sprintf("epoch %s, kept size %d", hex.EncodeToString(f.Epoch[:4]), s.head.Size),
	}); err != nil {
		return s.busy(ctx, err)
	}
	if err := s.conn.Send(ctx, &wire.Nack{Of: wire.TypeCheckpoint, Epoch: f.Epoch, Code: bad.code}); err != nil {
		return err
	}
	if s.head.Size == 0 || bad.code == ledger.AlarmSignature || f.Epoch != s.hello.Epoch {
		return nil
	}
	return s.conn.Send(ctx, &wire.Witness{Epoch: f.Epoch, Head: s.head.Note})
}

// witnessed sends the portal's signature under the head kept: the kiosk has its
// own.
func (s *session) witnessed(ctx context.Context) error {
	if s.late != nil {
		return nil // once, when the file is read
	}
	h, err := journal.ParseHead(s.head.Note)
	if err != nil {
		return s.busy(ctx, err)
	}
	return s.conn.Send(ctx, &wire.Witness{Epoch: s.hello.Epoch, Head: s.last.answer(h.Only(s.p.c.Name))})
}

// witness signs a head that follows, and has the signature time-stamped. Without
// a time stamp the head is kept all the same: it counts by itself, and gets its
// stamp when the kiosk comes back.
func (p *Portal) witness(ctx context.Context, kiosk string, h *journal.Head) (ledger.Head, error) {
	now := p.c.Now()
	sig, err := h.Signature(p.c.Receipt, now, false)
	if err != nil {
		return ledger.Head{}, err
	}
	stamp := p.stamp(ctx, kiosk, sig)
	if stamp != nil {
		sig = sig.WithTimeStamp(stamp)
	}
	if h, err = h.With(p.c.Name, p.c.Receipt.Cert, sig); err != nil {
		return ledger.Head{}, err
	}
	return ledger.Head{Size: h.Size, Root: h.Root, Counter: h.Counter, Note: h.Marshal(), Stamp: stamp, At: now}, nil
}

// stamp returns a time stamp over a signature, without the authority's
// certificate, which every bundle has; nil where there is none to be had.
func (p *Portal) stamp(ctx context.Context, kiosk string, sig *cms.SignedData) []byte {
	token, _, err := p.c.Stamper.Stamp(ctx, sig.Imprint())
	if err == nil {
		var t *cms.SignedData
		if t, err = cms.ParseAttached(token, cms.OIDTSTInfo); err == nil {
			return t.WithoutCertificates().Bytes()
		}
	}
	p.c.Log.Warn("portal: a journal head has no time stamp", "kiosk", kiosk, "err", err)
	return nil
}

// stampKept gives the head kept its time stamp, if it was kept without.
func (s *session) stampKept(ctx context.Context) error {
	if s.head.Size == 0 || s.head.Stamp != nil {
		return nil
	}
	h, err := journal.ParseHead(s.head.Note)
	if err != nil {
		return err
	}
	sig := h.Signed(s.p.c.Name)
	if sig == nil {
		return nil // the portal had another name then
	}
	stamp := s.p.stamp(ctx, s.kiosk, sig)
	if stamp == nil {
		return nil
	}
	if h, err = h.With(s.p.c.Name, s.p.c.Receipt.Cert, sig.WithTimeStamp(stamp)); err != nil {
		return err
	}
	s.head.Note, s.head.Stamp = h.Marshal(), stamp
	return s.p.ledger.StampHead(ctx, s.kiosk, s.hello.Epoch, s.head.Size, s.head.Note, stamp)
}

// checkHead verifies a head: signed by this kiosk, of this journal, following
// from the head we have, and not smaller than what was taken from it.
func (s *session) checkHead(f *wire.Checkpoint) (*journal.Head, error) {
	if f.Epoch != s.hello.Epoch {
		return nil, badHead(ledger.AlarmSignature, "of another epoch than hello")
	}
	want := s.kiosk + "/" + hex.EncodeToString(f.Epoch[:])
	h, err := s.readHead(f.Head, want)
	if err != nil {
		return nil, &headError{ledger.AlarmSignature, err}
	}
	if h.Origin != want {
		return nil, badHead(ledger.AlarmSignature, "of the journal %s, want %s", h.Origin, want)
	}
	if err := s.signedByKiosk(h); err != nil {
		return nil, &headError{ledger.AlarmSignature, err}
	}
	if s.late != nil {
		if err := s.late.head(h, s.head, f.From); err != nil {
			return nil, err
		}
	}
	switch kept := s.head; {
	case h.Size < kept.Size:
		return nil, badHead(ledger.AlarmShortened, "%d entries, the last head kept has %d", h.Size, kept.Size)
	case kept.Counter != 0 && h.Counter == 0:
		return nil, badHead(ledger.AlarmRewound, "no counter, the last head kept has %d", kept.Counter)
	case h.Counter < kept.Counter || h.Counter == kept.Counter && h.Counter != 0 && h.Size != kept.Size:
		return nil, badHead(ledger.AlarmRewound, "counter %d, the last head kept has %d", h.Counter, kept.Counter)
	case h.Size == kept.Size && h.Root != kept.Root:
		return nil, badHead(ledger.AlarmForked, "%d entries with another root than the head kept", h.Size)
	case h.Size == kept.Size && h.Size < s.least && s.late == nil:
		return nil, badHead(ledger.AlarmMissing, "%d entries as before, what was taken since needs %d", h.Size, s.least)
	case h.Size == kept.Size, s.late != nil && kept.Size == 0:
		return h, nil
	case f.From != kept.Size:
		return nil, badHead(ledger.AlarmForked, "a proof from %d, the last head kept has %d", f.From, kept.Size)
	}
	root := s.head.Root
	if s.head.Size == 0 {
		root = journal.EmptyRoot
	}
	if err := journal.CheckConsistency(f.Proof, s.head.Size, h.Size, root, h.Root); err != nil {
		return nil, &headError{ledger.AlarmForked, err}
	}
	if h.Size < s.least && s.late == nil {
		return nil, badHead(ledger.AlarmMissing, "%d entries, what was taken from it needs %d", h.Size, s.least)
	}
	return h, nil
}

// signedByKiosk checks the kiosk's signature under a head: by the certificate
// with which it signs as intermediary, which the bundle lists.
func (s *session) signedByKiosk(h *journal.Head) error {
	b := s.p.Trust()
	var known []*x509.Certificate
	for _, c := range b.SealSigners {
		if trust.DeviceID(c) == s.kiosk {
			known = append(known, c)
		}
	}
	cert, err := h.Verify(s.kiosk, known...)
	if err != nil {
		return err
	}
	if id := trust.DeviceID(cert); id != s.kiosk {
		return fmt.Errorf("signed by %q", id)
	}
	now := s.p.c.Now()
	if f := b.CheckCert(cert, trust.UseDevice, now, true, now).Worst(); f.Verdict != trust.Yes {
		return fmt.Errorf("the certificate under it: %s", f.Reason)
	}
	return nil
}

// silent raises an alarm where records come and no head was shown, though more
// was taken before than the head kept covers: who never shows a journal could
// never be refused one (WIRE-JRN-7). The records are taken.
func (s *session) silent(ctx context.Context) error {
	if s.shown || s.head.Size >= s.least || s.late != nil && s.late.Damaged > 0 {
		return nil
	}
	s.shown = true // once is enough
	s.p.c.Log.Error("portal: a kiosk shows no journal", "kiosk", s.kiosk, "kept", s.head.Size, "taken", s.least)
	return s.p.ledger.Raise(ctx, ledger.Alarm{
		At: s.p.c.Now(), Kiosk: s.kiosk, Code: ledger.AlarmSilent,
		Note: fmt.Sprintf("epoch %s, kept size %d, want %d", hex.EncodeToString(s.hello.Epoch[:4]), s.head.Size, s.least),
	})
}

// leastJournal returns how many entries a journal has at least from which those
// records came: it begins with one, each request was signed before it was sent,
// and all of them up to the last one were signed before that.
func leastJournal(taken int64, last uint64) int64 {
	if taken == 0 {
		return 0
	}
	return 1 + int64(last) + taken //nolint:gosec // the ledger has refused a sequence above the integers
}
