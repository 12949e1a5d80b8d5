package outboxtest

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// Rewrite is the attacker who has the disk and the keys: it puts other entries
// in the place of the journal's, with all hashes and checksums made again, so
// that the file is in order by itself.
func Rewrite(t testing.TB, path string, epoch [16]byte, change func([][]byte) [][]byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		t.Fatal(err)
	}
	const head = 42 // sync/spec/outbox.md, section 3
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("journal"))
		key := func(i int) []byte { return binary.BigEndian.AppendUint64(slices.Clone(epoch[:]), uint64(i)) }
		var entries [][]byte
		var shape []byte
		for i := 0; ; i++ {
			v := b.Get(key(i))
			if v == nil {
				break
			}
			shape = slices.Clone(v[:head])
			entries = append(entries, slices.Clone(v[head+1+32*int(v[head]):len(v)-4]))
			if err := b.Delete(key(i)); err != nil {
				return err
			}
		}
		var edge journal.Edge
		for i, e := range change(entries) {
			hs := edge.Add(journal.LeafHash(e))
			payload := []byte{byte(len(hs))}
			for _, h := range hs {
				payload = append(payload, h[:]...)
			}
			payload = append(payload, e...)
			v := slices.Clone(shape)
			binary.BigEndian.PutUint64(v[22:], uint64(i))
			binary.BigEndian.PutUint32(v[38:], uint32(len(payload)))
			v = append(v, payload...)
			v = binary.BigEndian.AppendUint32(v, crc32.Checksum(v, crc32.MakeTable(crc32.Castagnoli)))
			if err := b.Put(key(i), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// Signed returns where the first doc-signed entry stands.
func Signed(t testing.TB, entries [][]byte) int {
	t.Helper()
	return slices.IndexFunc(entries, func(b []byte) bool {
		e, err := journal.ParseEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		return e.Kind == journal.DocSigned
	})
}
