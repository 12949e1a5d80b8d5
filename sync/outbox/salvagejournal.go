package outbox

import (
	"crypto/sha256"
	"errors"

	"github.com/penjire/penjire/sync/journal"
)

// note begins the new epoch's journal by saying where it comes from.
func (g *salvage) note(cause error, metas []id) error {
	digest := sha256.Sum256([]byte(cause.Error()))
	e := journal.Entry{Kind: journal.Quarantine, At: g.o.o.Now(), Boot: g.o.o.Boot, Fields: journal.Fields{
		Count: uint64(len(g.found)), Digest: digest[:], Reason: AlarmDamaged,
	}}
	var newest uint64
	for _, k := range metas {
		if r := g.found[k].revision; r > newest {
			newest, e.Fields.Epoch = r, k.epoch[:]
		}
	}
	switch {
	case errors.Is(cause, ErrRestored):
		e.Fields.Reason = AlarmRestored
	case errors.Is(cause, errRecovered):
		e.Fields.Reason = AlarmRecovered
	}
	_, err := g.append(e)
	return err
}

// append adds an entry to the new epoch's journal.
func (g *salvage) append(e journal.Entry) (int64, error) {
	b, err := e.Marshal()
	if err != nil {
		return 0, err
	}
	index := g.edge.Size()
	leaf := marshalLeaf(g.edge.Add(journal.LeafHash(b)), b)
	return index, g.put(bucketJournal, value{kind: kindJournal, epoch: g.epoch, number: uint64(index), revision: 1, payload: leaf})
}

// leaf carries a journal entry over as evidence, under its old epoch, and
// remembers what it tells of its request. It returns the print job it names.
func (g *salvage) leaf(k id, tales map[id]*told) (uint64, error) {
	v, err := g.value(k)
	if err != nil {
		return 0, err
	}
	_, b, err := parseLeaf(v.payload)
	if err != nil {
		return 0, nil // it has a good checksum and a bad form: it stays in the old file only
	}
	e, err := journal.ParseEntry(b)
	if err != nil {
		return 0, nil
	}
	if err := g.put(bucketJournal, v); err != nil {
		return 0, err
	}
	epoch := v.epoch
	if len(e.Fields.Epoch) == 16 && e.Kind != journal.Quarantine {
		epoch = Epoch(e.Fields.Epoch)
	}
	of := id{kind: kindRequest, epoch: epoch, number: e.Fields.Seq}
	if len(e.Fields.Doc) == len(Doc{}) {
		of.fork = short(e.Fields.Doc)
	}
	if e.Kind == journal.DocSigned || e.Kind == journal.Withdrawn {
		if tales[of] == nil {
			tales[of] = &told{}
		}
		if e.Kind == journal.DocSigned {
			tales[of].signed, tales[of].index = &e, v.number
		} else {
			tales[of].withdrawn = true
		}
	}
	return e.Fields.Job, nil
}
