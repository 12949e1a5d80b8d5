package cms

import (
	"bytes"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Bytes returns the signature in DER.
func (d *SignedData) Bytes() []byte {
	if d.der != nil {
		return bytes.Clone(d.der)
	}
	der, err := d.encode()
	if err != nil {
		return nil // it was read from DER: it encodes
	}
	return der
}

// edit returns a copy to be changed: its encoding is not known.
func (d *SignedData) edit() *SignedData {
	e := *d
	e.der = nil
	return &e
}

// version is that of RFC 5652 5.1: 5 with OCSP responses inside, 3 with content
// of another type than data, else 1.
func (d *SignedData) version() int {
	switch {
	case len(d.ocsps) > 0:
		return 5
	case !d.contentType.is(oidOfData.der):
		return 3
	}
	return 1
}

// encode writes it in DER.
func (d *SignedData) encode() ([]byte, error) {
	seq := cbasn1.SEQUENCE
	return encodeSized(d.size(), func(b *cryptobyte.Builder) {
		b.AddASN1(seq, func(b *cryptobyte.Builder) {
			oidSignedData.add(b)
			b.AddASN1(tag0, func(b *cryptobyte.Builder) {
				b.AddASN1(seq, d.addSignedData)
			})
		})
	})
}

// size is about how long its encoding is, so that it is not moved as it grows.
func (d *SignedData) size() int {
	n := 512 + len(d.content) + len(d.signedAttrs) + len(d.timeStamp)
	for _, list := range [][]raw{d.certs, d.crls, d.ocsps} {
		for _, e := range list {
			n += len(e) + 32
		}
	}
	for _, c := range d.counters {
		n += len(c.der)
	}
	return n
}

func (d *SignedData) addSignedData(b *cryptobyte.Builder) {
	b.AddASN1Int64(int64(d.version()))
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(d.digestAlg) })
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		d.contentType.add(b)
		if d.content != nil {
			b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(d.content) })
		}
	})
	if len(d.certs) > 0 {
		b.AddASN1(tag0, func(b *cryptobyte.Builder) { b.AddBytes(sorted(d.certs)) })
	}
	if revocation := d.revocationDER(); len(revocation) > 0 {
		b.AddASN1(tag1, func(b *cryptobyte.Builder) { b.AddBytes(sorted(revocation)) })
	}
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { d.addInfo(b, d.unsigned()) })
}

// unsigned returns what writes the unsigned attributes; nil if there are none.
func (d *SignedData) unsigned() func(*cryptobyte.Builder) {
	var list []raw
	attr := func(id *oid, values []byte) {
		der, err := encode(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				id.add(b)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(values) })
			})
		})
		if err == nil { // else it is longer than DER can say, and is left out
			list = append(list, der)
		}
	}
	if d.timeStamp != nil {
		attr(oidTimeStamp, d.timeStamp)
	}
	if len(d.counters) > 0 {
		var values []raw
		for _, c := range d.counters {
			values = append(values, c.der)
		}
		attr(oidCounter, sorted(values))
	}
	if len(list) == 0 {
		return nil
	}
	return func(b *cryptobyte.Builder) {
		b.AddASN1(tag1, func(b *cryptobyte.Builder) { b.AddBytes(sorted(list)) })
	}
}

// sorted joins items in the order DER wants in a SET OF.
func sorted(items []raw) []byte {
	if len(items) == 1 {
		return items[0]
	}
	s := slices.Clone(items)
	slices.SortFunc(s, bytes.Compare)
	return bytes.Join(s, nil)
}

// algorithmDER returns an AlgorithmIdentifier without parameters.
func algorithmDER(id asn1.ObjectIdentifier) raw {
	der, err := encode(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(id) })
	})
	if err != nil {
		return nil // the identifiers are this package's own
	}
	return der
}
