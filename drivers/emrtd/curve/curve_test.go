package curve_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/penjire/penjire/drivers/emrtd/curve"
)

// TestTable: every generator is on its curve and has its order, and what names
// a curve finds it.
func TestTable(t *testing.T) {
	one := big.NewInt(1)
	for id := 8; id <= 18; id++ {
		c := curve.ByID(id)
		if c == nil {
			t.Errorf("ByID(%d) = nil", id)
			continue
		}
		if !c.On(c.G) || !c.P.ProbablyPrime(20) || !c.N.ProbablyPrime(20) {
			t.Errorf("%v: generator off the curve, or a number that is no prime", c)
		}
		if !c.Mul(c.N, c.G).Infinite() {
			t.Errorf("%v: N·G is not infinity", c)
		}
		last := c.Mul(new(big.Int).Sub(c.N, one), c.G)
		if !c.Add(last, c.G).Infinite() || !c.Add(c.Add(last, c.G), c.G).Equal(c.G) {
			t.Errorf("%v: (N-1)·G + G is not infinity", c)
		}
		if curve.ByOID(c.OID) != c || curve.ByParams(c.P, c.A, c.B, c.N, c.G) != c {
			t.Errorf("%v: not found by its OID or parameters", c)
		}
		other := c.Add(c.G, c.G)
		if curve.ByParams(c.P, c.A, c.B, c.N, other) != nil {
			t.Errorf("%v: found with a generator of one's own", c)
		}
		for _, b := range [][]byte{c.Marshal(other), append([]byte{2 + byte(other.Y.Bit(0))}, c.Marshal(other)[1:1+c.Size()]...)} {
			if got, err := c.Unmarshal(b); err != nil || !got.Equal(other) {
				t.Errorf("%v: Unmarshal(%x) = %v, want the point", c, b[:1], err)
			}
		}
	}
	if curve.ByID(7) != nil || curve.ByOID(asn1.ObjectIdentifier{1, 2, 3}) != nil {
		t.Error("a curve was found that is none")
	}
}

// TestAgainstStandardLibrary compares with crypto/ecdsa where it has the curve.
func TestAgainstStandardLibrary(t *testing.T) {
	for id, std := range map[int]elliptic.Curve{10: elliptic.P224(), 12: elliptic.P256(), 15: elliptic.P384(), 18: elliptic.P521()} {
		c := curve.ByID(id)
		k, err := ecdsa.GenerateKey(std, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		want, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		d, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		pub := c.Mul(new(big.Int).SetBytes(d), c.G)
		if got := c.Marshal(pub); !bytes.Equal(got, want) {
			t.Errorf("%v: public key %x, want %x", c, got, want)
		}
		long := sha512.Sum512([]byte("longer than the order"))
		short := sha256.Sum256([]byte("x"))
		for _, digest := range [][]byte{long[:], short[:20]} {
			sig, err := ecdsa.SignASN1(rand.Reader, k, digest)
			if err != nil {
				t.Fatal(err)
			}
			var rs struct{ R, S *big.Int }
			if _, err := asn1.Unmarshal(sig, &rs); err != nil {
				t.Fatal(err)
			}
			if !c.Verify(pub, digest, rs.R, rs.S) {
				t.Errorf("%v: Verify = false, want true", c)
			}
			bad := bytes.Clone(digest)
			bad[0] ^= 0x80
			if c.Verify(pub, bad, rs.R, rs.S) || c.Verify(c.G, digest, rs.R, rs.S) ||
				c.Verify(pub, digest, rs.S, rs.R) || c.Verify(pub, digest, new(big.Int), rs.S) || c.Verify(pub, digest, c.N, c.N) {
				t.Errorf("%v: Verify of something else = true, want false", c)
			}
		}
	}
}

// TestEncode is Doc 9303-11, appendix H.1: integrated mapping on brainpoolP256r1.
func TestEncode(t *testing.T) {
	num := func(s string) *big.Int {
		n, ok := new(big.Int).SetString(s, 16)
		if !ok {
			t.Fatal(s)
		}
		return n
	}
	want := curve.Point{
		X: num("8E82D31559ED0FDE92A4D0498ADD3C23BABA94FB77691E31E90AEA77FB17D427"),
		Y: num("4C1AE14BD0C3DBAC0C871B7F3608169364437CA30AC243A089D3F266C1E60FAD"),
	}
	for _, in := range []string{
		"E4447E2DFB3586BAC05DDB00156B57FBB2179A3949294C97254189800C517BAA8DA0FF397ED8C445D3E421E4FEB57322",
		"A2F8FF2DF50E52C6599F386ADCB595D229F6A167ADE2BE5F2C3296ADD5B7430E", // the same, reduced
	} {
		if got, err := curve.ByID(13).Encode(num(in)); err != nil || !got.Equal(want) {
			t.Errorf("Encode(%s) = %x, %v, want %x", in, got, err, want)
		}
	}
	for id := 8; id <= 18; id++ {
		c := curve.ByID(id)
		for n := range int64(20) {
			p, err := c.Encode(big.NewInt(n))
			if wantErr := n < 2 || !c.Encodable(); (err != nil) != wantErr || err == nil && !c.On(p) {
				t.Errorf("%v: Encode(%d) = %v, want an error: %v", c, n, err, wantErr)
			}
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for id := 8; id <= 18; id++ {
		c := curve.ByID(id)
		b := c.Marshal(c.G)
		f.Add(id, b)
		f.Add(id, append([]byte{3}, b[1:1+c.Size()]...))
		f.Add(id, append([]byte{4}, make([]byte, 2*c.Size())...))
	}
	f.Fuzz(func(t *testing.T, id int, b []byte) {
		c := curve.ByID(id)
		if c == nil {
			return
		}
		if p, err := c.Unmarshal(b); err == nil && !c.On(p) {
			t.Errorf("%v: Unmarshal(%x) gave a point off the curve", c, b)
		}
	})
}
