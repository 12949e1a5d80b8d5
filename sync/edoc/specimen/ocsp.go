package specimen

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Responder returns the OCSP responder of a centre of the world, which the
// centre delegated (id-kp-OCSPSigning, RFC 6960 4.2.2.2). It is made when first
// asked for.
func (w *World) Responder(centre Identity) (Identity, error) {
	cn := centre.Cert.Subject.CommonName
	if r, ok := w.responders[cn]; ok {
		return r, nil
	}
	t := w.leaf(subject(cn+", OCSP"), x509.KeyUsageDigitalSignature)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	// id-pkix-ocsp-nocheck: nobody asks about who answers. Its value is NULL.
	t.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}}
	r, err := issue(t, centre)
	if err != nil {
		return Identity{}, fmt.Errorf("specimen: make an OCSP responder: %w", err)
	}
	if w.responders == nil {
		w.responders = map[string]Identity{}
	}
	w.responders[cn] = r
	return r, nil
}

// OCSP returns what the responder of a centre says of cert at that time (DER
// OCSPResponse), by what Revoke was told up to then. It holds for a day.
func (w *World) OCSP(centre Identity, cert *x509.Certificate, at time.Time) ([]byte, error) {
	r, err := w.Responder(centre)
	if err != nil {
		return nil, err
	}
	at = at.UTC().Truncate(time.Second)
	t := ocsp.Response{
		Status: ocsp.Good, SerialNumber: cert.SerialNumber,
		ThisUpdate: at, NextUpdate: at.Add(24 * time.Hour), Certificate: r.Cert,
	}
	for _, e := range w.revoked[cert.Issuer.CommonName] {
		if e.SerialNumber.Cmp(cert.SerialNumber) == 0 && !e.RevocationTime.After(at) {
			t.Status, t.RevokedAt, t.RevocationReason = ocsp.Revoked, e.RevocationTime, e.ReasonCode
		}
	}
	der, err := ocsp.CreateResponse(centre.Cert, r.Cert, t, r.Key)
	if err != nil {
		return nil, fmt.Errorf("specimen: make an OCSP response: %w", err)
	}
	return der, nil
}

// NewCentre makes a further centre above nobody yet, certified by another: the
// root, or a centre that so becomes one of several on a path. The bundle does
// not list it.
func (w *World) NewCentre(cn string, above Identity) (Identity, error) {
	c, err := w.centre(cn, above)
	if err != nil {
		return Identity{}, fmt.Errorf("specimen: make a centre: %w", err)
	}
	return c, nil
}

// NewCard makes a card of a made-up citizen, certified by centre. id is the
// unified identifier.
func (w *World) NewCard(name, id string, centre Identity) (Card, error) {
	c, err := w.makeCard(name, id, "", [3]string{"Nusgaýew", "Nusga", "Nusgaýewiç"}, centre, time.Time{})
	if err != nil {
		return Card{}, fmt.Errorf("specimen: make a card: %w", err)
	}
	return c, nil
}
