package edoc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/lean"
	"github.com/penjire/penjire/sync/edoc/specimen"
)

// The body of a vector of the kind "lean" is the length of the raw part (a
// varint of Protocol Buffers, as everywhere in the form), that part, and the text.
func leanBody(f lean.Form) []byte {
	return slices.Concat(binary.AppendUvarint(nil, uint64(len(f.Raw))), f.Raw, f.Text)
}

func leanOutcome(body []byte) string {
	n, size := binary.Uvarint(body)
	if size <= 0 || n > uint64(len(body)-size) {
		return "lean failure"
	}
	b, err := lean.Grow(lean.Form{Raw: body[size:][:n], Text: body[size:][n:]})
	if err != nil {
		return "lean failure"
	}
	return digestOf(b)
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func shrinkOutcome(body []byte) string {
	if _, ok := lean.Shrink(body); ok {
		return "lean"
	}
	return "whole"
}

// leans are the cases of the lean form.
func (m *maker) leans() {
	c := card(m.t, m.w, "citizen-1")
	d, _ := ordinary(m.t, c)
	citizen := sign(m.t, d, c.Slots[specimen.SlotSign].Signer(), now)
	two, err := citizen.Cosign(m.w.Device.Signing.Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	k, _ := short(m.t, c)
	k.Sender = edoc.Party{Organisation: "Kiosk K-000001, Nusga obasy", Position: "dellal"}
	kiosk := sign(m.t, k, m.w.Device.Signing.Signer(), now)
	stamped, err := citizen.Stamp(m.t.Context(), authority(m.t, m.w, now))
	if err != nil {
		m.t.Fatal(err)
	}
	var form lean.Form
	for name, c := range map[string]struct {
		of      *edoc.Container
		comment string
	}{
		"lean-citizen": {citizen, "signed by a citizen's card"},
		"lean-kiosk":   {kiosk, "signed by a kiosk, with the secret of a tracking code"},
		"lean-two":     {two, "two signatures"},
		"lean-stamped": {stamped, "with a time stamp"},
	} {
		f, ok := lean.Shrink(c.of.Bytes())
		if !ok {
			m.t.Fatalf("%s has no lean form", name)
		}
		if name == "lean-citizen" {
			form = f
		}
		m.add(name, "lean", "ED-LEAN-1", digestOf(c.of.Bytes()), c.comment, leanBody(f))
	}
	m.add("shrink-citizen", "shrink", "ED-LEAN-2", "lean", "signed by a citizen's card", citizen.Bytes())
	m.add("shrink-packed", "shrink", "ED-LEAN-2", "whole", "its entries are deflated: nothing may depend on those bytes", citizen.Packed())
	other := citizen.Bytes()
	other[10]++ // the time of the first entry
	m.add("shrink-date", "shrink", "ED-LEAN-2", "whole", "the zip has another date than ours", other)
	with, err := edoc.SignWith(d, []edoc.Attachment{{Name: "photo.png", MediaType: "image/png", Content: edoc.Bytes("PNG, perhaps")}}, c.Slots[specimen.SlotSign].Signer(), now)
	if err != nil {
		m.t.Fatal(err)
	}
	m.add("shrink-attachment", "shrink", "ED-LEAN-2", "whole", "with an attachment", with.Bytes())
	m.leansRefused(form)
	m.leansSealed(citizen.Bytes(), form)
}

// leansRefused are forms that nobody may grow.
func (m *maker) leansRefused(good lean.Form) {
	bad := func(name, comment string, f lean.Form) {
		m.add("lean-"+name, "lean", "ED-LEAN-3", "lean failure", comment, leanBody(f))
	}
	// sig is a form whose only signature is text.
	const doc = "{a\"}b\x00"
	sig := func(text string, raw ...byte) lean.Form { return lean.Form{Raw: raw, Text: []byte(doc + text)} }
	bad("empty", "nothing at all", lean.Form{})
	bad("no-signature", "a document and no signature", sig(""))
	bad("cut-text", "the last byte of the text is missing", lean.Form{Raw: good.Raw, Text: good.Text[:len(good.Text)-1]})
	bad("cut-raw", "the last byte of the raw part is missing", lean.Form{Raw: good.Raw[:len(good.Raw)-1], Text: good.Text})
	bad("left-over", "the raw part has one byte too many", lean.Form{Raw: append(slices.Clip(good.Raw), 0), Text: good.Text})
	bad("control", "a text with a control character", lean.Form{Text: []byte("{a\"}b\x1fc\x000\x00")})
	bad("value-code", "a value that begins with what is no code", lean.Form{Text: []byte("{a\"}\x060\x00")})
	bad("structure", "an object that ends as an array", lean.Form{Text: []byte("{a\"]b\x000\x00")})
	bad("names", "a name without what it names", lean.Form{Text: []byte("{a}0\x00")})
	bad("deep-document", "a document of ten levels", lean.Form{Text: []byte(strings.Repeat("{a", 10) + "\"" + strings.Repeat("}", 10) + "b\x000\x00")})
	bad("time", "a time after the year 9999", lean.Form{Raw: binary.AppendVarint(nil, 1<<40), Text: []byte("{a\"}\x020\x00")})
	bad("content-code", "a content that begins with what is no code", sig("\x04\xff"))
	bad("tag", "a tag of more than one byte", sig("\x1f\x00"))
	bad("hash", "the digest of what was not there", sig("\x04\x81\x09"))
	bad("again", "what went before, and nothing did", sig("\x04\x82\x00"))
	bad("point", "a public key that is not on the curve", sig("\x03\x85", append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)...))
	point := m.w.Device.Signing.Cert.RawSubjectPublicKeyInfo
	point = append([]byte{2 | point[len(point)-1]&1}, point[len(point)-64:len(point)-32]...)
	bad("points", "33 public keys, each of which takes time", sig("0"+strings.Repeat("\x03\x85", 33)+"\x00", bytes.Repeat(point, 33)...))
	bad("deep", "a signature of 40 levels", sig(strings.Repeat("0", 40)+strings.Repeat("\x00", 40)))
	bad("bomb", "6,000 bytes twenty times", sig("0\x04\x80\xf0\x2e"+strings.Repeat("\x04\x82\x00", 20)+"\x00", make([]byte, 6000)...))
	bad("nine", "nine signatures", sig(strings.Repeat("0\x00", 9)))
}

// leansSealed are envelopes that hold a lean form.
func (m *maker) leansSealed(container []byte, f lean.Form) {
	id, err := age.ParseX25519Identity(m.w.AgeIdentity)
	if err != nil {
		m.t.Fatal(err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
	if err != nil {
		m.t.Fatal(err)
	}
	packed := func(raw, text []byte) []byte {
		head := binary.AppendUvarint([]byte{1}, uint64(len(raw)))
		return slices.Concat(head, raw, z.EncodeAll(text, nil)[4:])
	}
	add := func(name, spec, expect, comment string, plain []byte) {
		m.add("envelope-lean"+name, "envelope", spec, expect, comment, ageOf(m.t, plain, id.Recipient()))
	}
	add("", "ED-ENV-9", digestOf(container), "a lean form, without a dictionary", packed(f.Raw, f.Text))
	add("-cut", "ED-ENV-9", "envelope failure", "the raw part is longer than what is there", []byte{1, 0x7f, 0})
	add("-mark", "ED-ENV-9", "envelope failure", "marked as what is not known", append([]byte{2}, packed(f.Raw, f.Text)[1:]...))
	add("-large", "ED-ENV-9", "envelope failure", "a text of more than 64 KiB", packed(nil, make([]byte, lean.MaxContainer+1)))
	add("-twice", "ED-ENV-9", "envelope failure", "two frames that are more than 64 KiB together",
		append(packed(nil, make([]byte, lean.MaxContainer)), z.EncodeAll(make([]byte, lean.MaxContainer), nil)...))
}
