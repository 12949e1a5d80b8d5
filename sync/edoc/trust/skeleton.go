package trust

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc/cms"
)

var errSoon = errors.New("trust: not built yet")

// ErrRollback is returned for a bundle older than the one already known.
var ErrRollback = errors.New("trust: bundle is older than the one already known")

// Encode signs the bundle with the register's key (RoleRegister).
func (b *Bundle) Encode(s cms.Signer) ([]byte, error) { return nil, errSoon }

// ParseBundle opens a signed bundle. Its signer's certificate must lead to one
// of roots, have the role of the register and have been in force when the
// bundle was issued. A version below notOlderThan is ErrRollback.
func ParseBundle(signed []byte, roots []*x509.Certificate, notOlderThan uint64) (*Bundle, error) {
	return nil, errSoon
}

// SignObject signs payload as an object of that kind ("catalogue", "beacon" …).
func SignObject(kind string, payload []byte, s cms.Signer) ([]byte, error) { return nil, errSoon }

// OpenObject returns the payload of a signed object of that kind and its
// signer, who must have been certified by a centre of b with the role of the
// register or of the portal.
func OpenObject(kind string, signed []byte, b *Bundle) (payload []byte, signer *x509.Certificate, err error) {
	return nil, nil, errSoon
}

// Use is what a certificate is to be used for.
type Use string

// The uses.
const (
	UseCitizenSign Use = "citizen-sign" // 9C: binding signatures of a person
	UseCitizenAuth Use = "citizen-auth" // 9A, 9E: to show who one is
	UseAgency      Use = "agency"       // answers and certified copies
	UseDevice      Use = "device"       // a kiosk as intermediary
	UsePortal      Use = "portal"       // receipts, beacons
	UseRegister    Use = "register"     // catalogue and trust bundle
	UseTSA         Use = "tsa"          // time stamps
)

// CertReport is what is known of a certificate: two answers, never one.
type CertReport struct {
	Chain         Finding // issued by a centre of the bundle, in force, within its limits
	Revocation    Finding
	RevocationAge time.Duration // age of the list that says so; 0 if there is none
	Centre        *Centre       // nil if none
}

// Worst returns what keeps the certificate from being accepted, or a yes: a
// Chain that is not yes, else a Revocation that is no, else Chain.
func (r CertReport) Worst() Finding {
	if r.Chain.Verdict != Yes {
		return r.Chain
	}
	if r.Revocation.Verdict == No {
		return r.Revocation
	}
	return r.Chain
}

// CheckCert says whether cert was good for use at the time at, as known now.
// proven says whether something trusted shows that what was signed existed at
// that time; without it the certificate must be good now too.
func (b *Bundle) CheckCert(cert *x509.Certificate, use Use, at time.Time, proven bool, now time.Time) CertReport {
	return CertReport{}
}

// CheckCard says whether the certificate of a card may be used now.
func (b *Bundle) CheckCard(cert *x509.Certificate, use Use, now time.Time) CertReport {
	return b.CheckCert(cert, use, now, true, now)
}

// Person returns who a citizen's certificate says its holder is.
func Person(cert *x509.Certificate) (citizen.Person, error) { return citizen.Person{}, errSoon }

// AgencyID returns the agency's id in an agency's certificate ("" if none).
func AgencyID(cert *x509.Certificate) string { return "" }

// DeviceID returns the kiosk's id in a device's certificate ("" if none).
func DeviceID(cert *x509.Certificate) string { return "" }

// Name returns how to show the holder of a certificate: its common name.
// A citizen's name is personal data.
func Name(cert *x509.Certificate) citizen.Text { return citizen.NewText(cert.Subject.CommonName) }
