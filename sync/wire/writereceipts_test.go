package wire

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"testing"
)

// put writes one vector.
type put = func(name, expect, spec, kind, comment string, body []byte)

// signer is a portal of the vectors.
type signer struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func (s signer) receipts(rs []Receipt) [][]byte { return must(SignReceipts(rs, s.key, s.cert)) }

// batchOf signs any batch, also one that SignReceipts would refuse.
func (s signer) batchOf(v any) []byte { return must(sign("receipts", contextBatch, v, s.key, s.cert)) }

// taken takes a stored receipt apart.
func taken(t testing.TB, b []byte) whole {
	t.Helper()
	w, err := parseWhole(b)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// bent returns the stored receipt b after f changed it.
func bent(t testing.TB, b []byte, f func(*whole)) []byte {
	t.Helper()
	w := taken(t, b)
	w.Path = slices.Clone(w.Path)
	f(&w)
	return must(encMode.Marshal(w))
}

// writeReceipts writes what is stored and shown, and what must not pass for it.
func writeReceipts(t *testing.T, put put, portal, stranger signer) {
	ok := func(name, comment string, b []byte) { put(name, "ok", "WIRE-SIG-1 WIRE-SIG-6", "receipt", comment, b) }
	bad := func(name, class, rule, comment string, b []byte) {
		put(name, class+" failure", rule, "receipt", comment, b)
	}
	one := portal.receipts(sampleReceipts(1))[0]
	of5, decided := portal.receipts(sampleReceipts(5)), portal.receipts(sampleDecided(5))
	ok("receipt-durable", "the portal has the record; a batch of one", one)
	ok("receipt-of-five", "number 2 of 5", of5[2])
	ok("receipt-last", "number 4 of 5: its path is shorter", of5[4])
	ok("receipt-of-64", "number 63 of 64", portal.receipts(sampleReceipts(64))[63])
	put("receipt-refused", "ok", "WIRE-SIG-4", "receipt", "opened, and refused with a reason", decided[2])
	fork := sampleReceipts(2)
	fork[1].Fork = make([]byte, 32)
	ok("receipt-fork", "kept beside another record of the same number", portal.receipts(fork)[1])

	bad("receipt-foreign", "signature", "WIRE-SIG-1", "signed by a portal that is not in the bundle", stranger.receipts(sampleReceipts(5))[2])
	stolen := signer{stranger.key, portal.cert}
	bad("receipt-stolen-kid", "signature", "WIRE-SIG-1", "signed by another key under the portal's key id", stolen.receipts(sampleReceipts(5))[2])
	bad("receipt-bent", "signature", "WIRE-SIG-1", "one bit of the signature is different", bent(t, of5[2], func(w *whole) {
		w.Batch = slices.Clone(w.Batch)
		w.Batch[len(w.Batch)-1] ^= 1
	}))

	bad("receipt-index", "signature", "WIRE-SIG-6", "the number of its neighbour", bent(t, of5[2], func(w *whole) { w.Index = 3 }))
	bad("receipt-index-high", "value", "WIRE-SIG-6", "number 5 of 5", bent(t, of5[2], func(w *whole) { w.Index = 5 }))
	bad("receipt-path", "signature", "WIRE-SIG-6", "one bit of the path is different", bent(t, of5[2], func(w *whole) { w.Path[1][0] ^= 1 }))
	bad("receipt-path-order", "signature", "WIRE-SIG-6", "the path from the root down", bent(t, of5[2], func(w *whole) { slices.Reverse(w.Path) }))
	bad("receipt-path-short", "signature", "WIRE-SIG-6", "a path without its end", bent(t, of5[2], func(w *whole) { w.Path = w.Path[:2] }))
	bad("receipt-path-long", "value", "WIRE-SIG-6", "a path of 7 hashes", bent(t, of5[2], func(w *whole) { w.Path = make([]hash, 7) }))
	bad("receipt-leaf", "signature", "WIRE-SIG-6", "the leaf of another record", bent(t, of5[2], func(w *whole) { w.Leaf = taken(t, of5[3]).Leaf }))
	six := sampleReceipts(5)
	six[4].Seq = 6
	bad("receipt-other-batch", "signature", "WIRE-SIG-6", "a receipt under another batch of the same size",
		bent(t, of5[2], func(w *whole) { w.Batch = taken(t, portal.receipts(six)[0]).Batch }))
	b := sampleReceipt().batch()
	b.Root = leafHash(taken(t, one).Leaf)
	bad("receipt-size-zero", "value", "WIRE-SIG-6", "a batch of none", bent(t, one, func(w *whole) { w.Batch = portal.batchOf(b) }))
	b.Size = 65
	bad("receipt-size-65", "value", "WIRE-SIG-6", "a batch of 65", bent(t, one, func(w *whole) { w.Batch = portal.batchOf(b) }))
	b.Size = 2
	bad("receipt-size", "signature", "WIRE-SIG-6", "a batch of two with the root of one", bent(t, one, func(w *whole) { w.Batch = portal.batchOf(b) }))

	bad("receipt-cut", "format", "WIRE-SIG-3", "a batch without its last byte", bent(t, of5[2], func(w *whole) { w.Batch = w.Batch[:len(w.Batch)-1] }))
	bad("receipt-header", "format", "WIRE-SIG-3", "an unprotected header beside the protected one",
		bent(t, of5[2], func(w *whole) { w.Batch = unprotected(t, w.Batch) }))
	bad("receipt-trailing", "format", "WIRE-SIG-3", "a byte after the receipt", append(slices.Clone(one), 0))
	bad("receipt-unknown-key", "format", "WIRE-SIG-3", "key 12 in a batch, well signed",
		bent(t, one, func(w *whole) { w.Batch = portal.batchOf(map[int]int{1: 1, 12: 1}) }))
	bad("receipt-leaf-key", "format", "WIRE-SIG-3", "key 12 in a leaf, well signed", inOne(t, portal, one, map[int]int{1: 1, 12: 1}))

	l := sampleReceipt().leaf()
	l.Stage = StageRegistered
	bad("receipt-level", "value", "WIRE-SIG-4", "DURABLE at stage registered, well signed", inOne(t, portal, one, l))
	bad("receipt-swapped", "value", "WIRE-SIG-4", "a leaf at stage delivered in a batch of decisions, well signed",
		inOne(t, portal, decided[0], sampleReceipt().leaf()))
	l.Stage = StageRefused
	bad("receipt-no-reason", "value", "WIRE-SIG-4", "refused without a reason, well signed", inOne(t, portal, decided[0], l))
}

// inOne returns l as the only leaf of a batch that is like the one of b.
func inOne(t testing.TB, portal signer, b []byte, l any) []byte {
	t.Helper()
	w := whole{Leaf: must(encMode.Marshal(l))}
	var bt batch
	if err := peek(taken(t, b).Batch, &bt); err != nil {
		t.Fatal(err)
	}
	bt.Size, bt.Root = 1, leafHash(w.Leaf)
	w.Batch = portal.batchOf(bt)
	return must(encMode.Marshal(w))
}

// sampleDecisions are items of which two are decisions; the frame does not look inside.
func sampleDecisions() *Items {
	return &Items{
		Items: []Item{{ID: 5, Kind: ItemAnswer, Doc: sha256.Sum256([]byte("doc 1")), Stage: StageAnswered, At: 1795358000, Bytes: []byte("answer")}},
		Decisions: []Group{{Batch: []byte{1}, Slips: []Slip{
			{Index: 0, Seq: 1, ID: 4, Stage: StageRegistered},
			{Index: 3, Seq: 2, ID: 6, Stage: StageRefused, Reason: "signer.not_in_bundle"},
		}, Hashes: [][32]byte{{1}}}},
	}
}
