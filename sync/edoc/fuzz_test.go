package edoc_test

import (
	"bytes"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// seeds gives the bodies of the vectors of those kinds to a fuzz test. None is
// a failure.
func seeds(f *testing.F, kinds ...string) {
	f.Helper()
	n := 0
	for _, v := range vectors(f) {
		for _, k := range kinds {
			if v.header["kind"] == k {
				f.Add(v.body)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatalf("no vectors of kinds %v", kinds)
	}
}

// FuzzContainer also looks for a container that comes out as another document.
func FuzzContainer(f *testing.F) {
	seeds(f, "container")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
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
		c.Verify(w.bundle, now)
	})
}

func FuzzZip(f *testing.F) {
	seeds(f, "container")
	f.Fuzz(func(t *testing.T, b []byte) {
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
	})
}

func FuzzDocument(f *testing.F) {
	seeds(f, "document")
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := edoc.ParseDocument(b)
		if err != nil {
			return
		}
		if out, err := d.Marshal(); err != nil || !bytes.Equal(out, b) {
			t.Errorf("parse then marshal: %v; got %q, want %q", err, out, b)
		}
	})
}

func FuzzManifest(f *testing.F) {
	seeds(f, "manifest")
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := asic.ParseManifest(b)
		if err != nil {
			return
		}
		if out, err := m.Marshal(); err != nil || !bytes.Equal(out, b) {
			t.Errorf("parse then marshal: %v; got %q, want %q", err, out, b)
		}
	})
}

func FuzzSignature(f *testing.F) {
	seeds(f, "signature", "token")
	f.Fuzz(func(t *testing.T, b []byte) {
		sd, err := cms.Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(sd.Bytes(), b) {
			t.Error("parse then write: other bytes")
		}
		if _, err := sd.Verify([]byte("what nobody signed")); err == nil {
			t.Error("a signature over what nobody signed verifies")
		}
	})
}

func FuzzToken(f *testing.F) {
	seeds(f, "token", "signature")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := tsp.Parse(b)
		if err != nil {
			return
		}
		if _, err := tok.Verify([32]byte{}, w.bundle.TSA); err == nil {
			t.Error("a token over nothing verifies")
		}
	})
}

func FuzzBundle(f *testing.F) {
	seeds(f, "bundle", "object")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if bundle, err := trust.ParseBundle(b, w.roots, 0); err == nil && bundle.Version == 0 {
			t.Error("a bundle without a version")
		}
		if p, _, err := trust.OpenObject("catalogue", b, w.bundle); err == nil && string(p) != "{}" {
			t.Error("a catalogue that the register did not sign")
		}
	})
}

func FuzzSeal(f *testing.F) {
	seeds(f, "seal")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := seal.Parse(string(b))
		if err != nil {
			return
		}
		again, err := seal.ParseBytes(s.Bytes())
		if err != nil || again.Text() != s.Text() || again.ID() != s.ID() {
			t.Errorf("parse what was written: %v", err)
		}
		s.Verify(w.bundle, now)
	})
}

func FuzzRecipient(f *testing.F) {
	seeds(f, "recipient")
	f.Fuzz(func(_ *testing.T, b []byte) { _ = envelope.CheckRecipient(string(b)) })
}

func FuzzEnvelope(f *testing.F) {
	seeds(f, "envelope", "packet")
	w, err := readWorld(vectorsDir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = envelope.Open(b, w.age)
		if p, err := envelope.ParsePacket(b); err == nil {
			if out, err := p.Marshal(); err != nil || !bytes.Equal(out, b) {
				t.Errorf("parse then marshal: %v; got %x, want %x", err, out, b)
			}
		}
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
