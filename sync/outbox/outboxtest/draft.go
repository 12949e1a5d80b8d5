package outboxtest

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/penjire/penjire/sync/outbox"
)

// Day is when drafts are claimed to be made.
var Day = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// Draft returns draft number n: always the same for one number, different for
// different ones. Ten owners take turns.
func Draft(n int) outbox.Draft {
	seed := binary.BigEndian.AppendUint64(nil, uint64(n))
	doc := sha256.Sum256(append([]byte("doc"), seed...))
	sealed := make([]byte, 0, 640)
	for h := doc; len(sealed) < 600+n%40; h = sha256.Sum256(h[:]) {
		sealed = append(sealed, h[:]...)
	}
	const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	code := make([]byte, 10)
	for i := range code {
		code[i] = symbols[doc[i]%32]
	}
	var owner outbox.Owner
	copy(owner[:], "owner")
	owner[0], owner[15] = byte(n%10), 1
	return outbox.Draft{
		Doc: doc, Code: string(code), Service: "residence-certificate", ServiceVersion: 3, Lang: "tk",
		Lane: 1, Owner: owner, Sealed: sealed, Claimed: Day.Add(time.Duration(n) * time.Minute),
		Due: Day.Add(5 * 24 * time.Hour), Signature: sha256.Sum256(seed),
	}
}

// Accept accepts the draft or ends the test.
func Accept(t testing.TB, o *outbox.Outbox, d outbox.Draft) outbox.Request {
	t.Helper()
	r, err := o.Accept(t.Context(), d)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return r
}

// Large returns draft number n with sealed bytes of that size, which differ from
// draft to draft and do not repeat.
func Large(n, size int) outbox.Draft {
	d := Draft(n)
	d.Sealed = make([]byte, 0, size+32)
	for h := d.Doc; len(d.Sealed) < size; h = sha256.Sum256(h[:]) {
		d.Sealed = append(d.Sealed, h[:]...)
	}
	d.Sealed = d.Sealed[:size]
	return d
}
