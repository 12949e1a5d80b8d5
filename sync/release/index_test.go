package release_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/release"
)

const indexVectorsDir = vectorsDir + "/index"

// indexVector is one file of spec/vectors/release/index: an index, and the length of
// the bundle whose index it is, which counted makes.
type indexVector struct {
	name, expect, spec string
	bundle             int
	body               []byte
}

// counted is a bundle of n bytes that anybody can make again: the SHA-256 of 0, 1, 2
// and so on, each as eight bytes, the highest first.
func counted(n int) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

func described(t testing.TB, bundle []byte) release.Content {
	t.Helper()
	c, err := release.Describe(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func indexOf(t testing.TB, bundle []byte) *release.Index {
	t.Helper()
	c := described(t, bundle)
	x, err := c.MakeIndex(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func indexVectors(t testing.TB) (vs []indexVector) {
	t.Helper()
	for _, f := range readVectors(t, indexVectorsDir, "bundle") {
		v := indexVector{name: f.name, expect: f.expect, spec: f.spec, body: f.body}
		for _, val := range f.more["bundle"] {
			v.bundle, _ = strconv.Atoi(val)
		}
		if v.bundle == 0 {
			t.Fatalf("%s is not complete", f.name)
		}
		vs = append(vs, v)
	}
	return vs
}

func TestIndexVectors(t *testing.T) {
	if *anew {
		writeIndexVectors(t)
	}
	for _, v := range indexVectors(t) {
		t.Run(v.name, func(t *testing.T) {
			bundle := counted(v.bundle)
			c := described(t, bundle)
			x, err := c.ParseIndex(v.body)
			if want := classes[v.expect]; !errors.Is(err, want) || want == nil && err != nil {
				t.Fatalf("ParseIndex = %v, want %s", err, v.expect)
			}
			if err != nil {
				return
			}
			if again, err := x.Marshal(); err != nil || !bytes.Equal(again, v.body) {
				t.Errorf("parse then marshal: got another, %v", err)
			}
			made, err := indexOf(t, bundle).Marshal()
			if err != nil || strings.Contains(v.spec, "REL-IDX-3") && !bytes.Equal(made, v.body) {
				t.Errorf("the index that we make is another, %v", err)
			}
		})
	}
}

// FuzzParseIndex feeds the reader anything: what it takes covers the bundle, in its one
// form, within the bounds.
func FuzzParseIndex(f *testing.F) {
	bundles := map[int]release.Content{}
	for _, v := range indexVectors(f) {
		bundles[v.bundle] = described(f, counted(v.bundle))
		f.Add(v.body, v.bundle)
	}
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		c, ok := bundles[size]
		if !ok {
			c = release.Content{Size: int64(size)}
		}
		x, err := c.ParseIndex(b)
		if err != nil {
			return
		}
		if again, err := x.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("parse then marshal: got another, %v", err)
		}
		var n int64
		for _, p := range x.Pieces {
			n += int64(p.Length)
		}
		if n != int64(size) || len(x.Pieces) > size/release.MinPiece+1 {
			t.Errorf("%d pieces of %d bytes, want %d bytes", len(x.Pieces), n, size)
		}
	})
}

// TestCutAsTheSpecificationSays cuts with arithmetic by hand, bit by bit.
func TestCutAsTheSpecificationSays(t *testing.T) {
	const poly, degree = 0x3DA3358B4DC173, 53
	fingerprint := func(window []byte) (h uint64) {
		for _, b := range window {
			for bit := 7; bit >= 0; bit-- {
				if h = h<<1 | uint64(b>>bit)&1; h>>degree != 0 {
					h ^= poly
				}
			}
		}
		return h
	}
	b := counted(700_000)
	copy(b[300_000:], make([]byte, 300_000)) // in which nothing says where to cut
	var want, got []int
	for at := 0; at < len(b); {
		n := min(release.MinPiece, len(b)-at)
		for at+n < len(b) && n < release.MaxPiece && fingerprint(b[at+n-64:at+n])&0xffff != 0 {
			n++
		}
		want = append(want, n)
		at += n
	}
	if err := release.CutPieces(bytes.NewReader(b), func(_ int64, p []byte) error { got = append(got, len(p)); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(want) < 5 || !slices.Equal(got, want) {
		t.Errorf("CutPieces = %v, want %v", got, want)
	}
}

// TestBeyondIsNearToWhatChanged edits a bundle here and there: bytes put in, taken out
// and moved. What is to be fetched is what is new and the pieces that it touches.
func TestBeyondIsNearToWhatChanged(t *testing.T) {
	old := counted(6 << 20)
	before := indexOf(t, old)
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := bytes.Clone(old)
		edits := 1 + r.IntN(5)
		fresh := 0
		for range edits {
			at := r.IntN(len(b))
			switch r.IntN(3) {
			case 0: // put in
				in := make([]byte, 1+r.IntN(40_000))
				for i := range in {
					in[i] = byte(r.Uint32())
				}
				b = slices.Insert(b, at, in...)
				fresh += len(in)
			case 1: // taken out
				b = slices.Delete(b, at, min(len(b), at+1+r.IntN(40_000)))
			case 2: // moved to the end
				b = slices.Concat(b[:at], b[min(len(b), at+200_000):], b[at:min(len(b), at+200_000)])
			}
		}
		// An edit has three seams at most, and cutting falls into step again after a few
		// pieces: how many is chance, and the same at each run.
		most := int64(fresh + edits*4*(64<<10+release.MinPiece))
		got := indexOf(t, b).Beyond(before)
		t.Logf("%d edits, %d new bytes: %d to fetch", edits, fresh, got)
		if got > most {
			t.Errorf("after %d edits with %d new bytes %d are to be fetched, want %d at most", edits, fresh, got, most)
		}
	}
	if got := before.Beyond(before); got != 0 {
		t.Errorf("of the same bundle %d bytes are to be fetched, want none", got)
	}
	if got := before.Beyond(&release.Index{}); got != before.Size {
		t.Errorf("beyond nothing are %d bytes, want all %d", got, before.Size)
	}
}

// TestMakeIndexRefuses: an index is made of the bundle that is described, and of no other.
func TestMakeIndexRefuses(t *testing.T) {
	b := counted(100_000)
	c := described(t, b)
	for name, other := range map[string][]byte{"shorter": b[1:], "longer": append(bytes.Clone(b), 0), "another": append([]byte{^b[0]}, b[1:]...)} {
		if _, err := c.MakeIndex(bytes.NewReader(other)); !errors.Is(err, release.ErrCorrupt) {
			t.Errorf("%s: MakeIndex = %v, want ErrCorrupt", name, err)
		}
	}
}

// BenchmarkMakeIndex is what it costs to look through a bundle, beside the SHA-256 that
// nobody can do without.
func BenchmarkMakeIndex(b *testing.B) {
	bundle := counted(32 << 20)
	c := described(b, bundle)
	for name, do := range map[string]func() error{
		"sha256": func() error { return c.Verify(bytes.NewReader(bundle)) },
		"index":  func() error { _, err := c.MakeIndex(bytes.NewReader(bundle)); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(c.Size)
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
