package enrol

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// IsPortal says whether a chain that a server showed is one of the portal's, by the
// roots and by what is known of the centres between. The first of the times decides
// at which it has not expired and has begun: where the clock is only a claim, a
// moment that is signed for does as well (DESIGN 4).
func IsPortal(chain, known []*x509.Certificate, roots *x509.CertPool, name string, times ...time.Time) error {
	if len(chain) == 0 {
		return errors.New("the portal shows no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, c := range slices.Concat(chain[1:], known) {
		o.Intermediates.AddCert(c)
	}
	var err error
	for _, o.CurrentTime = range times {
		_, err = chain[0].Verify(o)
		var invalid x509.CertificateInvalidError
		if err == nil || !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
			break
		}
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// times are those at which a fresh kiosk takes the portal's certificate: now; when
// its software was built, if the clock is ahead; and, if the clock is behind, when the
// portal's certificate began: a clock that stood still is behind by any time. None of
// them is before the software was built. What an outdated certificate of the portal
// could gain is little: what is fetched is signed, and the code opens nothing else.
func times(leaf *x509.Certificate, now, built time.Time) []time.Time {
	out := []time.Time{now, built}
	if now.Before(built) {
		out = []time.Time{built}
	}
	if leaf.NotBefore.After(out[0]) {
		out = append(out, leaf.NotBefore.Add(time.Minute))
	}
	return out
}
