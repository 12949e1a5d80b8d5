// Package trust knows whom to believe: the signed, versioned list of
// certification centres, revocation lists, time-stamping authorities, portals,
// agencies and seal signers (the state list of ED-39.6 among it), and what a
// certificate from it may be used for.
//
// It also seals and opens the generic signed objects by which the portal hands
// a kiosk its catalogue and this list itself ([SignObject], [OpenObject]).
//
// It asks no network: what is not in the bundle is foreign, and how old the
// knowledge is, is part of every answer. The rules are in sync/spec/edoc.md,
// sections 6 and 7.
package trust

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// What kind of signers a centre certifies.
const (
	KindCitizens       = "citizens"
	KindAgencies       = "agencies"
	KindInfrastructure = "infrastructure" // portal, kiosks, time stamps, the register
)

// The states of a centre (ED-39.6).
const (
	Working   = "working"
	Suspended = "suspended"
	Ended     = "ended"
)

// Accreditation is by what a centre works (ED-39.6).
type Accreditation struct {
	No      string
	Date    time.Time
	Address string
}

// Centre is a certification centre. One whose certificate another centre of the
// bundle issued stands below that one (34.4 of the law: branches and regions).
type Centre struct {
	Cert          *x509.Certificate
	Name          string // as people know it; "" if only its certificate says
	Kind          string // KindCitizens, KindAgencies or KindInfrastructure
	Accreditation Accreditation
	State         string    // Working, Suspended or Ended
	Since         time.Time // when State began; signatures proven to be older keep their force
}

// Bundle is one version of the list. Read it only; it may then be used by
// several goroutines at once.
type Bundle struct {
	Version      uint64    // rises; an older one is refused
	Issued       time.Time // whole seconds, UTC
	Centres      []Centre
	CRLs         [][]byte            // DER, of the centres
	TSA          []*x509.Certificate // time-stamping authorities, past ones too
	Portals      []*x509.Certificate // that sign receipts and beacons
	Agencies     []*x509.Certificate // that sign answers and copies; AgencyID names the agency
	SealSigners  []*x509.Certificate // kiosks, whose receipts carry seals
	Recipients   []string            // age recipients of the portal: requests are sealed to all of them
	RevokedSeals [][]byte            // 16-byte seal ids (package seal)
	Calendar     Calendar            // by which terms of working days are counted
	Holds        []Hold              // suspensions that the lists do not tell of

	Roots   []NextRoot // announced since the first root
	Retired []RetiredRoot

	signed []byte            // as ParseBundle read it
	lists  map[string][]*crl // by the centre's raw subject; made by ParseBundle
	seen   *signatures       // made by ParseBundle
}

// ErrRollback is returned for a bundle older than the one already known.
var ErrRollback = errors.New("trust: the bundle is older than the one already known")

// The bundle as CBOR. Keys are never given a second meaning.
type wireBundle struct {
	Version      uint64        `cbor:"1,keyasint"`
	Issued       int64         `cbor:"2,keyasint"`
	Centres      []wireCentre  `cbor:"3,keyasint"`
	CRLs         [][]byte      `cbor:"4,keyasint,omitempty"`
	TSA          [][]byte      `cbor:"5,keyasint,omitempty"`
	Portals      [][]byte      `cbor:"6,keyasint,omitempty"`
	Agencies     [][]byte      `cbor:"7,keyasint,omitempty"`
	SealSigners  [][]byte      `cbor:"8,keyasint,omitempty"`
	Recipients   []string      `cbor:"9,keyasint,omitempty"`
	RevokedSeals [][]byte      `cbor:"10,keyasint,omitempty"`
	Calendar     *wireDays     `cbor:"11,keyasint,omitempty"`
	Holds        []wireHold    `cbor:"12,keyasint,omitempty"`
	Roots        []wireRoot    `cbor:"13,keyasint,omitempty"`
	Retired      []wireRetired `cbor:"14,keyasint,omitempty"`
}

type wireDays struct {
	Off      []uint8  `cbor:"1,keyasint,omitempty"`
	Holidays []string `cbor:"2,keyasint,omitempty"`
	Worked   []string `cbor:"3,keyasint,omitempty"`
}

type wireHold struct {
	Centre []byte `cbor:"1,keyasint"`
	Serial []byte `cbor:"2,keyasint"`
	From   int64  `cbor:"3,keyasint"`
	Until  int64  `cbor:"4,keyasint,omitempty"`
	Order  bool   `cbor:"5,keyasint,omitempty"`
}

type wireCentre struct {
	Cert    []byte `cbor:"1,keyasint"`
	Kind    string `cbor:"2,keyasint"`
	No      string `cbor:"3,keyasint"`
	Date    int64  `cbor:"4,keyasint"`
	Address string `cbor:"5,keyasint"`
	State   string `cbor:"6,keyasint"`
	Since   int64  `cbor:"7,keyasint"`
	Name    string `cbor:"8,keyasint,omitempty"`
}

// Encode returns the bundle signed by the register: s's certificate must have
// the register's role.
func (b *Bundle) Encode(s cms.Signer) ([]byte, error) {
	payload, err := b.marshal()
	if err != nil {
		return nil, fmt.Errorf("trust: encode bundle %d: %w", b.Version, err)
	}
	return signObject(KindTrust, payload, s, b.Issued)
}

// Known is what the reader of a bundle has already.
type Known struct {
	Roots   []*x509.Certificate // that it was given
	Bundle  *Bundle             // the newest it has; nil: none
	Version uint64              // at least; that of Bundle counts too
	// Now is what time it is; zero if that is not known. Only retirements of roots
	// look at it: a bundle is opened before the time is known.
	Now time.Time
}

// ParseBundle opens a signed bundle, for whoever has none yet. A version below
// notOlderThan is ErrRollback. See [Open].
func ParseBundle(signed []byte, roots []*x509.Certificate, notOlderThan uint64) (*Bundle, error) {
	return Open(signed, Known{Roots: roots, Version: notOlderThan})
}

// Open opens a signed bundle. Its signer's certificate must lead to one of k's
// roots, or to one that the bundle announces in a walk from them (NextRoot) and
// nobody has retired, have the role of the register, have been in force when the
// bundle says it was issued, and not be revoked by the bundle itself. A version
// below that of k is ErrRollback.
//
// The time of issue is believed because the signer is: a kiosk opens its bundle
// before it knows what time it is.
func Open(signed []byte, k Known) (*Bundle, error) {
	o, err := readObject(KindTrust, signed)
	if err != nil {
		return nil, fmt.Errorf("trust: open bundle: %w", err)
	}
	b, err := unmarshalBundle(o.payload)
	if err != nil {
		return nil, fmt.Errorf("trust: open bundle: %w", err)
	}
	if !b.Issued.Equal(o.at) {
		return nil, errors.New("trust: open bundle: it was not signed when it says it was issued")
	}
	least, at := k.Version, b.Issued
	if k.Now.After(at) {
		at = k.Now
	}
	if k.Bundle != nil {
		least = max(least, k.Bundle.Version)
		if k.Bundle.Issued.After(at) {
			at = k.Bundle.Issued
		}
	}
	roots, err := b.rootsFor(k.Roots, k.Bundle, at)
	if err != nil {
		return nil, fmt.Errorf("trust: open bundle: %w", err)
	}
	retired := func(c *x509.Certificate) bool { return b.retired(c, at) || k.Bundle != nil && k.Bundle.retired(c, at) }
	if err := leadsTo(o.signer, slices.DeleteFunc(o.sd.Certificates(), retired), roots, o.at); err != nil {
		return nil, fmt.Errorf("trust: open bundle: %w", err)
	}
	if !hasRole(o.signer, roleRegister) {
		return nil, errors.New("trust: open bundle: its signer does not have the role of the register")
	}
	if r := b.CheckCert(o.signer, UseRegister, o.at, true, o.at); r.Worst().Verdict != Yes {
		return nil, fmt.Errorf("trust: open bundle: by its own list its signer is %s", r.Worst().Reason)
	}
	if b.Version < least {
		return nil, fmt.Errorf("%w: version %d, want %d or later", ErrRollback, b.Version, least)
	}
	b.signed = bytes.Clone(signed)
	return b, nil
}

// Signed returns the bundle as it was signed, for whoever hands it on or keeps
// it; nil if it was put together in memory. It does not follow changes.
func (b *Bundle) Signed() []byte { return bytes.Clone(b.signed) }

// leadsTo checks the path from cert to one of roots at that time.
func leadsTo(cert *x509.Certificate, between, roots []*x509.Certificate, at time.Time) error {
	o := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range roots {
		o.Roots.AddCert(c)
	}
	for _, c := range between {
		o.Intermediates.AddCert(c)
	}
	if _, err := cert.Verify(o); err != nil {
		return fmt.Errorf("its signer does not lead to a root: %w", err)
	}
	return nil
}

func (b *Bundle) marshal() ([]byte, error) {
	w := wireBundle{
		Version: b.Version, Issued: b.Issued.Unix(), CRLs: b.CRLs,
		TSA: rawCerts(b.TSA), Portals: rawCerts(b.Portals), Agencies: rawCerts(b.Agencies),
		SealSigners: rawCerts(b.SealSigners), Recipients: b.Recipients, RevokedSeals: b.RevokedSeals,
	}
	for _, c := range b.Centres {
		w.Centres = append(w.Centres, wireCentre{
			c.Cert.Raw, c.Kind, c.Accreditation.No, c.Accreditation.Date.Unix(), c.Accreditation.Address,
			c.State, c.Since.Unix(), c.Name,
		})
	}
	w.Calendar = b.Calendar.wire()
	for _, h := range b.Holds {
		w.Holds = append(w.Holds, h.wire())
	}
	for _, n := range b.Roots {
		w.Roots = append(w.Roots, n.wire())
	}
	for _, r := range b.Retired {
		w.Retired = append(w.Retired, wireRetired{r.Key[:], r.Since.Unix()})
	}
	return dcbor.Marshal(w)
}

func unmarshalBundle(payload []byte) (*Bundle, error) {
	var w wireBundle
	if err := dcbor.Unmarshal(payload, &w); err != nil {
		return nil, err
	}
	b := &Bundle{
		Version: w.Version, Issued: time.Unix(w.Issued, 0).UTC(), CRLs: w.CRLs,
		Recipients: w.Recipients, RevokedSeals: w.RevokedSeals,
	}
	for i, c := range w.Centres {
		cert, err := cms.ParseCertificate(c.Cert)
		if err != nil {
			return nil, fmt.Errorf("centre %d: %w", i, err)
		}
		if c.Kind != KindCitizens && c.Kind != KindAgencies && c.Kind != KindInfrastructure {
			return nil, fmt.Errorf("centre %d: kind %q is not known", i, c.Kind)
		}
		if c.State != Working && c.State != Suspended && c.State != Ended {
			return nil, fmt.Errorf("centre %d: state %q is not known", i, c.State)
		}
		b.Centres = append(b.Centres, Centre{
			Cert: cert, Name: c.Name, Kind: c.Kind, State: c.State, Since: time.Unix(c.Since, 0).UTC(),
			Accreditation: Accreditation{c.No, time.Unix(c.Date, 0).UTC(), c.Address},
		})
	}
	for _, l := range []struct {
		name string
		from [][]byte
		to   *[]*x509.Certificate
	}{
		{"time-stamping authority", w.TSA, &b.TSA},
		{"portal", w.Portals, &b.Portals},
		{"agency", w.Agencies, &b.Agencies},
		{"seal signer", w.SealSigners, &b.SealSigners},
	} {
		for i, der := range l.from {
			cert, err := cms.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("%s %d: %w", l.name, i, err)
			}
			*l.to = append(*l.to, cert)
		}
	}
	for i, id := range b.RevokedSeals {
		if len(id) != 16 {
			return nil, fmt.Errorf("revoked seal %d: got %d bytes, want 16", i, len(id))
		}
	}
	var err error
	if b.Calendar, err = w.Calendar.read(); err != nil {
		return nil, err
	}
	for i, h := range w.Holds {
		hold, err := h.read()
		if err != nil {
			return nil, fmt.Errorf("hold %d: %w", i, err)
		}
		b.Holds = append(b.Holds, hold)
	}
	for i, n := range w.Roots {
		next, err := n.read()
		if err != nil {
			return nil, fmt.Errorf("root %d: %w", i, err)
		}
		b.Roots = append(b.Roots, next)
	}
	for i, r := range w.Retired {
		retired, err := r.read()
		if err != nil {
			return nil, fmt.Errorf("retired root %d: %w", i, err)
		}
		b.Retired = append(b.Retired, retired)
	}
	b.seen = &signatures{seen: map[[32]byte]struct{}{}}
	if b.lists, err = readCRLs(b.CRLs, b.Centres); err != nil {
		return nil, err
	}
	return b, nil
}

func rawCerts(list []*x509.Certificate) [][]byte {
	var out [][]byte
	for _, c := range list {
		out = append(out, c.Raw)
	}
	return out
}
