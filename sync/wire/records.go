package wire

import (
	"fmt"
	"slices"
)

// wireRecords is how records look on the wire (wire.md, section 3.1): small,
// since most frames that cost anything are of these.
type wireRecords struct {
	Epoch   [16]byte     `cbor:"1,keyasint"`
	Names   []string     `cbor:"2,keyasint"` // services and languages, in the order in which they come
	Records []wireRecord `cbor:"3,keyasint"`
}

type wireRecord struct {
	_       struct{} `cbor:",toarray"`
	Seq     uint64   // above the one before
	Doc     [32]byte
	Service uint  // in Names
	Lang    uint  // in Names
	Claimed int64 // after the one before
	Sealed  []byte
}

// MarshalCBOR implements cbor.Marshaler.
func (f *Records) MarshalCBOR() ([]byte, error) {
	w := wireRecords{Epoch: f.Epoch, Records: make([]wireRecord, 0, len(f.Records))}
	name := func(s string) uint {
		i := slices.Index(w.Names, s)
		if i < 0 {
			i, w.Names = len(w.Names), append(w.Names, s)
		}
		return uint(i) //nolint:gosec // an index
	}
	var last Record
	for _, r := range f.Records {
		w.Records = append(w.Records, wireRecord{
			Seq: r.Seq - last.Seq, Doc: r.Doc, Service: name(r.Service), Lang: name(r.Lang), Claimed: r.Claimed - last.Claimed, Sealed: shortSealed(r.Sealed),
		})
		last = r
	}
	return encMode.Marshal(w)
}

// UnmarshalCBOR implements cbor.Unmarshaler. That there is no other way to write
// the same, Parse makes sure.
func (f *Records) UnmarshalCBOR(b []byte) error {
	var w wireRecords
	if err := decMode.Unmarshal(b, &w); err != nil {
		return err
	}
	*f = Records{Epoch: w.Epoch, Records: make([]Record, 0, len(w.Records))}
	var last Record
	for i, r := range w.Records {
		if r.Service >= uint(len(w.Names)) || r.Lang >= uint(len(w.Names)) {
			return fmt.Errorf("record %d has a name that is not there", i)
		}
		sealed, err := longSealed(r.Sealed)
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		last = Record{
			Seq: last.Seq + r.Seq, Doc: r.Doc, Service: w.Names[r.Service], Lang: w.Names[r.Lang], Claimed: last.Claimed + r.Claimed, Sealed: sealed,
		}
		f.Records = append(f.Records, last)
	}
	return nil
}
