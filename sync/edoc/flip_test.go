package edoc_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// span is a part of a file that may be changed without anybody noticing, and
// why that is no harm.
type span struct {
	from, to int
	why      string
}

// TestEveryByte changes every byte of good containers, in the file and inside
// the zip with its checksums made right again. No change makes another document
// that is whole, none makes us fall, and what can be changed without a word in
// the report is known and harmless.
func TestEveryByte(t *testing.T) {
	w := world(t)
	c1 := card(t, w, "citizen-1")
	bt, err := sign(t, request(c1), c1.Slots[specimen.SlotSign].Signer(), now).Stamp(t.Context(), authority(t, w, now))
	if err != nil {
		t.Fatal(err)
	}
	countered, err := bt.CounterSign(0, w.Device.Signing.Signer(), now)
	if err != nil {
		t.Fatal(err)
	}
	blt, err := countered.Complete(w.Trust())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    *edoc.Container
	}{{"B-T", bt}, {"B-LT with a counter-signature", blt}} {
		t.Run(tt.name, func(t *testing.T) { everyByte(t, w, tt.c) })
	}
}

func everyByte(t *testing.T, w *specimen.World, c *edoc.Container) {
	good := c.Bytes()
	f := flipper{t: t, w: w, c: c, was: reportOf(c, w.Trust()), unnoticed: map[string]int{}}
	f.file("the file", good, zipSpans(good), func(b []byte) []byte { return b })
	files, err := asic.Read(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var spans []span
		if file.Name == asic.SignatureName(1) {
			spans = signatureSpans(t, w, c, file.Data)
		}
		f.file(file.Name, file.Data, spans, func(b []byte) []byte {
			return rawOf(with(files, file.Name, func([]byte) []byte { return b })).bytes()
		})
	}
	t.Logf("%d changes: %d do not parse, %d are noticed, %d are not:", f.changes, f.refused, f.noticed, f.changes-f.refused-f.noticed)
	for _, why := range slices.Sorted(maps.Keys(f.unnoticed)) {
		t.Logf("%5d %s", f.unnoticed[why], why)
	}
	if f.refused == 0 || f.noticed == 0 {
		t.Error("nothing was refused or nothing was noticed: is anything changed at all?")
	}
}

type flipper struct {
	t                         *testing.T
	w                         *specimen.World
	c                         *edoc.Container
	was                       string
	changes, refused, noticed int
	unnoticed                 map[string]int
}

// file changes each byte of b in turn; pack makes the container of it.
func (f *flipper) file(name string, b []byte, spans []span, pack func([]byte) []byte) {
	for i := range b {
		for _, bits := range []byte{0x01, 0x80} {
			changed := bytes.Clone(b)
			changed[i] ^= bits
			f.changes++
			e, err := edoc.Parse(pack(changed))
			if err != nil {
				f.refused++
				continue
			}
			same := e.ID() == f.c.ID() && bytes.Equal(e.DocumentBytes(), f.c.DocumentBytes())
			r := e.Verify(f.w.Trust(), now)
			if r.Whole.Verdict == edoc.Yes && !same {
				f.t.Fatalf("%s: with byte %d changed it is another document, and whole", name, i)
			}
			if reportOf(e, f.w.Trust()) != f.was || !same {
				f.noticed++
				continue
			}
			at := slices.IndexFunc(spans, func(s span) bool { return s.from <= i && i < s.to })
			if at < 0 {
				f.t.Errorf("%s: byte %d can be changed without notice, and nobody has said why that is no harm", name, i)
				continue
			}
			f.unnoticed[strings.TrimPrefix(name, "META-INF/")+": "+spans[at].why]++
		}
	}
}

// reportOf is all that a reader is told of a container.
func reportOf(c *edoc.Container, b *trust.Bundle) string {
	r := c.Verify(b, now)
	var out strings.Builder
	fmt.Fprint(&out, r.ID, r.Whole, r.Claimed, r.Trusted, r.Provisional, c.Level(0))
	for _, s := range append([]edoc.SignatureReport{r.SignatureReport}, r.Signatures...) {
		fmt.Fprint(&out, s.Role, s.Signer, s.Revocation, s.Stamp, s.SignerUse, s.SignerID, s.Claimed, s.Trusted, s.RevocationAge, s.RevocationFrom)
		if s.SignerCert != nil {
			out.Write(s.SignerCert.Raw)
		}
		for _, k := range s.Counters {
			fmt.Fprint(&out, k.Role, k.Signer, k.Revocation, k.ID, k.Claimed)
		}
	}
	return out.String()
}

// zipSpans are the parts of a zip's directory that say nothing of what is in it.
func zipSpans(b []byte) []span {
	var list []span
	le := binary.LittleEndian
	at := int(le.Uint32(b[len(b)-6:]))
	for string(b[at:at+4]) == "PK\x01\x02" {
		list = append(
			list,
			span{at + 4, at + 6, "with which program and on which system the zip was made"},
			span{at + 36, at + 38, "whether an entry is text"},
			span{at + 38, at + 42, "attributes of an entry on its first disk"},
		)
		at += 46 + int(le.Uint16(b[at+28:]))
	}
	return list
}

// signatureSpans are the parts of a signature that no answer depends on.
func signatureSpans(t *testing.T, w *specimen.World, c *edoc.Container, der []byte) []span {
	t.Helper()
	var list []span
	add := func(part []byte, why string) {
		for at := 0; ; {
			i := bytes.Index(der[at:], part)
			if i < 0 {
				return
			}
			list = append(list, span{at + i, at + i + len(part), why})
			at += i + len(part)
		}
	}
	add(w.TSA.Cert.Raw, "the authority's certificate in the token: the bundle's own counts")
	sd := c.Signatures()[0]
	for _, cert := range sd.Certificates() {
		if cert.IsCA {
			add(cert.Raw, "certificates of centres, for who has no bundle: the bundle's own count")
		}
	}
	for _, list := range sd.CRLs() {
		add(list, "revocation lists, for who has no bundle: one that is broken counts for nothing, and the bundle has it too")
	}
	return list
}
