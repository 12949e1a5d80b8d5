package ledger

import (
	"context"
	"crypto/x509"
	"errors"
	"time"
)

// What keeps a kiosk from its certificate (sync/spec/enrol.md, section 3).
var (
	// ErrNoCode: no such one-time code was ever made, or it was taken back.
	ErrNoCode = errors.New("there is no such one-time code")
	// ErrCodeExpired: the code is too old.
	ErrCodeExpired = errors.New("the one-time code has expired")
	// ErrCodeUsed: the code has brought a certificate for another key.
	ErrCodeUsed = errors.New("the one-time code was used for another key")
	// ErrCertRevoked: the certificate, by which another was asked for, is revoked.
	ErrCertRevoked = errors.New("the certificate is revoked")
)

// What a kiosk's certificate is for. The words are stored.
const (
	CertIdentity = "identity" // the connection to the portal
	CertSigning  = "signing"  // documents, the journal and the seals of receipts
)

// CodeID names a one-time code: its keyed hash. The code itself is kept nowhere.
type CodeID [32]byte

// Code is a one-time code as the portal keeps it.
type Code struct {
	ID    CodeID
	Kiosk string
	// Proof is the key of a proof on a memory stick, sealed by the portal.
	Proof []byte
	Chip  bool // the operator says that the kiosk keeps its keys in a chip
	Made  time.Time
	Until time.Time
	By    string    // who made it
	Used  time.Time // when the first certificate was issued for it; zero: never
	Taken time.Time // when it was taken back; zero: it was not
}

// Certificate is one that the portal issued to a kiosk.
type Certificate struct {
	Serial  [20]byte // of the certificate, as 20 bytes with leading zeros
	Kiosk   string
	Use     string   // CertIdentity, CertSigning
	Key     [32]byte // SHA-256 of its SubjectPublicKeyInfo
	From    time.Time
	Until   time.Time
	Issued  time.Time
	DER     []byte
	Code    *CodeID   // the one-time code that it was issued for; nil: for Earlier
	Earlier *[20]byte // the serial of the certificate that it was issued for; nil: for Code
	Revoked time.Time // zero: it is not
	Reason  string    // of the revocation, by the operator
	By      string    // who revoked it
}

// Serial returns the serial number of a certificate as the ledger keeps it. One of
// more than 20 bytes, which nobody may issue (RFC 5280), is zero.
func Serial(c *x509.Certificate) (out [20]byte) {
	if b := c.SerialNumber.Bytes(); len(b) <= len(out) {
		copy(out[len(out)-len(b):], b)
	}
	return out
}

// Wanted is a certificate that is asked for.
type Wanted struct {
	Use string
	Key [32]byte
}

// Asking is one request for certificates. Exactly one of Code and Earlier is set.
type Asking struct {
	At    time.Time
	Code  *CodeID
	Again time.Duration // for how long after the first time the same code gets the same key the same certificate, also if the code has expired meanwhile
	// Earlier is the serial of the certificate that the kiosk showed. One that the
	// portal did not issue itself is not in the ledger, and not revoked there.
	Earlier *[20]byte
	Kiosk   string // of Earlier
	Want    []Wanted
}

// Enrolment is the part of a Ledger that knows one-time codes and the
// certificates of kiosks.
type Enrolment interface {
	// NewCode keeps a code. One that is there already is an error.
	NewCode(ctx context.Context, c Code) error

	// Codes returns the codes of a kiosk, or of all kiosks for "", the newest first.
	Codes(ctx context.Context, kiosk string) ([]Code, error)

	// Code returns the code with that name. ErrNotFound.
	Code(ctx context.Context, id CodeID) (Code, error)

	// TakeBack ends a code that was not used. ErrNotFound.
	TakeBack(ctx context.Context, id CodeID, at time.Time) error

	// Issue stores certificates and returns them in the order of a.Want. Sign makes
	// those that are new, each with Serial, Use, Key, From, Until and DER; it is
	// called inside the transaction, once or again if that begins again, with the
	// code (nil: for Earlier), and not where nothing is new.
	//
	// For a code, there is one certificate of each use for ever, by a constraint of
	// the store: the same key gets the same one again, until a.Again after its issue
	// or the end of the code; another key is ErrCodeUsed. Others: ErrNoCode,
	// ErrCodeExpired. For an earlier certificate there is one of each use and key:
	// the same again gets the same; ErrCertRevoked. A certificate that has been
	// revoked since is not handed out again: ErrCertRevoked.
	Issue(ctx context.Context, a Asking, sign func(kiosk string, c *Code, want []Wanted) ([]Certificate, error)) ([]Certificate, error)

	// Certificates returns those of a kiosk, or of all kiosks for "", the newest first.
	Certificates(ctx context.Context, kiosk string) ([]Certificate, error)

	// CertRevoked reports whether the certificate with that serial was revoked here.
	CertRevoked(ctx context.Context, serial [20]byte) (bool, error)

	// RevokeKiosk revokes every certificate of the kiosk that is not yet revoked, and
	// takes back its unused codes. It returns how many certificates: ErrNotFound, if
	// there is none.
	RevokeKiosk(ctx context.Context, kiosk string, at time.Time, reason, by string) (int, error)
}
