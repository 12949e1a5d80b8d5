package edoc_test

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// bundlesOf returns the versions that a register of the vectors signed, with
// their times of issue.
func bundlesOf(f *testing.F, w *vectorWorld) map[uint64]time.Time {
	signed := map[uint64]time.Time{}
	for _, v := range vectors(f) {
		if v.header["kind"] != "bundle" {
			continue
		}
		if b, err := trust.ParseBundle(v.body, w.roots, 0); err == nil {
			signed[b.Version] = b.Issued
		}
	}
	if len(signed) < 2 {
		f.Fatal("hardly any vector holds a bundle")
	}
	return signed
}

// FuzzDelta looks for a delta of which a bundle comes that the register did not
// sign, and for one that makes much of little.
func FuzzDelta(f *testing.F) {
	seeds(f, "delta")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	signed := bundlesOf(f, w)
	good, err := w.named("bundle-good")
	if err != nil {
		f.Fatal(err)
	}
	d, err := w.named("delta-good")
	if err != nil {
		f.Fatal(err)
	}
	next, err := trust.Apply(good, d)
	if err != nil {
		f.Fatal(err)
	}
	b, err := trust.ParseBundle(next, w.roots, 0)
	if err != nil {
		f.Fatal(err)
	}
	signed[b.Version] = b.Issued
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := trust.Apply(good, b)
		if err != nil {
			return
		}
		if len(out) > 9<<20 {
			t.Errorf("%d bytes come of %d", len(out), len(b))
		}
		if bundle, err := trust.ParseBundle(out, w.roots, 0); err == nil && !signed[bundle.Version].Equal(bundle.Issued) {
			t.Error("a bundle that the register did not sign")
		}
	})
}
