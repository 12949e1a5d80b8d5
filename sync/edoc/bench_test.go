package edoc_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// The floor: one ECDSA signature over 600 bytes, which a document cannot do
// without. Each benchmark reports how many times as long it takes.
func rawSign(b *testing.B, key *ecdsa.PrivateKey) []byte {
	sum := sha256.Sum256(make([]byte, 600))
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	return sig
}

// floor measures f in the same run, before the loop.
func floor(b *testing.B, f func()) time.Duration {
	b.Helper()
	f()
	const n = 400
	start := time.Now()
	for range n {
		f()
	}
	return time.Since(start) / n
}

func ratio(b *testing.B, base time.Duration) {
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(base), "×floor")
}

func BenchmarkSign(b *testing.B) {
	w := world(b)
	c := card(b, w, "citizen-1")
	d, s := request(c), c.Slots[specimen.SlotSign]
	base := floor(b, func() { rawSign(b, s.Key) })
	for b.Loop() {
		sign(b, d, s.Signer(), now)
	}
	ratio(b, base)
}

func BenchmarkVerify(b *testing.B) {
	w := world(b)
	c := card(b, w, "citizen-1")
	s := c.Slots[specimen.SlotSign]
	bb := sign(b, request(c), s.Signer(), now)
	bt, err := bb.Stamp(b.Context(), authority(b, w, now))
	if err != nil {
		b.Fatal(err)
	}
	sig := rawSign(b, s.Key)
	base := floor(b, func() {
		sum := sha256.Sum256(make([]byte, 600))
		if !ecdsa.VerifyASN1(&s.Key.PublicKey, sum[:], sig) {
			b.Fatal("floor")
		}
	})
	for name, file := range map[string][]byte{"B-B": bb.Bytes(), "B-T": bt.Bytes()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				k, err := edoc.Parse(file)
				if err != nil {
					b.Fatal(err)
				}
				if r := k.Verify(w.Trust(), now); !r.Accepted() {
					b.Fatal(r.Signer)
				}
			}
			ratio(b, base)
		})
	}
}
