package emrtdcard

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/penjire/penjire/drivers/emrtd/lds"
	"github.com/penjire/penjire/drivers/iso7816"
)

var (
	oidSignedData     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSecurityObject = asn1.ObjectIdentifier{2, 23, 136, 1, 1, 1}
	oidMasterList     = asn1.ObjectIdentifier{2, 23, 136, 1, 1, 2}
)

// SOD returns EF.SOD: the document signer's signature on the digests of files.
// Only data groups count.
func (i *Issuer) SOD(files map[lds.File][]byte) ([]byte, error) {
	object := build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			algorithm(b, oidSHA256, false)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for g := lds.Group(1); g <= 16; g++ {
					f := files[g.File()]
					if f == nil {
						continue
					}
					h := sha256.Sum256(f)
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(int64(g))
						b.AddASN1OctetString(h[:])
					})
				}
			})
		})
	})
	cms, err := i.sign(oidSecurityObject, object)
	if err != nil {
		return nil, fmt.Errorf("emrtdcard: sign EF.SOD: %w", err)
	}
	return iso7816.AppendTLV(nil, 0x77, cms), nil
}

// MasterList returns a list of authorities' certificates (9303-12, 9), signed by
// the issuer's document signer, which stands in for a signer of lists.
func (i *Issuer) MasterList(authorities ...[]byte) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(authorities), bytes.Compare) // as DER wants a SET
	list := build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(0)
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(sorted, nil)) })
		})
	})
	cms, err := i.sign(oidMasterList, list)
	if err != nil {
		return nil, fmt.Errorf("emrtdcard: sign a master list: %w", err)
	}
	return cms, nil
}

// sign makes a CMS SignedData of content.
func (i *Issuer) sign(kind asn1.ObjectIdentifier, content []byte) ([]byte, error) {
	h := sha256.Sum256(content)
	attributes := build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
			attribute := func(oid asn1.ObjectIdentifier, value func(b *cryptobyte.Builder)) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(oid)
					b.AddASN1(cbasn1.SET, value)
				})
			}
			attribute(oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(kind) })
			attribute(oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(h[:]) })
		})
	})
	sig, err := i.ds.sign(attributes)
	if err != nil {
		return nil, err
	}
	attributes[0] = byte(context(0))
	issuer, serial, err := nameAndSerial(i.Signer)
	if err != nil {
		return nil, err
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidSignedData)
			b.AddASN1(context(0), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(3)
					b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { algorithm(b, oidSHA256, false) })
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(kind)
						b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
					})
					b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddBytes(i.Signer) })
					b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1Int64(1)
							b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
								b.AddBytes(issuer)
								b.AddASN1BigInt(serial)
							})
							algorithm(b, oidSHA256, false)
							b.AddBytes(attributes)
							b.AddBytes(i.ds.algorithm)
							b.AddASN1OctetString(sig)
						})
					})
				})
			})
		})
	}), nil
}

// nameAndSerial is how CMS names a signer's certificate.
func nameAndSerial(cert []byte) (issuer []byte, serial *big.Int, err error) {
	in := cryptobyte.String(cert)
	var c, tbs, issuerDER cryptobyte.String
	serial = new(big.Int)
	if !in.ReadASN1(&c, cbasn1.SEQUENCE) || !c.ReadASN1(&tbs, cbasn1.SEQUENCE) || !tbs.SkipOptionalASN1(context(0)) ||
		!tbs.ReadASN1Integer(serial) || !tbs.SkipASN1(cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&issuerDER, cbasn1.SEQUENCE) {
		return nil, nil, fmt.Errorf("certificate is damaged")
	}
	return issuerDER, serial, nil
}
