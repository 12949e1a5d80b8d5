package emrtdcard

import (
	"crypto/sha1"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Kind is what keys an issuer signs with. States have all of these.
type Kind int

// The kinds.
const (
	ECDSA     Kind = 1 // P-256
	Brainpool Kind = 2 // brainpoolP256r1, parameters written out, a negative serial number
	PSS       Kind = 3 // RSA with PSS
	RSA       Kind = 4 // RSA with PKCS #1 v1.5
)

// Issuer is a specimen state: its signing authority (CSCA) and a document signer.
type Issuer struct {
	Authority []byte // certificate, DER
	Signer    []byte // certificate, DER
	ds        key
}

// IssuerOpts are the options of NewIssuer.
type IssuerOpts struct {
	Kind                Kind      // 0: ECDSA
	Country             string    // ""; UT, for Utopia
	NotBefore, NotAfter time.Time // of the document signer; zero: 2020 to 2045
	NotForSigning       bool      // the document signer's certificate is for something else
	Strange             bool      // it has a critical extension that nobody knows
}

// NewIssuer makes keys and certificates of a state.
func NewIssuer(o IssuerOpts) (*Issuer, error) {
	if o.Kind == 0 {
		o.Kind = ECDSA
	}
	if o.Country == "" {
		o.Country = "UT"
	}
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	if o.NotBefore.IsZero() {
		o.NotBefore = year(2020)
	}
	if o.NotAfter.IsZero() {
		o.NotAfter = year(2045)
	}
	ca, err := newKey(o.Kind)
	if err != nil {
		return nil, fmt.Errorf("emrtdcard: make an issuer: %w", err)
	}
	ds, err := newKey(o.Kind)
	if err != nil {
		return nil, fmt.Errorf("emrtdcard: make an issuer: %w", err)
	}
	serial := big.NewInt(1)
	if o.Kind == Brainpool {
		serial = big.NewInt(-77)
	}
	usage := byte(0x80) // digitalSignature
	if o.NotForSigning {
		usage = 0x20 // keyEncipherment
	}
	authority := name(o.Country, "Specimen CSCA")
	i := &Issuer{ds: ds}
	if i.Authority, err = certificate(ca, authority, authority, ca, big.NewInt(1), year(2020), year(2050), 0x06, true, false); err != nil {
		return nil, fmt.Errorf("emrtdcard: make an issuer: %w", err)
	}
	if i.Signer, err = certificate(ca, authority, name(o.Country, "Specimen Document Signer"), ds, serial, o.NotBefore, o.NotAfter, usage, false, o.Strange); err != nil {
		return nil, fmt.Errorf("emrtdcard: make an issuer: %w", err)
	}
	return i, nil
}

// build returns what f adds. It only fails on what is written here.
func build(f func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

func context(n int) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func algorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, null bool) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if null {
			b.AddASN1NULL()
		}
	})
}

func name(country, common string) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, a := range []struct {
				oid   asn1.ObjectIdentifier
				tag   cbasn1.Tag
				value string
			}{
				{asn1.ObjectIdentifier{2, 5, 4, 6}, cbasn1.PrintableString, country},
				{asn1.ObjectIdentifier{2, 5, 4, 3}, cbasn1.UTF8String, common},
			} {
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(a.oid)
						b.AddASN1(a.tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.value)) })
					})
				})
			}
		})
	})
}

// certificate is one that ca issued for k (9303-12, 7.1).
func certificate(ca key, issuer, subject []byte, k key, serial *big.Int, from, to time.Time, usage byte, authority, strange bool) ([]byte, error) {
	id, caID := sha1.Sum(k.spki), sha1.Sum(ca.spki)
	extension := func(b *cryptobyte.Builder, last int, critical bool, value func(b *cryptobyte.Builder)) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{2, 5, 29, last})
			if critical {
				b.AddASN1Boolean(true)
			}
			b.AddASN1(cbasn1.OCTET_STRING, value)
		})
	}
	tbs := build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
			b.AddASN1BigInt(serial)
			b.AddBytes(ca.algorithm)
			b.AddBytes(issuer)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, t := range []time.Time{from, to} {
					if t.Year() < 2050 {
						b.AddASN1UTCTime(t)
					} else {
						b.AddASN1GeneralizedTime(t)
					}
				}
			})
			b.AddBytes(subject)
			b.AddBytes(k.spki)
			b.AddASN1(context(3), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					extension(b, 14, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(id[:]) })
					extension(b, 35, false, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(caID[:]) })
						})
					})
					extension(b, 15, true, func(b *cryptobyte.Builder) {
						unused := byte(0)
						for u := usage; u&1 == 0; u >>= 1 {
							unused++
						}
						b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) { b.AddBytes([]byte{unused, usage}) })
					})
					if strange {
						extension(b, 999, true, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
					}
					if authority {
						extension(b, 19, true, func(b *cryptobyte.Builder) {
							b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
								b.AddASN1Boolean(true)
								b.AddASN1Int64(0)
							})
						})
					}
				})
			})
		})
	})
	sig, err := ca.sign(tbs)
	if err != nil {
		return nil, err
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(tbs)
			b.AddBytes(ca.algorithm)
			b.AddASN1BitString(sig)
		})
	}), nil
}
