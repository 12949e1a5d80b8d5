package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"testing"
)

// ageSealed is like what age writes for so many recipients: a header with parts
// of 32 bytes, and what follows it.
func ageSealed(recipients int) []byte {
	part := func(c byte) string {
		return base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{c}, 32))
	}
	b := []byte("age-encryption.org/v1\n")
	for i := range recipients {
		b = append(b, "-> X25519 "+part(byte(16*i+1))+"\n"+part(byte(16*i+2))+"\n"...)
	}
	return append(b, "--- "+part(0xff)+"\nsixteen bytes .!and what is sealed"...)
}

func recordsOf(sealed ...[]byte) *Records {
	f := &Records{Epoch: sampleEpoch()}
	for i, b := range sealed {
		f.Records = append(f.Records, Record{
			Seq: uint64(i) + 1, Doc: sha256.Sum256(b), Service: "job-seeker", Lang: "tk", Claimed: 1795357000, Sealed: b,
		})
	}
	return f
}

// putRecords writes the vectors of section 3.1.
func putRecords(t *testing.T, put func(name, expect, spec, kind, comment string, body []byte)) {
	good := func(name, comment string, sealed ...[]byte) {
		b, err := Marshal(recordsOf(sealed...))
		if err != nil {
			t.Fatal(err)
		}
		put(name, "ok", "WIRE-REC-1", "frame", comment, b)
	}
	good("records-age", "sealed with age to one recipient, twice", ageSealed(1), ageSealed(1))
	good("records-age-two", "sealed with age to two recipients", ageSealed(2))
	good("records-age-nine", "sealed with age to nine recipients: whole", ageSealed(9))
	good("records-age-card", "sealed with age to something else: whole", bytes.Replace(ageSealed(1), []byte("X25519"), []byte("x25519"), 1))
	good("records-zero", "bytes that begin with a zero", []byte("\x00sealed"))
	good("records-one", "bytes that begin like one recipient", []byte("\x01sealed"))

	bad := func(name, spec, comment string, change func(w *wireRecords)) {
		w := wireRecords{Epoch: sampleEpoch(), Names: []string{"job-seeker", "tk"}, Records: []wireRecord{
			{Seq: 1, Doc: sha256.Sum256(nil), Service: 0, Lang: 1, Claimed: 1795357000, Sealed: shortSealed(ageSealed(1))},
		}}
		change(&w)
		body, err := encMode.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		b, err := encMode.Marshal(envelope{Type: TypeRecords, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		put(name, "format failure", spec, "frame", comment, b)
	}
	sealed := func(b []byte) func(*wireRecords) { return func(w *wireRecords) { w.Records[0].Sealed = b } }
	bad("records-age-text", "WIRE-REC-1", "a header that has a short form, as text", sealed(ageSealed(1)))
	bad("records-age-whole", "WIRE-REC-1", "a header that has a short form, marked as something else", sealed(append([]byte{0}, ageSealed(1)...)))
	bad("records-age-cut", "WIRE-REC-1", "a short form that is cut off", sealed(shortSealed(ageSealed(1))[:96]))
	bad("records-form", "WIRE-REC-1", "a form that is not known", sealed([]byte("\x09sealed")))
	bad("records-name", "WIRE-REC-2", "a name that is not there", func(w *wireRecords) { w.Records[0].Service = 2 })
	bad("records-names-more", "WIRE-REC-2", "a name that no record has", func(w *wireRecords) { w.Names = append(w.Names, "ru") })
	bad("records-names-order", "WIRE-REC-2", "names in another order than they come", func(w *wireRecords) {
		w.Names, w.Records[0].Service, w.Records[0].Lang = []string{"tk", "job-seeker"}, 1, 0
	})
	bad("records-names-twice", "WIRE-REC-2", "a name twice", func(w *wireRecords) { w.Names = append(w.Names, "tk") })
}
