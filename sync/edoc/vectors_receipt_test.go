package edoc_test

import (
	"bytes"
	"slices"
)

// receiptEpochs makes seals of receipts with the epoch of their journal, and
// those that their own encoder refuses to write.
func (m *maker) receiptEpochs() {
	by, agency := m.w.Device.Signing, m.w.Agencies["civil-registry"]
	epoch := []byte{0x4f, 0x81, 0xc2, 0xaa}
	s := m.receiptSeal()
	s.Epoch = epoch
	good := m.seal(s, by)
	m.add("seal-receipt-epoch", "seal", "ED-SEAL-11", "yes ok", "a receipt that names the epoch of its journal", []byte(good.Text()))

	// d2 84 | 43 a10126 | a1 04 48 kid | 58 length payload | 58 40 signature
	const length, payload, signature = 18, 19, 66
	raw := good.Bytes()
	at := bytes.LastIndex(raw[:len(raw)-signature], append([]byte{0x0f, 0x44}, epoch...))
	if at < 0 || raw[length-1] != 0x58 {
		m.t.Fatal("the seal has no epoch")
	}
	short := slices.Delete(bytes.Clone(raw), at+5, at+6)
	short[at+1]--
	short[length]--
	m.add("seal-receipt-epoch-short", "seal", "ED-SEAL-11", "seal failure", "three bytes of the epoch", []byte(base32Text(short)))

	raw = m.seal(m.copySeal("school"), agency).Bytes()
	with := slices.Insert(bytes.Clone(raw), len(raw)-signature, append([]byte{0x0f, 0x44}, epoch...)...)
	with[length] += 6
	with[payload]++
	m.add("seal-copy-epoch", "seal", "ED-SEAL-11", "seal failure", "a copy that names an epoch", []byte(base32Text(with)))
}
