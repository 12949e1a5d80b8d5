package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/dcbor"
)

// The kinds of signed objects. Of a kind not named here the portal is the
// signer.
const (
	KindTrust     = "trust"     // this package's Bundle; signed by the register
	KindCatalogue = "catalogue" // catalog.Catalogue as JSON; signed by the register
	KindBeacon    = "beacon"    // the portal's time; signed by the portal
)

// domain keeps a signature of an object from being one of anything else.
const domain = "penjire-object/1"

type wireObject struct {
	_       struct{} `cbor:",toarray"`
	Kind    string
	Payload []byte
	P7S     []byte
}

type wireSigned struct {
	_       struct{} `cbor:",toarray"`
	Domain  string
	Kind    string
	Payload []byte
}

// object is a signed object whose signature is in order; whether its signer is
// to be believed is not yet known.
type object struct {
	payload []byte
	sd      *cms.SignedData
	signer  *x509.Certificate
	at      time.Time // by the signer
}

// SignObject signs payload as an object of that kind, now. s's certificates go
// into it.
func SignObject(kind string, payload []byte, s cms.Signer) ([]byte, error) {
	return signObject(kind, payload, s, time.Now())
}

// SignObjectAt is SignObject at a given time: where a world is made in the past.
func SignObjectAt(kind string, payload []byte, s cms.Signer, at time.Time) ([]byte, error) {
	return signObject(kind, payload, s, at)
}

func signObject(kind string, payload []byte, s cms.Signer, at time.Time) ([]byte, error) {
	content, err := dcbor.Marshal(wireSigned{Domain: domain, Kind: kind, Payload: payload})
	if err != nil {
		return nil, fmt.Errorf("trust: sign object %q: %w", kind, err)
	}
	p7s, err := cms.Sign(content, s, at)
	if err != nil {
		return nil, fmt.Errorf("trust: sign object %q: %w", kind, err)
	}
	signed, err := dcbor.Marshal(wireObject{Kind: kind, Payload: payload, P7S: p7s})
	if err != nil {
		return nil, fmt.Errorf("trust: sign object %q: %w", kind, err)
	}
	return signed, nil
}

func readObject(kind string, signed []byte) (*object, error) {
	var w wireObject
	if err := dcbor.Unmarshal(signed, &w); err != nil {
		return nil, err
	}
	if w.Kind != kind {
		return nil, fmt.Errorf("it is of kind %q, want %q", w.Kind, kind)
	}
	sd, err := cms.Parse(w.P7S)
	if err != nil {
		return nil, err
	}
	content, err := dcbor.Marshal(wireSigned{Domain: domain, Kind: kind, Payload: w.Payload})
	if err != nil {
		return nil, err
	}
	cert, err := sd.Verify(content)
	if err != nil {
		return nil, err
	}
	if sd.SigningTime().IsZero() {
		return nil, errors.New("it does not say when it was signed")
	}
	return &object{w.Payload, sd, cert, sd.SigningTime()}, nil
}

// OpenObject returns the payload of a signed object of that kind and its
// signer. A catalogue and a trust bundle are signed by the register, anything
// else by a portal that b lists; a centre of b must have certified the signer,
// whose certificate must have been in force when he says he signed, and must
// not be revoked. As in ParseBundle that time is believed, so that a kiosk
// without a clock can open a beacon.
func OpenObject(kind string, signed []byte, b *Bundle) (payload []byte, signer *x509.Certificate, err error) {
	use := UsePortal
	if kind == KindCatalogue || kind == KindTrust {
		use = UseRegister
	}
	return openObject(kind, signed, b, use)
}

// OpenDeviceObject is [OpenObject] of what a kiosk signed: DeviceID names it.
func OpenDeviceObject(kind string, signed []byte, b *Bundle) (payload []byte, signer *x509.Certificate, err error) {
	return openObject(kind, signed, b, UseDevice)
}

// ErrObjectSigner is wrapped where an object's signature is in order and its signer
// is none who may sign it.
var ErrObjectSigner = errors.New("the certificate of its signer is not accepted")

func openObject(kind string, signed []byte, b *Bundle, use Use) (payload []byte, signer *x509.Certificate, err error) {
	o, err := readObject(kind, signed)
	if err != nil {
		return nil, nil, fmt.Errorf("trust: open %s: %w", kind, err)
	}
	if f := b.CheckCert(o.signer, use, o.at, true, o.at).Worst(); f.Verdict != Yes {
		return nil, nil, fmt.Errorf("trust: open %s: %w: %s", kind, ErrObjectSigner, f.Reason)
	}
	return o.payload, o.signer, nil
}
