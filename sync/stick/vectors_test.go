package stick

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/wire"
)

var anew = flag.Bool("write", false, "write the vectors anew, with new keys")

const vectorsDir = "../spec/vectors/stick"

// The classes of failure of the vectors; «other kiosk» is the reader's finding.
var classes = map[string]error{
	"other file": ErrOther, "version failure": ErrVersion, "cut short": ErrCut, "damaged": ErrDamaged, "signature failure": ErrSigned,
}

// vector is one file of spec/vectors/stick: what a kiosk K-000001 or its portal
// makes of it, and how many whole frames there are in it.
type vector struct {
	name, expect, comment string
	frames                int
	body                  []byte
}

func vectors(t testing.TB) []vector {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(vectorsDir, "*.vector"))
	if err != nil || len(names) == 0 {
		t.Fatalf("vectors in %s: got %d, %v, want some", vectorsDir, len(names), err)
	}
	var vs []vector
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b), "\n\n")
		v := vector{name: filepath.Base(n), frames: -1}
		for l := range strings.Lines(head) {
			switch k, val, _ := strings.Cut(strings.TrimSuffix(l, "\n"), ": "); k {
			case "expect":
				v.expect = val
			case "frames":
				v.frames, err = strconv.Atoi(val)
			case "comment":
				v.comment = val
			case "spec":
			default:
				t.Fatalf("%s: unknown header %q", n, k)
			}
		}
		if v.body, _ = hex.DecodeString(strings.Join(strings.Fields(body), "")); err != nil || v.expect == "" || v.frames < 0 || v.comment == "" || len(v.body) == 0 {
			t.Fatalf("%s is not complete", n)
		}
		vs = append(vs, v)
	}
	return vs
}

func readCert(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := pem.Decode(b)
	c, err := x509.ParseCertificate(p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readAll reads a file as a kiosk K-000001 with that portal, or that portal with
// that kiosk, would, and returns the first thing that is wrong and the number of
// whole frames.
func readAll(b []byte, kiosk, portal *x509.Certificate) (frames int, class string) {
	f, err := Read(bytes.NewReader(b))
	if err != nil {
		return 0, classOf(err)
	}
	want := kiosk
	if f.Kind == Answer {
		want = portal
	}
	cert, err := f.Verify(want)
	if err == nil && !cert.Equal(want) {
		err = fmt.Errorf("by a stranger: %w", ErrSigned)
	}
	if err != nil {
		return 0, classOf(err)
	}
	if f.Kiosk != "K-000001" {
		return 0, "other kiosk"
	}
	class = "ok"
	for {
		_, err := f.Next()
		switch {
		case errors.Is(err, io.EOF):
			return frames, class
		case errors.Is(err, ErrDamaged):
			class = "damaged"
		case err != nil:
			return frames, classOf(err)
		default:
			frames++
		}
	}
}

func classOf(err error) string {
	for name, c := range classes {
		if errors.Is(err, c) {
			return name
		}
	}
	return err.Error()
}

func TestVectors(t *testing.T) {
	kiosk, portal := readCert(t, "kiosk.pem"), readCert(t, "portal.pem")
	for _, v := range vectors(t) {
		if frames, class := readAll(v.body, kiosk, portal); class != v.expect || frames != v.frames {
			t.Errorf("%s: got %s with %d frames, want %s with %d", v.name, class, frames, v.expect, v.frames)
		}
	}
}

// TestCutEverywhere reads every beginning of a good file: it is known to be cut,
// and its whole frames are read.
func TestCutEverywhere(t *testing.T) {
	kiosk, portal := readCert(t, "kiosk.pem"), readCert(t, "portal.pem")
	i := slices.IndexFunc(vectors(t), func(v vector) bool { return v.name == "export.vector" })
	good := vectors(t)[i]
	last := 0
	for n := range good.body {
		frames, class := readAll(good.body[:n], kiosk, portal)
		if want := n >= len(magic)+5; class != "cut short" && (want || class != "other file") {
			t.Fatalf("%d bytes: %s, want cut short", n, class)
		}
		if frames < last {
			t.Fatalf("%d bytes have %d frames, fewer had %d", n, frames, last)
		}
		last = frames
	}
	if last != good.frames-1 {
		t.Errorf("all but the last byte have %d frames, want %d", last, good.frames-1)
	}
}

// FuzzRead reads anything: nothing that was not signed is taken.
func FuzzRead(f *testing.F) {
	kiosk, portal := readCert(f, "kiosk.pem"), readCert(f, "portal.pem")
	signed := map[[32]byte]bool{}
	for _, v := range vectors(f) {
		f.Add(v.body)
		if in, err := Read(bytes.NewReader(v.body)); err == nil {
			for _, e := range in.Frames {
				signed[e.Digest] = true
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, class := readAll(b, kiosk, portal)
		if n == 0 {
			return
		}
		in, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("read %d frames, %s, then %v", n, class, err)
		}
		for _, e := range in.Frames {
			if !signed[e.Digest] {
				t.Errorf("took a frame that nobody signed: %x", e.Digest)
			}
		}
	})
}

// specimen makes a self-signed certificate.
func specimen(t testing.TB, name string) cms.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"SPECIMEN"}},
		NotBefore: at, NotAfter: at.AddDate(20, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cms.Signer{Key: key, Cert: cert}
}

// TestWriteVectors writes them, with -write.
func TestWriteVectors(t *testing.T) {
	if !*anew {
		t.Skip("only with -write")
	}
	kiosk, portal, stranger := specimen(t, "K-000001"), specimen(t, "portal.specimen"), specimen(t, "K-000001")
	for name, s := range map[string]cms.Signer{"kiosk.pem": kiosk, "portal.pem": portal} {
		b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Cert.Raw})
		if err := os.WriteFile(filepath.Join(vectorsDir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	epoch, doc := [16]byte{0x0a, 0x1b, 0x2c, 0x3d}, [32]byte{1, 2, 3}
	marshal := func(fs ...wire.Frame) (out [][]byte) {
		for _, f := range fs {
			b, err := wire.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
		return out
	}
	up := marshal(
		&wire.Hello{Kiosk: "K-000001", Epoch: epoch, Oldest: 1, Newest: 1, Cursor: 4, Software: "0.4.0", Unsent: 2},
		&wire.Records{Epoch: epoch, Records: []wire.Record{{Seq: 1, Doc: doc, Service: "complaint", Lang: "tk", Claimed: 1795000000, Sealed: []byte("sealed")}}},
		&wire.Records{Epoch: epoch, Records: []wire.Record{{Seq: 2, Doc: [32]byte{9}, Service: "complaint", Lang: "ru", Claimed: 1795000001, Sealed: []byte("sealed too")}}},
	)
	down := marshal(&wire.Receipts{Groups: []wire.Group{{Batch: []byte{1, 2, 3}, Slips: []wire.Slip{{Seq: 1}}}}}, &wire.Items{Items: []wire.Item{{ID: 5, Kind: wire.ItemCatalogue, At: 1795000002, Bytes: []byte("catalogue")}}})
	export := Header{Kind: Export, Kiosk: "K-000001", Epoch: epoch, Number: 7, At: 1795000000, Cursor: 4}
	answer := Header{Kind: Answer, Kiosk: "K-000001", Epoch: epoch, Number: 7, At: 1795000100, Cursor: 4, Portal: "portal.specimen"}
	pack := func(h Header, fs [][]byte, s cms.Signer) []byte {
		parts, err := Pack(h, fs, s)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Concat(parts...)
	}
	put := func(name, spec, expect string, frames int, comment string, b []byte) {
		var out strings.Builder
		fmt.Fprintf(&out, "expect: %s\nframes: %d\nspec: %s\ncomment: %s\n\n", expect, frames, spec, comment)
		for h := hex.EncodeToString(b); h != ""; {
			n := min(len(h), 76)
			out.WriteString(h[:n] + "\n")
			h = h[n:]
		}
		if err := os.WriteFile(filepath.Join(vectorsDir, name+".vector"), []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	change := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	good := pack(export, up, kiosk)
	tail := len(up[2]) // bytes of the last frame
	put("export", "WIRE-FIL-1", "ok", 3, "an export with two records", good)
	put("answer", "WIRE-FIL-1", "ok", 2, "the portal's answer", pack(answer, down, portal))
	put("nothing", "WIRE-FIL-1", "ok", 0, "no frames at all", pack(export, nil, kiosk))
	put("other-file", "WIRE-FIL-1", "other file", 0, "another program's file", []byte("PK\x03\x04 and so on, as another file goes"))
	put("short-start", "WIRE-FIL-1", "other file", 0, "it ends before the header's length", good[:9])
	put("newer", "WIRE-FIL-1", "version failure", 0, "version 2", append(append([]byte(magic), 2), good[8:]...))
	put("cut-header", "WIRE-FIL-4", "cut short", 0, "cut inside the header", good[:40])
	put("cut-frame", "WIRE-FIL-4", "cut short", 2, "cut inside the last frame", good[:len(good)-3])
	put("cut-between", "WIRE-FIL-4", "cut short", 2, "cut between two frames", good[:len(good)-tail])
	put("changed-frame", "WIRE-FIL-4", "damaged", 2, "a byte of the second record is another", change(good, len(good)-3))
	put("changed-first", "WIRE-FIL-4", "damaged", 2, "a byte of hello is another", change(good, len(good)-tail-len(up[1])-3))
	put("longer", "WIRE-FIL-4", "damaged", 3, "something follows the last frame", append(bytes.Clone(good), 0))
	put("bad-frame", "WIRE-FIL-4", "damaged", 1, "a signed frame that is none", pack(export, [][]byte{up[0], {0x80}}, kiosk))
	put("changed-header", "WIRE-FIL-3", "signature failure", 0, "the export's number is another", func() []byte {
		i := bytes.Index(good, []byte{0x04, 0x07, 0x05})
		return change(good, i+1)
	}())
	put("stranger", "WIRE-FIL-3", "signature failure", 0, "signed by another key under the kiosk's name", pack(export, up, stranger))
	put("answer-by-kiosk", "WIRE-FIL-3", "signature failure", 0, "an answer that the kiosk signed for itself", pack(answer, down, kiosk))
	h := answer
	h.Kiosk = "K-000002"
	put("other-kiosk", "WIRE-FIL-8", "other kiosk", 0, "the answer for another kiosk", pack(h, down, portal))
	sign := func(header []byte) []byte {
		head := binary.BigEndian.AppendUint32(append([]byte(magic), Version), uint32(len(header)))
		head = append(head, header...)
		sig, err := cms.Sign(head, kiosk, time.Unix(1795000000, 0))
		if err != nil {
			t.Fatal(err)
		}
		return append(binary.BigEndian.AppendUint32(head, uint32(len(sig))), sig...)
	}
	raw := func(edit func(*Header)) []byte {
		h := export
		h.Frames = []Entry{}
		edit(&h)
		b, err := encMode.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return sign(b)
	}
	put("kind", "WIRE-FIL-2", "damaged", 0, "kind 3", raw(func(h *Header) { h.Kind = 3 }))
	put("number-zero", "WIRE-FIL-2", "damaged", 0, "number 0", raw(func(h *Header) { h.Number = 0 }))
	put("cursor", "WIRE-FIL-2", "damaged", 0, "a cursor above 2^53", raw(func(h *Header) { h.Cursor = wire.MaxItem + 1 }))
	put("name-path", "WIRE-FIL-2", "damaged", 0, "a kiosk whose name is a path", raw(func(h *Header) { h.Kiosk = "../K-000001" }))
	put("export-with-portal", "WIRE-FIL-2", "damaged", 0, "an export that names a portal", raw(func(h *Header) { h.Portal = "portal.specimen" }))
	put("frame-empty", "WIRE-FIL-2", "damaged", 0, "a frame of no bytes", raw(func(h *Header) { h.Frames = []Entry{{}} }))
	put("frame-huge", "WIRE-FIL-2", "damaged", 0, "a frame larger than a message may be", raw(func(h *Header) { h.Frames = []Entry{{Length: wire.MaxMessage + 1}} }))
	put("unknown-key", "WIRE-FIL-2", "damaged", 0, "a key that there is not", func() []byte {
		b, _ := encMode.Marshal(export)
		b[0]++
		return sign(append(b, 9, 0))
	}())
}
