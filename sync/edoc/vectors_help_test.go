package edoc_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/edoc/envelope"
)

func base32Text(b []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// spell returns another text that a lenient reader decodes to the same bytes:
// with spare bits at the end set, or, where there are none, with a symbol more.
func spell(s string) string {
	last := strings.IndexByte(base32Alphabet, s[len(s)-1])
	if len(s)*5%8 == 0 {
		return s + "A"
	}
	return s[:len(s)-1] + string(base32Alphabet[last|1])
}

// ageOf encrypts without compressing.
func ageOf(t testing.TB, plain []byte, r age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, r)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// swapSymbols swaps the first two neighbours that differ, after the prefix.
func swapSymbols(r string) string {
	b := []byte(r)
	for i := len("agepiv1"); i < len(b)-1; i++ {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			return string(b)
		}
	}
	return ""
}

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// notOnCurve returns a recipient with a right checksum whose x is on no point.
// Bech32's checksum is linear, so one symbol and the checksum are changed
// together until a point is missed: half of all x are.
func notOnCurve(t testing.TB) string {
	t.Helper()
	for range 200 {
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		r, err := envelope.PIVRecipient(key.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		values := bech32Values(r)
		values[20] ^= 1
		if s := bech32Text(values); envelope.CheckRecipient(s) != nil {
			return s
		}
	}
	t.Fatal("no x was off the curve")
	return ""
}

func bech32Values(r string) []byte {
	var v []byte
	for _, c := range strings.TrimPrefix(r, "agepiv1") {
		v = append(v, byte(strings.IndexRune(bech32Alphabet, c)))
	}
	return v[:len(v)-6]
}

// bech32Text is written after BIP 173 once more, so that the package is not
// checked with itself.
func bech32Text(values []byte) string {
	polymod := func(v []byte) uint32 {
		c := uint32(1)
		for _, x := range v {
			c0 := c >> 25
			c = (c&0x1ffffff)<<5 ^ uint32(x)
			for i, g := range []uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
				if c0>>i&1 == 1 {
					c ^= g
				}
			}
		}
		return c
	}
	var all []byte
	const hrp = "agepiv"
	for _, c := range hrp {
		all = append(all, byte(c>>5))
	}
	all = append(all, 0)
	for _, c := range hrp {
		all = append(all, byte(c&31))
	}
	all = append(append(all, values...), 0, 0, 0, 0, 0, 0)
	sum := polymod(all) ^ 1
	var s strings.Builder
	s.WriteString(hrp + "1")
	for _, v := range values {
		s.WriteString(string(bech32Alphabet[v]))
	}
	for i := range 6 {
		s.WriteString(string(bech32Alphabet[sum>>(5*(5-i))&31]))
	}
	return s.String()
}
