package edoc_test

import (
	"bytes"
	"crypto/elliptic"
	"math/big"
	"slices"
	"strings"

	"github.com/penjire/penjire/sync/edoc/specimen"
)

func (m *maker) hostileSeals() {
	w := m.w
	agency := w.Agencies["civil-registry"]
	good := m.seal(m.copySeal("school"), agency)
	raw := good.Bytes()
	const failure = "seal failure"
	add := func(name, rule, expect, story string, text string, more ...string) {
		m.hostile("seal", "seal-"+name, "seal", rule, expect, "", story, []byte(text), more...)
	}
	cbor := func(name, story string, b []byte) { add(name, "ED-SEAL-2", failure, story, base32Text(b)) }
	// d2 84 | 43 a10126 | a1 04 48 kid | payload | 58 40 signature
	cbor("trailing", "a byte follows", append(bytes.Clone(raw), 0))
	cbor("tag", "the tag of a COSE_Mac0: whoever checks could have made it", append([]byte{0xd1}, raw[1:]...))
	cbor("indefinite", "the list of indefinite length", append(append([]byte{raw[0], 0x9f}, raw[2:]...), 0xff))
	cbor("algorithm", "says ES384", bytes.Replace(raw, []byte{0x43, 0xa1, 1, 0x26}, []byte{0x44, 0xa1, 1, 0x38, 0x22}, 1))
	cbor("algorithm-unprotected", "the algorithm where anyone can change it", bytes.Replace(raw, []byte{0x43, 0xa1, 1, 0x26, 0xa1}, []byte{0x40, 0xa2, 1, 0x26}, 1))
	cbor("algorithm-none", "no algorithm at all", bytes.Replace(raw, []byte{0x43, 0xa1, 1, 0x26}, []byte{0x41, 0xa0}, 1))
	cbor("header-twice", "the algorithm twice", bytes.Replace(raw, []byte{0x43, 0xa1, 1, 0x26}, []byte{0x45, 0xa2, 1, 0x26, 1, 0x26}, 1))
	cbor("header-more", "an address of the key beside its digest", bytes.Replace(raw, []byte{0xa1, 4, 0x48}, []byte{0xa2, 0x18, 0x23, 0x61, 'x', 4, 0x48}, 1))
	cbor("detached", "without what it is over", slices.Concat(raw[:bytes.Index(raw, []byte{4, 0x48})+10], []byte{0xf6}, raw[len(raw)-66:]))
	cbor("short", "the signature without its last byte", append(append(bytes.Clone(raw[:len(raw)-66]), 0x58, 0x3f), raw[len(raw)-64:len(raw)-1]...))
	cbor("der-signature", "the signature in DER, as elsewhere", append(append(bytes.Clone(raw[:len(raw)-66]), 0x58, 0x46), make([]byte, 70)...))
	cbor("huge", "says it has 4 GiB", []byte{0xd2, 0x84, 0x5a, 0xff, 0xff, 0xff, 0xff})
	cbor("deep", "hundreds of lists in each other", append([]byte{0xd2}, bytes.Repeat([]byte{0x81}, 700)...))
	cbor("empty", "an empty list", []byte{0xd2, 0x80})
	zero := append(bytes.Clone(raw[:len(raw)-64]), make([]byte, 64)...)
	add("value-zero", "ED-SEAL-5", "no seal.broken", "r and s are zero", base32Text(zero))
	add("kid", "ED-SEAL-4", "no seal.unknown_signer", "the digest of the key is of no one", base32Text(bytes.Replace(raw, raw[bytes.Index(raw, []byte{4, 0x48})+2:][:8], make([]byte, 8), 1)))
	other := w.Agencies["ombudsman"]
	kid := func(id specimen.Identity) []byte {
		b := m.seal(m.copySeal("x"), id).Bytes()
		return b[bytes.Index(b, []byte{4, 0x48})+2:][:8]
	}
	add("kid-other", "ED-SEAL-5", "no seal.broken", "the digest of the key is another agency's", base32Text(bytes.Replace(raw, kid(agency), kid(other), 1)))
	n := elliptic.P256().Params().N
	s := new(big.Int).SetBytes(raw[len(raw)-32:])
	twinned := append(bytes.Clone(raw[:len(raw)-32]), new(big.Int).Sub(n, s).FillBytes(make([]byte, 32))...)
	add("twin", "ED-SEAL-5 ED-SEAL-6", "yes ok", "the other signature value that verifies: the same seal, with the same id", base32Text(twinned))
	add("blank", "ED-SEAL-1", failure, "nothing at all", "HTTPS://PORTAL.SPECIMEN/V/")
	add("inner-space", "ED-SEAL-1", failure, "a space in the code", good.Text()[:20]+" "+good.Text()[20:])
	add("homoglyph", "ED-SEAL-1", failure, "0 and 1, which Base32 does not have, as some readers take them for O and I", "01"+good.Text()[2:])
	add("long", "ED-SEAL-1", failure, "more than a code on paper holds", strings.Repeat("A", 4000))
	add("copy-by-register", "ED-SEAL-4", "no seal.unknown_signer", "a copy certified by the register, which certifies none", m.seal(m.copySeal("school"), w.Register).Text())
	add("receipt-by-agency", "ED-SEAL-4", "no seal.unknown_signer", "a receipt of a kiosk, signed by an agency", m.seal(m.receiptSeal(), agency).Text())
}
