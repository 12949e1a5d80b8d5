package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
)

// The CRL reasons that are no cancellation (RFC 5280 5.3.1): by the first a
// certificate is suspended (ED-44), by the second a delta lifts that.
const (
	certificateHold = 6
	removeFromCRL   = 8
)

// crl is one revocation list, ready to be asked.
type crl struct {
	this, next time.Time
	entries    map[string]x509.RevocationListEntry // by serial number, hex
}

// readCRLs checks each list against its centre; the lists of a centre come
// newest first. They are kept by the name of the centre, which may have changed
// its key.
func readCRLs(ders [][]byte, centres []Centre) (map[string][]*crl, error) {
	lists := map[string][]*crl{}
	for i, der := range ders {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, fmt.Errorf("revocation list %d: %w", i, err)
		}
		if err := checkIssuer(l, centres); err != nil {
			return nil, fmt.Errorf("revocation list %d: %w", i, err)
		}
		key := string(l.RawIssuer)
		lists[key] = append(lists[key], newCRL(l))
	}
	for _, of := range lists {
		slices.SortStableFunc(of, func(x, y *crl) int { return y.this.Compare(x.this) })
	}
	return lists, nil
}

func newCRL(l *x509.RevocationList) *crl {
	c := &crl{l.ThisUpdate, l.NextUpdate, make(map[string]x509.RevocationListEntry, len(l.RevokedCertificateEntries))}
	for _, e := range l.RevokedCertificateEntries {
		key := e.SerialNumber.Text(16)
		// Of one that is named twice the worse counts, and of two alike the earlier.
		if was, twice := c.entries[key]; twice && !worse(e, was) {
			continue
		}
		c.entries[key] = e
	}
	return c
}

func worse(e, was x509.RevocationListEntry) bool {
	of := func(e x509.RevocationListEntry) int {
		switch e.ReasonCode {
		case removeFromCRL:
			return 0
		case certificateHold:
			return 1
		}
		return 2
	}
	return of(e) > of(was) || of(e) == of(was) && e.RevocationTime.Before(was.RevocationTime)
}

// The extensions by which a list speaks of some certificates only: delta lists
// and those of one distribution point (RFC 5280 5.2.4, 5.2.5).
var (
	oidDelta             = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// checkIssuer checks that a centre signed the list, and that it is a whole one.
func checkIssuer(l *x509.RevocationList, centres []Centre) error {
	if err := isWhole(l); err != nil {
		return err
	}
	for _, c := range centres {
		if bytes.Equal(l.RawIssuer, c.Cert.RawSubject) && cms.CheckList(l, c.Cert) == nil {
			return nil
		}
	}
	return errors.New("no centre of the bundle signed it")
}

func isWhole(l *x509.RevocationList) error {
	for _, e := range l.Extensions {
		// What narrows a list has to be critical; where a centre forgot that, it
		// narrows it all the same.
		if e.Critical || e.Id.Equal(oidDelta) || e.Id.Equal(oidDistributionPoint) {
			return fmt.Errorf("it has the extension %v: it is not a whole list", e.Id)
		}
	}
	for _, r := range l.RevokedCertificateEntries {
		for _, e := range r.Extensions {
			if e.Critical {
				return fmt.Errorf("an entry has the critical extension %v", e.Id)
			}
		}
	}
	return nil
}

// orderly reports whether by that reason a certificate is cancelled whose key
// nobody else has (RFC 3161 4): affiliationChanged, superseded and
// cessationOfOperation. No reason given is none.
func orderly(reason int) bool { return reason >= 3 && reason <= 5 }

// says returns what the list says of cert: it names those that are not good.
func (l *crl) says(cert *x509.Certificate, from Source) statement {
	s := statement{status: good, this: l.this, next: l.next, from: from}
	if e, found := l.entries[cert.SerialNumber.Text(16)]; found {
		switch e.ReasonCode {
		case removeFromCRL:
		case certificateHold:
			s.status, s.since = held, e.RevocationTime
		default:
			s.status, s.since, s.lost = cancelled, e.RevocationTime, !orderly(e.ReasonCode)
		}
	}
	return s
}
