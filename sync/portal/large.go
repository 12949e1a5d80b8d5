package portal

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/wire"
)

// A large request comes in chunks (wire.md, section 5a). Each is durable before the
// kiosk hears of it; when all are there they are read back and compared with the
// digest that was announced, and only then taken in like any record.

// Codes of nacks of large requests, beside wire.CodeDigest.
const (
	codeTooLarge = "record.too_large"
	codeQuota    = "large.quota"
)

const (
	quotaRetry  = time.Hour
	digestRetry = time.Hour
	// uploadLife is how long an upload that gets no further is kept. The kiosk
	// still holds all of it.
	uploadLife  = 90 * 24 * time.Hour
	forgetEvery = 24 * time.Hour
)

// large answers the announcement of a large request: with how much of it is here,
// or, if it came before, with its receipt.
func (s *session) large(ctx context.Context, f *wire.Large) error {
	if f.Size > wire.MaxLarge {
		return s.nackLarge(ctx, f, codeTooLarge, 0)
	}
	if err := s.silent(ctx); err != nil {
		return s.busy(ctx, err)
	}
	in := incoming(f, nil)
	switch known, err := s.p.takenBefore(ctx, s.kiosk, in); {
	case err != nil:
		return s.busy(ctx, err)
	case known:
		if err := s.p.ledger.EndUpload(ctx, s.kiosk, f.Digest); err != nil {
			return s.busy(ctx, err)
		}
		s.announced(f.Digest, nil)
		return s.takeIn(ctx, []ledger.Incoming{in})
	}
	if over, err := s.gateLarge(ctx, f, int64(f.Size)); over || err != nil { //nolint:gosec // bounded
		return err
	}
	have, err := s.p.ledger.BeginUpload(ctx, s.kiosk, ledger.Upload{
		Digest: f.Digest, Size: int64(f.Size), At: s.p.c.Now(),
	}, s.p.c.Uploads)
	if errors.Is(err, ledger.ErrQuota) {
		return s.nackLarge(ctx, f, codeQuota, quotaRetry)
	}
	if err != nil {
		return s.busy(ctx, err)
	}
	s.announced(f.Digest, f)
	return s.came(ctx, f, have)
}

// announced remembers what was announced in this session; nil: it is here.
func (s *session) announced(digest [32]byte, f *wire.Large) {
	if s.uploads == nil {
		s.uploads = map[[32]byte]*wire.Large{}
	}
	s.uploads[digest] = f
}

// chunk makes bytes of a large request durable and says how much is here.
func (s *session) chunk(ctx context.Context, f *wire.Chunk) error {
	l, ok := s.uploads[f.Digest]
	if !ok && s.late == nil {
		return s.bye(ctx, "frame.unexpected", 0)
	}
	if ok && l == nil {
		return nil // it was on its way when the last one had come
	}
	if s.p.Disk().Full {
		if l == nil { // as below
			s.p.full(ctx)
			return ErrFull
		}
		if over, err := s.gateLarge(ctx, l, 0); over || err != nil {
			return err
		}
	}
	have, err := s.p.ledger.AppendUpload(ctx, s.kiosk, f.Digest, int64(f.Offset), f.Bytes, s.p.c.Now()) //nolint:gosec // bounded by the frame
	switch {
	case errors.Is(err, ledger.ErrNotFound) && l == nil:
		return nil // in a file whose announcement is damaged
	case errors.Is(err, ledger.ErrNotFound): // forgotten meanwhile
		return s.large(ctx, l)
	case err != nil:
		return s.busy(ctx, err)
	case l == nil: // as above, of an upload that another file began
		l = &wire.Large{Digest: f.Digest, Size: wire.MaxLarge + 1}
	}
	return s.came(ctx, l, have)
}

// came says how much of a large request is here, or takes it in.
func (s *session) came(ctx context.Context, f *wire.Large, have int64) error {
	if have == int64(f.Size) { //nolint:gosec // bounded
		return s.complete(ctx, f)
	}
	h := &wire.Have{Digest: f.Digest, Offset: uint64(have)} //nolint:gosec // not below 0
	if s.late != nil {
		s.late.haves[f.Digest] = h // one for all chunks of a file
		return nil
	}
	return s.conn.Send(ctx, h)
}

// complete reads back what came, compares it with its digest, and takes it in.
func (s *session) complete(ctx context.Context, f *wire.Large) error {
	sealed, err := s.p.ledger.ReadUpload(ctx, s.kiosk, f.Digest)
	if err != nil {
		return s.busy(ctx, err)
	}
	s.announced(f.Digest, nil)
	if s.late != nil {
		delete(s.late.haves, f.Digest)
	}
	good := sha256.Sum256(sealed) == f.Digest
	if good {
		if err := s.takeIn(ctx, []ledger.Incoming{incoming(f, sealed)}); err != nil {
			return err
		}
	} else {
		s.p.c.Log.Error("portal: a large request is not what its digest says", "kiosk", s.kiosk, "seq", f.Seq, "bytes", len(sealed))
	}
	// After the receipt is durable: what is left behind by a crash in between is
	// found when the kiosk asks again.
	if err := s.p.ledger.EndUpload(ctx, s.kiosk, f.Digest); err != nil {
		return s.busy(ctx, err)
	}
	if !good {
		return s.nackLarge(ctx, f, wire.CodeDigest, digestRetry)
	}
	return nil
}

func (s *session) nackLarge(ctx context.Context, f *wire.Large, code string, retry time.Duration) error {
	return s.conn.Send(ctx, &wire.Nack{Of: wire.TypeLarge, Epoch: f.Epoch, Seq: f.Seq, Code: code, Retry: uint(retry / time.Second)})
}

func incoming(f *wire.Large, sealed []byte) ledger.Incoming {
	return ledger.Incoming{
		Epoch: f.Epoch, Seq: f.Seq, Doc: f.Doc, Code: edoc.ID(f.Doc).Code(), Service: f.Service, Lang: f.Lang,
		Claimed: time.Unix(f.Claimed, 0), Channel: ledger.ChannelKiosk, Digest: f.Digest, Sealed: sealed,
	}
}

// errNew ends the transaction that looks whether a record is there.
var errNew = errors.New("it is not here yet")

// takenBefore reports whether the record has its receipt already.
func (p *Portal) takenBefore(ctx context.Context, kiosk string, in ledger.Incoming) (bool, error) {
	_, err := p.ledger.Intake(ctx, kiosk, p.c.Now(), []ledger.Incoming{in}, func([]ledger.Incoming, time.Time) ([][]byte, error) {
		return nil, errNew
	})
	if errors.Is(err, errNew) {
		return false, nil
	}
	return err == nil, err
}

// forgetUploads forgets, once a day, what gets no further.
func (p *Portal) forgetUploads(ctx context.Context) {
	now := p.c.Now()
	if now.Sub(p.forgot) < forgetEvery {
		return
	}
	n, err := p.ledger.ForgetUploads(ctx, now.Add(-uploadLife))
	if err != nil {
		if ctx.Err() == nil {
			p.c.Log.Error("portal: old uploads are not forgotten", "err", err)
		}
		return
	}
	p.forgot = now
	if n > 0 {
		p.c.Log.Info("portal: uploads that got no further are forgotten; the kiosks still hold them", "uploads", n)
	}
}
