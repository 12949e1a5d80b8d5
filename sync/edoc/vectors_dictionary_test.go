package edoc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/penjire/penjire/sync/edoc/envelope"
)

// dictionaries are the cases of what envelopes are compressed with. The numbers
// are reckoned here from the file and the rule, not by the code under test.
func (m *maker) dictionaries() {
	skeleton, err := os.ReadFile("envelope/skeleton.bin")
	if err != nil {
		m.t.Fatal(err)
	}
	tables, err := os.ReadFile("envelope/tables.bin")
	if err != nil {
		m.t.Fatal(err)
	}
	const texts = ` "service": "residence-certificate", "purpose": "school",`
	long := strings.Repeat("0123456789abcdef", 2<<10) // 32 KiB
	for name, c := range map[string]struct{ texts, comment string }{
		"dictionary-common": {"", "without texts: the one that everyone has"},
		"dictionary-texts":  {texts, "with texts of a catalogue"},
		"dictionary-long":   {long, "of more than 32 KiB only the last count"},
	} {
		all := append([]byte(c.texts), skeleton...)
		all = all[max(0, 8+len(tables)+len(all)-32<<10):]
		sum := sha256.Sum256(append(bytes.Clone(tables), all...))
		m.add(name, "dictionary", "ED-ENV-6", fmt.Sprintf("%08x", binary.BigEndian.Uint32(sum[:])&0x3fffffff|0x40000000), c.comment, []byte(c.texts))
	}

	d := envelope.NewDictionary([]byte(texts))
	plain := []byte(`{"service": "residence-certificate", "purpose": "school"}`)
	seal := func(d *envelope.Dictionary) []byte {
		b, err := d.Seal(plain, m.w.AgeRecipient)
		if err != nil {
			m.t.Fatal(err)
		}
		return b
	}
	id, err := age.ParseX25519Identity(m.w.AgeIdentity)
	if err != nil {
		m.t.Fatal(err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	without := ageOf(m.t, z.EncodeAll(plain, nil), id.Recipient())
	m.add("envelope-without-dictionary", "envelope", "ED-ENV-7", string(plain), "compressed without a dictionary", without)
	m.add("envelope-common", "envelope", "ED-ENV-7", string(plain), "compressed with the common dictionary", seal(envelope.NewDictionary(nil)))
	known := seal(d)
	m.add("envelope-dictionary", "envelope", "ED-ENV-6", string(plain), "compressed with the dictionary of a catalogue", known, "texts: "+texts)
	m.add("envelope-dictionary-unknown", "envelope", "ED-ENV-8", "dictionary not at hand", "compressed with the dictionary of a catalogue that the reader never had", known)
	m.add("envelope-dictionary-other", "envelope", "ED-ENV-8", "dictionary not at hand", "the reader has the dictionary of another catalogue", known, "texts: another")

	// The frame names the right dictionary; what follows is none.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x23, 0, 0, 0, 0, 4}
	binary.LittleEndian.PutUint32(frame[5:], d.ID())
	frame = append(frame, 0x05, 0, 0) // a last block of type «compressed» without content
	m.add("envelope-dictionary-broken", "envelope", "ED-ENV-8", "envelope failure", "the dictionary is there, the frame after it is broken",
		ageOf(m.t, bytes.Clone(frame), id.Recipient()), "texts: "+texts)
}
