package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/veraison/go-cose"
)

var write = flag.Bool("write", false, "write the vectors anew, with new keys")

// specimen makes a self-signed certificate.
func specimen(t testing.TB, name string) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"SPECIMEN"}},
		NotBefore: time.Unix(1760000000, 0), NotAfter: time.Unix(2100000000, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, c
}

func sampleEpoch() [16]byte { return [16]byte([]byte("sixteen bytes .!")) }

func sampleHello() *Hello {
	return &Hello{
		Kiosk: "K-000001", Epoch: sampleEpoch(), Oldest: 1, Newest: 1, Cursor: 7,
		Software: "0.1.0", Unsent: 2, Since: 1795358000, Catalogue: 3, Trust: 4,
	}
}

func sampleReceipt() Receipt { return sampleReceipts(1)[0] }

// sampleReceipts are DURABLE receipts of records 1 to n, as sampleHeld has them.
func sampleReceipts(n uint64) (out []Receipt) {
	for seq := uint64(1); seq <= n; seq++ {
		doc, digest, _, _ := sampleHeld(sampleEpoch(), seq)
		out = append(out, Receipt{
			Level: Durable, Kiosk: "K-000001", Epoch: sampleEpoch(), Seq: seq, Doc: doc,
			Digest: digest, Stage: StageDelivered, At: 1795358000, Confirmer: "portal.specimen",
		})
	}
	return out
}

// sampleDecided are the decisions about the same records: every third is refused.
func sampleDecided(n uint64) []Receipt {
	out := sampleReceipts(n)
	for i := range out {
		out[i].Level, out[i].Stage = Decided, StageRegistered
		if i%3 == 2 {
			out[i].Stage, out[i].Reason = StageRefused, "signer.not_in_bundle"
		}
	}
	return out
}

// sampleHeld is the kiosk of the vectors: it has records 1 to 64 of one epoch.
func sampleHeld(epoch [16]byte, seq uint64) (doc, digest [32]byte, ok bool, err error) {
	doc = sha256.Sum256(fmt.Appendf(nil, "doc %d", seq))
	digest = sha256.Sum256(fmt.Appendf(nil, "sealed %d", seq))
	return doc, digest, epoch == sampleEpoch() && seq <= 64, nil
}

func sampleRecords() *Records {
	return &Records{Epoch: sampleEpoch(), Records: []Record{
		{Seq: 1, Doc: sha256.Sum256([]byte("doc")), Service: "job-seeker", Lang: "tk", Claimed: 1795357000, Sealed: []byte("sealed")},
		{Seq: 3, Doc: sha256.Sum256([]byte("doc 3")), Service: "complaint", Lang: "ru", Claimed: 1795357001, Sealed: []byte("sealed 3")},
	}}
}

func sampleItems() *Items {
	return &Items{Items: []Item{
		{ID: 4, Kind: ItemAnswer, Doc: sha256.Sum256([]byte("doc")), Stage: StageAnswered, At: 1795358000, Bytes: []byte("answer")},
		{ID: 5, Kind: ItemTrust, At: 1795358000, Bytes: []byte("bundle")},
	}}
}

// raw marshals without the checks of Marshal: for what must be refused.
func raw(t testing.TB, f Frame) []byte {
	t.Helper()
	body, err := encMode.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := encMode.Marshal(envelope{Type: f.Type(), Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWriteVectors writes spec/vectors/wire when asked to by -write, and
// otherwise checks that every frame type has a vector that parses.
func TestWriteVectors(t *testing.T) {
	if !*write {
		seen := map[Type]bool{}
		for _, v := range vectors(t) {
			if v.kind == "frame" && v.expect == "ok" {
				f, err := Parse(v.body)
				if err != nil {
					t.Fatalf("%s: %v", v.name, err)
				}
				seen[f.Type()] = true
			}
		}
		for ty := range typeNames {
			if !seen[ty] {
				t.Errorf("no vector of %s that parses", ty)
			}
		}
		return
	}
	pk, pc := specimen(t, "portal.specimen")
	ok, oc := specimen(t, "portal.foreign")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pc.Raw})
	if err := os.WriteFile(filepath.Join(vectorsDir, "portal.pem"), cert, 0o644); err != nil {
		t.Fatal(err)
	}
	put := func(name, expect, spec, kind, comment string, body []byte) {
		var s strings.Builder
		fmt.Fprintf(&s, "expect: %s\nspec: %s\nkind: %s\ncomment: %s\n\n", expect, spec, kind, comment)
		for h := hex.EncodeToString(body); h != ""; {
			n := min(len(h), 96)
			s.WriteString(h[:n] + "\n")
			h = h[n:]
		}
		if err := os.WriteFile(filepath.Join(vectorsDir, name+".vector"), []byte(s.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good := func(name, comment string, f Frame) {
		b, err := Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		put(name, "ok", "WIRE-FRM-1", "frame", comment, b)
	}
	hello := raw(t, sampleHello())
	good("hello", "what a kiosk says first", sampleHello())
	good("welcome", "a portal that has seen no head yet", &Welcome{Version: 1, Portal: "portal.specimen", Records: 64, Bytes: 1 << 20})
	good("welcome-head", "a portal that has seen a head", &Welcome{Version: 1, Portal: "portal.specimen", HeadSize: 9, HeadName: [8]byte{1}, Records: 64, Bytes: 1 << 20})
	good("records", "two records", sampleRecords())
	putRecords(t, put)
	good("receipts", "one receipt; the frame does not look inside", &Receipts{Groups: []Group{{Batch: []byte{1}, Slips: []Slip{{Seq: 1}}}}})
	good("nack", "a record too large", &Nack{Of: TypeRecords, Epoch: sampleEpoch(), Seq: 3, Code: "record.too_large"})
	good("nack-items", "decisions that do not fit what the kiosk has", &Nack{Of: TypeItems, Epoch: sampleEpoch(), Code: CodeUnbuilt})
	good("items", "an answer and a trust bundle", sampleItems())
	good("items-decided", "two decisions, and an answer between them", sampleDecisions())
	good("item-delta", "a trust delta", &Items{Items: []Item{{ID: 5, Kind: ItemDelta, At: 1795358000, Bytes: []byte("delta")}}})
	good("item-ack", "stored up to 5", &ItemAck{ID: 5})
	good("checkpoint", "from size 2, one hash", &Checkpoint{Epoch: sampleEpoch(), Head: []byte{1}, From: 2, Proof: [][32]byte{sha256.Sum256(nil)}})
	good("checkpoint-first", "the first head needs no proof", &Checkpoint{Epoch: sampleEpoch(), Head: []byte{1}})
	good("witness", "a head with the portal's signature; the frame does not look inside", &Witness{Epoch: sampleEpoch(), Head: []byte{1}})
	good("bye", "come back in five minutes", &Bye{Code: "busy", Retry: 300})
	good("beacon", "a beacon; the frame does not look inside", &Beacon{Signed: []byte{1}})

	bad := func(name, expect, spec, comment string, b []byte) { put(name, expect, spec, "frame", comment, b) }
	badf := func(name, expect, spec, comment string, f Frame) { bad(name, expect, spec, comment, raw(t, f)) }
	writeLarge(good, badf)
	bad("empty", "format failure", "WIRE-FRM-1", "no bytes at all", nil)
	bad("cut", "format failure", "WIRE-FRM-1", "the last byte is missing", hello[:len(hello)-1])
	bad("trailing", "format failure", "WIRE-FRM-1", "a byte after the frame", append(append([]byte(nil), hello...), 0))
	bad("long-integer", "format failure", "WIRE-FRM-1", "item-ack of 5 in two bytes", []byte{0x82, 0x07, 0xa1, 0x01, 0x18, 0x05})
	bad("indefinite", "format failure", "WIRE-FRM-1", "item-ack as a map of indefinite length", []byte{0x82, 0x07, 0xbf, 0x01, 0x05, 0xff})
	bad("duplicate-key", "format failure", "WIRE-FRM-1", "item-ack with key 1 twice", []byte{0x82, 0x07, 0xa2, 0x01, 0x05, 0x01, 0x05})
	bad("unsorted", "format failure", "WIRE-FRM-1", "bye with key 2 before key 1", []byte{0x82, 0x09, 0xa2, 0x02, 0x00, 0x01, 0x60})
	bad("tagged", "format failure", "WIRE-FRM-1", "a tag around the frame", append([]byte{0xd9, 0xd9, 0xf7}, hello...))
	bad("unknown-key", "format failure", "WIRE-FRM-2", "item-ack with a key 2", []byte{0x82, 0x07, 0xa2, 0x01, 0x05, 0x02, 0x00})
	bad("missing-key", "format failure", "WIRE-FRM-2", "bye without key 2", []byte{0x82, 0x09, 0xa1, 0x01, 0x60})
	bad("short-epoch", "format failure", "WIRE-FRM-2", "a nack whose epoch has 15 bytes", shortEpoch(t))
	bad("unknown-type", "type failure", "WIRE-FRM-3", "there is no type 15", []byte{0x82, 0x0f, 0xa0})
	badf("no-records", "value failure", "WIRE-FRM-4", "a records frame without records", &Records{Epoch: sampleEpoch(), Records: []Record{}})
	many := &Records{Epoch: sampleEpoch()}
	for i := range uint64(65) {
		many.Records = append(many.Records, Record{Seq: i + 1, Service: "s", Lang: "tk", Sealed: []byte{1}})
	}
	badf("many-records", "limit failure", "WIRE-FRM-4", "65 records", many)
	badf("long-proof", "limit failure", "WIRE-FRM-4", "65 hashes", &Checkpoint{Epoch: sampleEpoch(), Head: []byte{1}, From: 2, Proof: make([][32]byte, 65)})
	badf("name-space", "value failure", "WIRE-FRM-5", "a code with a space", &Bye{Code: "come back"})
	badf("name-newline", "value failure", "WIRE-FRM-5", "a code that would forge a line of a log", &Bye{Code: "a\nb"})
	badf("name-long", "value failure", "WIRE-FRM-5", "a code of 65 bytes", &Bye{Code: strings.Repeat("x", 65)})
	r := sampleRecords()
	r.Records[1].Seq = 1
	badf("records-order", "value failure", "WIRE-FRM-6", "the same sequence twice in one frame", r)
	it := sampleItems()
	it.Items[1].ID = 4
	badf("items-order", "value failure", "WIRE-FRM-6", "the same item twice in one frame", it)
	it = sampleItems()
	it.Items[0].Stage = StageDelivered
	badf("item-stage", "value failure", "WIRE-FRM-7", "an answer at stage delivered", it)
	it = sampleItems()
	it.Items[0].Kind = ItemDecided
	badf("item-decision", "value failure", "WIRE-FRM-7", "a decision in a place for other items", it)
	it = sampleItems()
	it.Items[1].Kind = 8
	badf("item-kind", "value failure", "WIRE-FRM-7", "an item of a kind that there is not", it)
	it = sampleItems()
	it.Items[1].Kind, it.Items[1].Doc = ItemRevoked, sha256.Sum256(nil)
	badf("item-revoked-doc", "value failure", "WIRE-FRM-7", "a list of revoked seals about a document", it)
	it = sampleItems()
	it.Items[1].Kind, it.Items[1].Doc = ItemSettings, sha256.Sum256(nil)
	badf("item-settings-doc", "value failure", "WIRE-FRM-7", "settings about a document", it)
	it = sampleItems()
	it.Items[1].Doc = sha256.Sum256(nil)
	badf("item-doc", "value failure", "WIRE-FRM-7", "a trust bundle about a document", it)
	h := sampleHello()
	h.Epoch = [16]byte{}
	badf("hello-epoch", "value failure", "WIRE-FRM-8", "a zero epoch", h)
	h = sampleHello()
	h.Oldest = 2
	badf("hello-versions", "value failure", "WIRE-FRM-8", "versions 2 to 1", h)
	h = sampleHello()
	h.Cursor = MaxItem + 1
	badf("hello-cursor", "value failure", "WIRE-FRM-8", "a cursor above 2^53", h)
	badf("witness-empty", "value failure", "WIRE-FRM-8", "a witness of nothing", &Witness{Epoch: sampleEpoch(), Head: []byte{}})
	badf("ack-zero", "value failure", "WIRE-FRM-8", "an ack of nothing", &ItemAck{})
	r = sampleRecords()
	r.Records[0].Sealed = []byte{}
	badf("record-empty", "value failure", "WIRE-FRM-8", "a record without sealed bytes", r)
	badf("receipt-empty", "value failure", "WIRE-FRM-8", "an empty batch", &Receipts{Groups: []Group{{Batch: []byte{}, Slips: []Slip{{Seq: 1}}}}})
	writeGroupFrames(badf)

	signed := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	time1 := Time{Kiosk: "K-000001", Epoch: sampleEpoch(), At: 1795358000, Confirmer: "portal.specimen"}
	put("beacon-signed", "ok", "WIRE-SIG-1", "beacon", "the portal's time", signed(SignTime(time1, pk, pc)))
	of5 := must(SignReceipts(sampleReceipts(5), pk, pc))
	put("beacon-as-receipt", "signature failure", "WIRE-SIG-2", "beacon", "a batch of receipts where a beacon is wanted", taken(t, of5[0]).Batch)
	put("receipt-as-beacon", "signature failure", "WIRE-SIG-2", "receipt", "a beacon where the batch of a receipt is wanted",
		bent(t, of5[0], func(w *whole) { w.Batch = signed(SignTime(time1, pk, pc)) }))
	writeReceipts(t, put, signer{pk, pc}, signer{ok, oc})
	writeGroups(t, put, signer{pk, pc}, signer{ok, oc})
}

// shortEpoch returns a nack whose epoch is one byte short.
func shortEpoch(t testing.TB) []byte {
	b := raw(t, &Nack{Of: TypeRecords, Epoch: sampleEpoch(), Seq: 3, Code: "x"})
	s := strings.Replace(string(b), "\x50"+string([]byte("sixteen bytes .!")), "\x4f"+string([]byte("sixteen bytes .")), 1)
	return []byte(s)
}

// unprotected returns the signed object b with one unprotected header more.
func unprotected(t testing.TB, b []byte) []byte {
	t.Helper()
	var m cose.Sign1Message
	if err := m.UnmarshalCBOR(b); err != nil {
		t.Fatal(err)
	}
	m.Headers.Unprotected = cose.UnprotectedHeader{"x": "y"}
	m.Headers.RawUnprotected = nil
	out, err := m.MarshalCBOR()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
