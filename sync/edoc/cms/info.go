package cms

import (
	"bytes"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// info is a SignerInfo (RFC 5652 5.3) but for its unsigned attributes: one
// signature over signed attributes, with who made it.
type info struct {
	issuer       raw
	serial       raw
	digestAlg    raw
	signedAttrs  []byte // the attributes, one after another
	signatureAlg raw
	signature    []byte

	// Of the attributes.
	messageDigest []byte
	certHash      certHash
	signingTime   time.Time

	// The certificate whose key the signature was found to be of. Copies share it, as
	// they share what is signed: one that gets its time stamp is not checked again for
	// that. nil where nothing is remembered.
	proved *atomic.Pointer[x509.Certificate]
}

// readInfo reads a SignerInfo whose content is of type ct (nil: a
// counter-signature, which has none) and returns its unsigned attributes; has
// reports whether there are any.
func (i *info) readInfo(s cryptobyte.String, ct *oid) (unsigned cryptobyte.String, has bool, err error) {
	var version int
	var sid, issuer, serial, digestAlg, attrs, sigAlg, sig cryptobyte.String
	if !s.ReadASN1Integer(&version) || version != 1 ||
		!s.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!sid.ReadASN1Element(&serial, cbasn1.INTEGER) || !sid.Empty() {
		return nil, false, errors.New("the signer is not named by issuer and serial number")
	}
	if !s.ReadASN1Element(&digestAlg, cbasn1.SEQUENCE) {
		return nil, false, errors.New("the digest algorithm is malformed")
	}
	if !s.ReadOptionalASN1(&attrs, &has, tag0) || !has {
		return nil, false, errors.New("there are no signed attributes")
	}
	if !s.ReadASN1Element(&sigAlg, cbasn1.SEQUENCE) || !s.ReadASN1(&sig, cbasn1.OCTET_STRING) ||
		!s.ReadOptionalASN1(&unsigned, &has, tag1) || !s.Empty() {
		return nil, false, errors.New("the signer is malformed")
	}
	i.issuer, i.serial, i.digestAlg = raw(issuer), raw(serial), raw(digestAlg)
	i.signedAttrs, i.signatureAlg, i.signature = attrs, raw(sigAlg), sig
	i.proved = new(atomic.Pointer[x509.Certificate])
	return unsigned, has, i.readSignedAttributes(ct)
}

// addInfo writes it as a SignerInfo, with what unsigned adds at its end.
func (i *info) addInfo(b *cryptobyte.Builder, unsigned func(*cryptobyte.Builder)) {
	seq := cbasn1.SEQUENCE
	b.AddASN1(seq, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			b.AddBytes(i.issuer)
			b.AddBytes(i.serial)
		})
		b.AddBytes(i.digestAlg)
		b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(i.signedAttrs) })
		b.AddBytes(i.signatureAlg)
		b.AddASN1OctetString(i.signature)
		if unsigned != nil {
			unsigned(b)
		}
	})
}

// certificate returns the signer's certificate, by issuer and serial number and
// by the digest that is signed.
func (i *info) certificate(lists ...[]*x509.Certificate) (*x509.Certificate, error) {
	for _, list := range lists {
		for _, c := range list {
			if bytes.Equal(c.RawIssuer, i.issuer) && bytes.Equal(serialDER(c), i.serial) && i.names(c) {
				return c, nil
			}
		}
	}
	return nil, ErrNoCertificate
}

// names reports whether signing-certificate-v2 names c.
func (i *info) names(c *x509.Certificate) bool {
	h := i.certHash
	if h.issuer != nil && (!bytes.Equal(h.issuer, c.RawIssuer) || !bytes.Equal(h.serial, serialDER(c))) {
		return false
	}
	sum, ok := digestOf(h.alg)
	if !ok {
		return false
	}
	_, _ = sum.Write(c.Raw) // a hash does not fail
	return subtle.ConstantTimeCompare(sum.Sum(nil), h.sum) == 1
}

// verify checks that the signature is of cert's key over content.
func (i *info) verify(content []byte, cert *x509.Certificate) error {
	list, params, err := i.algorithms()
	if err != nil {
		return err
	}
	sum := list[0].New()
	_, _ = sum.Write(content)
	if subtle.ConstantTimeCompare(sum.Sum(nil), i.messageDigest) != 1 {
		return errors.New("the content is not what was signed")
	}
	if i.proved != nil && i.proved.Load() == cert {
		return nil
	}
	tbs, err := attributesForSigning(i.signedAttrs)
	if err != nil {
		return err
	}
	if err := verifyWith(list, cert.PublicKey, params, tbs, i.signature); err != nil {
		return err
	}
	if i.proved != nil {
		i.proved.Store(cert)
	}
	return nil
}

// algorithms returns the registered algorithms of the pair that the signer
// names (one for each kind of key), and the parameters.
func (i *info) algorithms() ([]Algorithm, []byte, error) {
	var digest asn1.ObjectIdentifier
	in := cryptobyte.String(i.digestAlg)
	if !readAlgorithm(&in, &digest) {
		return nil, nil, errors.New("the digest algorithm has parameters")
	}
	sig, params, err := readSignatureAlgorithm(i.signatureAlg)
	if err != nil {
		return nil, nil, err
	}
	list := lookup(digest, sig)
	if len(list) == 0 {
		return nil, nil, fmt.Errorf("algorithms %v and %v are not accepted", digest, sig)
	}
	return list, params, nil
}

// readSignatureAlgorithm reads an AlgorithmIdentifier; params is nil if it has none.
func readSignatureAlgorithm(der raw) (sig asn1.ObjectIdentifier, params []byte, err error) {
	in := cryptobyte.String(der)
	var seq, p cryptobyte.String
	var tag cbasn1.Tag
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&sig) {
		return nil, nil, errors.New("the signature algorithm is malformed")
	}
	if !seq.Empty() && (!seq.ReadAnyASN1Element(&p, &tag) || !seq.Empty()) {
		return nil, nil, errors.New("the signature algorithm's parameters are malformed")
	}
	return sig, p, nil
}
