package trust

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"time"
)

// certificateHold is the CRL reason by which a certificate is suspended
// (RFC 5280 5.3.1; ED-44).
const certificateHold = 6

// crl is one revocation list, ready to be asked.
type crl struct {
	this, next time.Time
	entries    map[string]x509.RevocationListEntry // by serial number, hex
}

// readCRLs checks each list against its centre and keeps the newest of each.
func readCRLs(ders [][]byte, centres []Centre) (map[string]*crl, error) {
	lists := map[string]*crl{}
	for i, der := range ders {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, fmt.Errorf("revocation list %d: %w", i, err)
		}
		if err := checkIssuer(l, centres); err != nil {
			return nil, fmt.Errorf("revocation list %d: %w", i, err)
		}
		key := string(l.RawIssuer)
		if old := lists[key]; old != nil && !l.ThisUpdate.After(old.this) {
			continue
		}
		c := &crl{this: l.ThisUpdate, next: l.NextUpdate, entries: map[string]x509.RevocationListEntry{}}
		for _, e := range l.RevokedCertificateEntries {
			c.entries[e.SerialNumber.Text(16)] = e
		}
		lists[key] = c
	}
	return lists, nil
}

func checkIssuer(l *x509.RevocationList, centres []Centre) error {
	for _, e := range l.Extensions {
		// A critical extension narrows what the list speaks of (a delta, one
		// distribution point): such a list must not be read as a whole one.
		if e.Critical {
			return fmt.Errorf("it has the critical extension %v", e.Id)
		}
	}
	for _, c := range centres {
		if bytes.Equal(l.RawIssuer, c.Cert.RawSubject) && l.CheckSignatureFrom(c.Cert) == nil {
			return nil
		}
	}
	return fmt.Errorf("no centre of the bundle signed it")
}

// revocation says what is known of cert's revocation.
func (b *Bundle) revocation(cert *x509.Certificate, c *Centre, at time.Time, proven bool, now time.Time) (Finding, time.Duration) {
	lists := b.lists
	if lists == nil {
		// A bundle put together in memory: read the lists as often as asked.
		var err error
		if lists, err = readCRLs(b.CRLs, b.Centres); err != nil {
			return Finding{Unknown, ReasonNoCRL}, 0
		}
	}
	l := lists[string(c.Cert.RawSubject)]
	if l == nil {
		return Finding{Unknown, ReasonNoCRL}, 0
	}
	age := max(0, now.Sub(l.this))
	if e, found := l.entries[cert.SerialNumber.Text(16)]; found {
		switch {
		case e.RevocationTime.After(at) && proven:
			return Finding{Yes, ReasonOK}, age // it was signed before
		case e.RevocationTime.After(at):
			return Finding{Unknown, ReasonRevokedSince}, age
		case e.ReasonCode == certificateHold:
			return Finding{No, ReasonSuspended}, age
		}
		return Finding{No, ReasonRevoked}, age
	}
	if now.After(l.next) {
		return Finding{Unknown, ReasonStaleCRL}, age
	}
	return Finding{Yes, ReasonOK}, age
}
