package edoc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/lean"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// FuzzContainer looks for a container that comes out as another document, and
// for one that is accepted though nobody signed it.
func FuzzContainer(f *testing.F) {
	seeds(f, "container")
	k := knownWorld(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			c, err := edoc.Parse(b)
			if err != nil {
				return
			}
			again, err := edoc.Parse(c.Bytes())
			if err != nil {
				t.Fatalf("parse what was written: %v", err)
			}
			if again.ID() != c.ID() || !bytes.Equal(again.DocumentBytes(), c.DocumentBytes()) || !bytes.Equal(again.Bytes(), c.Bytes()) {
				t.Error("parse, write, parse: another document")
			}
			r := c.Verify(k.bundle, now)
			if r.Accepted() && k.forged(c) {
				t.Error("a document that nobody signed is accepted")
			}
			if r.Whole.Verdict != edoc.Yes && (r.Signer.Verdict != edoc.Unknown || r.Revocation.Verdict != edoc.Unknown) {
				t.Error("something is said of the signer of what is not whole")
			}
		})
	})
}

func FuzzZip(f *testing.F) {
	seeds(f, "container")
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, 2*asic.MaxSize, func() {
			files, err := asic.Read(b)
			if err != nil {
				return
			}
			out, err := asic.Write(files)
			if err != nil {
				t.Fatalf("write what was read: %v", err)
			}
			again, err := asic.Read(out)
			if err != nil || len(again) != len(files) {
				t.Fatalf("read what was written: %d files, %v, want %d", len(again), err, len(files))
			}
			for i := range files {
				if again[i].Name != files[i].Name || !bytes.Equal(again[i].Data, files[i].Data) {
					t.Errorf("read what was written: file %d is another", i)
				}
			}
		})
	})
}

func FuzzDocument(f *testing.F) {
	seeds(f, "document")
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			d, err := edoc.ParseDocument(b)
			if err != nil {
				return
			}
			if out, err := d.Marshal(); err != nil || !bytes.Equal(out, b) {
				t.Errorf("parse then marshal: %v; got %q, want %q", err, out, b)
			}
		})
	})
}

func FuzzManifest(f *testing.F) {
	seeds(f, "manifest")
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			m, err := asic.ParseManifest(b)
			if err != nil {
				return
			}
			if out, err := m.Marshal(); err != nil || !bytes.Equal(out, b) {
				t.Errorf("parse then marshal: %v; got %q, want %q", err, out, b)
			}
		})
	})
}

// FuzzSignature looks for a signature by a key of the vectors' world that none
// of the vectors has.
func FuzzSignature(f *testing.F) {
	seeds(f, "signature", "token", "counter")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	content := []byte("what is signed") // by every vector
	signed := map[time.Time]bool{}      // when, by a key of this world
	ours := func(sd *cms.SignedData) bool {
		cert, err := sd.Verify(content)
		return err == nil && w.bundle.CheckCert(cert, trust.UseCitizenSign, now, true, now).Chain.Reason != trust.ReasonForeign
	}
	for _, v := range vectors(f) {
		if sd, err := cms.Parse(v.body); err == nil && ours(sd) {
			signed[sd.SigningTime()] = true
		}
	}
	if len(signed) == 0 {
		f.Fatal("no vector of a signature verifies")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			sd, err := cms.Parse(b)
			if err != nil {
				return
			}
			if !bytes.Equal(sd.Bytes(), b) {
				t.Error("parse then write: other bytes")
			}
			for _, c := range sd.CounterSignatures() {
				if _, err := sd.Verify(content); err == nil {
					_, _ = c.Verify()
				}
			}
			if _, err := sd.Verify([]byte("what nobody signed")); err == nil {
				t.Error("a signature over what nobody signed verifies")
			}
			if ours(sd) && !signed[sd.SigningTime()] {
				t.Errorf("a signature that claims %v verifies, and nobody made it", sd.SigningTime())
			}
		})
	})
}

// FuzzToken looks for a token of the vectors' authority with a time that it
// never stated.
func FuzzToken(f *testing.F) {
	seeds(f, "token", "signature")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	imprint := sha256.Sum256([]byte("a signature value")) // of every vector
	stated := map[string]bool{}
	for _, v := range vectors(f) {
		if t, err := tsp.Parse(v.body); err == nil {
			if _, err := t.Verify(imprint, w.bundle.TSA); err == nil {
				stated[t.Time.String()+t.Serial.String()] = true
			}
		}
	}
	if len(stated) == 0 {
		f.Fatal("no vector of a token verifies")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			tok, err := tsp.Parse(b)
			if err != nil {
				return
			}
			if _, err := tok.Verify([32]byte{}, w.bundle.TSA); err == nil {
				t.Error("a token over nothing verifies")
			}
			if _, err := tok.Verify(imprint, w.bundle.TSA); err == nil && !stated[tok.Time.String()+tok.Serial.String()] {
				t.Errorf("a token of %v verifies, and nobody made it", tok.Time)
			}
		})
	})
}

// FuzzBundle looks for a bundle or a catalogue that the register did not sign.
func FuzzBundle(f *testing.F) {
	seeds(f, "bundle", "object")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	signed := bundlesOf(f, w)
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			if bundle, err := trust.ParseBundle(b, w.roots, 0); err == nil && !signed[bundle.Version].Equal(bundle.Issued) {
				t.Error("a bundle that the register did not sign")
			}
			if p, _, err := trust.OpenObject("catalogue", b, w.bundle); err == nil && string(p) != "{}" {
				t.Error("a catalogue that the register did not sign")
			}
		})
	})
}

// FuzzSeal looks for a seal that no agency or kiosk of the vectors' world made.
func FuzzSeal(f *testing.F) {
	seeds(f, "seal")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	made := map[[16]byte]bool{}
	for _, v := range vectors(f) {
		if s, err := seal.Parse(string(v.body)); err == nil && s.Verify(w.bundle, now).Finding.Verdict == trust.Yes {
			made[s.ID()] = true
		}
	}
	if len(made) == 0 {
		f.Fatal("no vector of a seal verifies")
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() {
			s, err := seal.Parse(string(b))
			if err != nil {
				return
			}
			again, err := seal.ParseBytes(s.Bytes())
			if err != nil || again.Text() != s.Text() || again.ID() != s.ID() {
				t.Errorf("parse what was written: %v", err)
			}
			if s.Verify(w.bundle, now).Finding.Verdict == trust.Yes && !made[s.ID()] {
				t.Error("a seal that nobody made is in order")
			}
		})
	})
}

func FuzzRecipient(f *testing.F) {
	seeds(f, "recipient")
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, smallAlloc, func() { _ = envelope.CheckRecipient(string(b)) })
	})
}

func FuzzEnvelope(f *testing.F) {
	seeds(f, "envelope", "packet")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		// What is inside may be as large as the rule allows, while it grows.
		bounded(t, b, 4*envelope.MaxPlain, func() {
			if plain, err := envelope.Open(b, w.age); err == nil && len(plain) > envelope.MaxPlain {
				t.Errorf("%d bytes came out, want at most %d", len(plain), envelope.MaxPlain)
			}
			if p, err := envelope.ParsePacket(b); err == nil {
				if out, err := p.Marshal(); err != nil || !bytes.Equal(out, b) {
					t.Errorf("parse then marshal: %v; got %x, want %x", err, out, b)
				}
			}
		})
	})
}

func FuzzLean(f *testing.F) {
	seeds(f, "lean")
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded(t, b, 16*lean.MaxContainer, func() {
			n, size := binary.Uvarint(b)
			if size <= 0 || n > uint64(len(b)-size) {
				return
			}
			out, err := lean.Grow(lean.Form{Raw: b[size:][:n], Text: b[size:][n:]})
			if err != nil {
				return
			}
			if len(out) > lean.MaxContainer {
				t.Errorf("%d bytes grew, want at most %d", len(out), lean.MaxContainer)
			}
			// Its own form may be another; what grows of that may not.
			if again, ok := lean.Shrink(out); ok {
				if b, err := lean.Grow(again); err != nil || !bytes.Equal(b, out) {
					t.Errorf("shrink then grow: %v; got %x, want %x", err, b, out)
				}
			}
		})
	})
}

func FuzzCode(f *testing.F) {
	seeds(f, "code")
	f.Fuzz(func(t *testing.T, b []byte) {
		code, err := edoc.ParseCode(string(b))
		if err != nil {
			return
		}
		again, err := edoc.ParseCode(edoc.FormatCode(code))
		if err != nil || again != code {
			t.Errorf("ParseCode(FormatCode(%q)) = %q, %v", code, again, err)
		}
	})
}
