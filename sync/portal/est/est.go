// Package est gives kiosks their certificates: Enrolment over Secure Transport
// (RFC 7030) with a one-time code first and with the kiosk's own certificate later,
// and the same by memory stick (sync/spec/enrol.md).
//
// A code is kept as a keyed hash, and used once by a constraint of the ledger, in
// the transaction that keeps the certificate. The same code with the same key gets
// the same certificate again, so that a lost answer strands nobody.
package est

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/enrol"
	"github.com/penjire/penjire/sync/ledger"
)

// Config is what the service is made of. All of it is needed but where it says so.
type Config struct {
	Ledger  ledger.Ledger
	Issuer  edoc.Signer         // the centre for kiosks: its key, its certificate, those above it
	Roots   []*x509.Certificate // what kiosks are told to trust, with the issuer's chain
	Devices *x509.CertPool      // the centres whose kiosks may renew; Issuer is one
	Codes   []byte              // the key of the codes' hashes, 32 bytes; all portals of one ledger have the same
	Bundle  func() *trust.Bundle

	Identity time.Duration // how long a certificate for the connection is good; 0 is 90 days
	Signing  time.Duration // and one for signing; 0 is 2 years
	Grace    time.Duration // for how long after its end one still renews; 0 is 30 days
	CodeLife time.Duration // how long a code is good where nothing is said; 0 is 14 days

	Now func() time.Time // nil is time.Now
	Log *slog.Logger     // nil: nothing is logged
}

// Service issues certificates to kiosks. Its methods may be called by several
// goroutines at once.
type Service struct {
	c     Config
	doors doors
}

// Ends of the life of codes.
const (
	MinCodeLife = time.Hour
	MaxCodeLife = 90 * 24 * time.Hour
	// again is for how long a code that has expired still brings the lost answer.
	again = 7 * 24 * time.Hour
)

// New makes the service.
func New(c Config) (*Service, error) {
	if len(c.Codes) != 32 {
		return nil, fmt.Errorf("est: the key of the codes has %d bytes, want 32", len(c.Codes))
	}
	if c.Issuer.Cert == nil || !c.Issuer.Cert.IsCA || c.Issuer.Cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, errors.New("est: the issuer's certificate is not one of a certification centre")
	}
	day := 24 * time.Hour
	c.Identity, c.Signing = cmp.Or(c.Identity, 90*day), cmp.Or(c.Signing, 730*day)
	c.Grace, c.CodeLife = cmp.Or(c.Grace, 30*day), cmp.Or(c.CodeLife, 14*day)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c: c, doors: newDoors()}, nil
}

// id returns the name of a code in the ledger.
func (s *Service) id(c enrol.Code) ledger.CodeID {
	h := hmac.New(sha256.New, s.c.Codes)
	_, _ = h.Write([]byte("penjire-enrol-code/1\x00" + c.Reveal())) // a hash does not fail
	return ledger.CodeID(h.Sum(nil))
}

// ErrKiosk says that it cannot be a kiosk's number.
var ErrKiosk = errors.New("a kiosk's number has 1 to 40 letters, digits, _ and -")

// ErrLife says that a code cannot be good for so long.
var ErrLife = errors.New("a code is good for an hour to 90 days")

// NewCode makes a one-time code for a kiosk, good for so long (0: the portal's
// default). chip says that the kiosk keeps its keys in a chip: without it, its
// certificates say that the keys are in files. It is the only time that the code is
// told.
func (s *Service) NewCode(ctx context.Context, kiosk string, chip bool, life time.Duration, by string) (enrol.Code, ledger.Code, error) {
	if !enrol.KioskName(kiosk) {
		return enrol.Code{}, ledger.Code{}, ErrKiosk
	}
	if life = cmp.Or(life, s.c.CodeLife); life < MinCodeLife || life > MaxCodeLife {
		return enrol.Code{}, ledger.Code{}, ErrLife
	}
	code := enrol.NewCode()
	now := s.c.Now().UTC().Truncate(time.Second)
	kept := ledger.Code{ID: s.id(code), Kiosk: kiosk, Chip: chip, Made: now, Until: now.Add(life), By: by}
	var err error
	if kept.Proof, err = s.sealProof(kept.ID, enrol.ProofKey(code)); err != nil {
		return enrol.Code{}, ledger.Code{}, err
	}
	if err := s.c.Ledger.NewCode(ctx, kept); err != nil {
		return enrol.Code{}, ledger.Code{}, fmt.Errorf("est: make a code: %w", err)
	}
	s.c.Log.Info("est: a one-time code was made", "kiosk", kiosk, "until", kept.Until, "by", by)
	return code, kept, nil
}

// RevokeKiosk revokes all certificates of a kiosk and takes its codes back, and
// returns how many certificates. ledger.ErrNotFound where the portal issued none:
// then it is the register that revokes.
func (s *Service) RevokeKiosk(ctx context.Context, kiosk, reason, by string) (int, error) {
	n, err := s.c.Ledger.RevokeKiosk(ctx, kiosk, s.c.Now().UTC().Truncate(time.Second), reason, by)
	if err != nil {
		return 0, fmt.Errorf("est: revoke kiosk %s: %w", kiosk, err)
	}
	s.c.Log.Warn("est: a kiosk was revoked", "kiosk", kiosk, "certificates", n, "by", by)
	return n, nil
}

// byCode issues certificates for a code.
func (s *Service) byCode(ctx context.Context, id ledger.CodeID, kiosk string, asked map[string]enrol.Request) (map[string]*x509.Certificate, error) {
	c, err := s.c.Ledger.Code(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, enrol.NoCode
	case err != nil:
		return nil, err
	case kiosk != "" && kiosk != c.Kiosk:
		return nil, enrol.CodeOther
	}
	out, err := s.issue(ctx, ledger.Asking{At: s.now(), Code: &id, Again: again}, c.Kiosk, asked, func(_ string, r enrol.Request) bool { return r.Software || !c.Chip })
	if errors.Is(err, enrol.CodeUsed) {
		s.alarm(ctx, c.Kiosk, asked)
	}
	return out, err
}

// alarm tells the operator that a used code came again with another key.
func (s *Service) alarm(ctx context.Context, kiosk string, asked map[string]enrol.Request) {
	note := ""
	for use, r := range asked {
		note = fmt.Sprintf("%s key %x", use, r.KeyID[:6])
	}
	s.c.Log.Error("est: a used code came with another key", "kiosk", kiosk)
	err := s.c.Ledger.Raise(ctx, ledger.Alarm{At: s.now(), Kiosk: kiosk, Code: ledger.AlarmCodeUsed, Note: note})
	if err != nil {
		s.c.Log.Error("est: an alarm could not be kept", "code", ledger.AlarmCodeUsed, "err", err)
	}
}

func (s *Service) now() time.Time { return s.c.Now().UTC().Truncate(time.Second) }
